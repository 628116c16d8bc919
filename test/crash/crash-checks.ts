/**
 * Pulls the plug at every file call of an operation, and opens what is left.
 *
 * Of one point there are these disks: everything written is there (a kill; a power loss that loses nothing is the
 * same), nothing is there that was not synced, and some that a seed mixes. Disks that look alike and may hold
 * the same are opened once.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { DiskQueueLimits } from '../support/disk-queue-setup.ts';
import type { Chooser } from '../support/memory-file.ts';
import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { checkAsNsqd, findAsNsqd, findRecords, recover } from './found-records.ts';
import type { QueueLife } from './queue-life.ts';
import type { CrashKind, Expectations } from './record-book.ts';

/** Nothing survives that is not durable. */
export const OLDEST: Chooser = () => 0;

/** A crash that left a fault. */
class CrashFailure extends Error {
  constructor(kind: CrashKind, mixture: number, image: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const disks = mixture === 0 ? 'nothing unsynced' : `mixture ${mixture}`;
    const text = kind === 'kill' ? kind : `${kind} (${disks})`;
    super(`after a ${text}: ${reason}\n${image.replaceAll('\0', '.')}`, { cause });
  }
}

export class CrashChecks {
  /** Disks that were opened. */
  count = 0;
  /** Crashes that were examined; most of them leave a disk that was opened before. */
  crashes = 0;
  /** Records that were handed out damaged, none of which was synced. */
  damagedCount = 0;

  readonly #limits: DiskQueueLimits;
  readonly #mixtures: number;
  readonly #seen = new Set<string>();

  readonly #mayBeTorn: boolean;
  /** Whether calls have failed in this life. */
  #hasFailed = false;

  /**
   * `mixtures` is how many disks are drawn of each point beside the extreme ones, `mayBeTorn` whether an earlier crash
   * may have torn the end of a segment.
   */
  constructor(limits: DiskQueueLimits, mixtures: number, mayBeTorn = false) {
    this.#limits = limits;
    this.#mixtures = mixtures;
    this.#mayBeTorn = mayBeTorn;
  }

  /** Crashes at every point of the last operation, and after it. Errors: throws the fault that it finds. */
  check(life: QueueLife): void {
    // On a full disk what is finished goes before metadata says so.
    this.#hasFailed = life.faults.failedCount > 0;
    for (const { disks, book } of [...life.points, life.pointsNow()]) {
      const afterKill = book.expectations('kill');
      const afterPowerLoss = book.expectations('power loss');
      for (const disk of disks) this.#checkDisk(disk, afterKill, afterPowerLoss);
    }
  }

  #checkDisk(disk: MemoryFileSystem, afterKill: Expectations, afterPowerLoss: Expectations): void {
    this.#open('power loss', 0, disk.afterPowerLoss(OLDEST), afterPowerLoss);
    for (let mixture = 1; mixture <= this.#mixtures; mixture++) {
      const choose = seededRandom(mixture * 7919 + this.crashes);
      this.#open('power loss', mixture, disk.afterPowerLoss(choose), afterPowerLoss);
    }
    // Last, because it uses the disk up.
    this.#open('kill', 0, disk, afterKill);
  }

  #open(kind: CrashKind, mixture: number, disk: MemoryFileSystem, expected: Expectations): void {
    this.crashes++;
    const image = disk.image();
    const key = hash('sha1', `${expected.text}\n${image}`);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.count++;
    try {
      // nsqd does not know what a journal is: a power loss may take from it what RingMQ has not written again.
      if (kind === 'power loss') recover(disk);
      checkAsNsqd(disk, this.#mayBeTorn);
      const asNsqd = findAsNsqd(disk, this.#limits);
      expected.checkAmong(asNsqd.records);
      assert.ok(
        asNsqd.isNewThere || this.#hasFailed,
        'what is published to nsqd is delivered by it',
      );
      const { records, losses } = findRecords(disk, this.#limits);
      this.damagedCount += expected.check(records);
      if (kind === 'kill' && !this.#hasFailed)
        assert.deepStrictEqual(losses, [], 'a kill loses no segment');
    } catch (cause) {
      throw new CrashFailure(kind, mixture, image, cause);
    }
  }
}
