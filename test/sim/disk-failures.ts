/**
 * Makes reads and writes of a disk in memory fail, in one of the ways in which disks do: with an error, or because it
 * is full in the middle of a write. Syncs do not fail here; queues alone are tested for that.
 *
 * Thread: any.
 */

import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import type { Random } from '../support/seeded-random.ts';
import { SystemError } from '../support/system-error.ts';
import type { DiskFaults } from './scenario.ts';

const ROOM_BYTES_MAX = 2000;
/** The calls that fail on a disk with errors. */
const FAILING: Readonly<Record<DiskFaults, readonly string[]>> = {
  none: [],
  writes: ['write', 'create'],
  reads: ['read', 'openForReading', 'list', 'write'],
};

export class DiskFailures {
  /** The current state of the disk. */
  state: 'well' | 'failing' | 'full' = 'well';

  readonly #disk: MemoryFileSystem;
  readonly #directory: string;
  readonly #random: Random;
  readonly #faults: DiskFaults;

  constructor(disk: MemoryFileSystem, directory: string, random: Random, faults: DiskFaults) {
    this.#disk = disk;
    this.#directory = directory;
    this.#random = random;
    this.#faults = faults;
  }

  /** Begins to fail, or recovers. */
  change(): void {
    if (this.state !== 'well') {
      this.heal();
    } else if (this.#random(2) === 0) {
      this.state = 'failing';
      const failing = FAILING[this.#faults];
      this.#disk.onCall = (action, path) => {
        if (failing.includes(action)) throw new SystemError('EIO', action, path);
      };
    } else {
      this.state = 'full';
      this.#disk.capacityBytes = this.#usedBytes() + this.#random(ROOM_BYTES_MAX);
    }
  }

  heal(): void {
    this.state = 'well';
    this.#disk.onCall = () => undefined;
    this.#disk.capacityBytes = Number.POSITIVE_INFINITY;
  }

  #usedBytes(): number {
    let bytes = 0;
    for (const name of this.#disk.names(this.#directory)) {
      bytes += this.#disk.content(`${this.#directory}/${name}`).length;
    }
    return bytes;
  }
}
