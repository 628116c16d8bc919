/**
 * Copies all disk queues of a data directory that a broker may be using.
 *
 * A topic is copied before its channels, because messages move from the topic to the channels. A second round adds
 * later appends, because messages also move between topics; more rounds follow while there are new queues. So only a
 * message that moved between topics twice during the copy may be missing.
 *
 * Bound: a few numbers for each queue. Thread: any; every call blocks.
 */

import { parseQueueFileName } from '../../shared/data-files.ts';
import { DiskQueue } from '../../workers/disk/disk-queue.ts';
import type { DiskLog } from '../../workers/disk/files/disk-log.ts';
import { SegmentIndex } from '../../workers/disk/files/segment-index.ts';
import { type CopySetup, QueueCopy } from './queue-copy.ts';

/** The shared parts of the queues of a backup. */
export type QueueCopiesSetup = Omit<CopySetup, 'onBytes'> & {
  /** Called with the queue that is copied and the bytes copied so far. */
  readonly onCopied: (queue: string, bytes: number) => void;
};

/** Rounds while new queues appear. */
const ROUNDS_MAX = 16;

export class QueueCopies {
  readonly #setup: QueueCopiesSetup;
  readonly #copies = new Map<string, QueueCopy>();
  #bytes = 0;

  constructor(setup: QueueCopiesSetup) {
    this.#setup = setup;
  }

  /** Copies everything. Errors: throws if something cannot be read or written. */
  run(): void {
    const { fileSystem, dataPath, isLive } = this.#setup;
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      const index = new SegmentIndex(fileSystem, dataPath);
      const names = this.#names();
      const hasNew = names.some((name) => !this.#copies.has(name));
      for (const name of names) this.#copyOf(name).run(index);
      if (!isLive || (round > 1 && !hasNew)) return;
    }
  }

  /** Removes the copy of a queue, if there is one. */
  drop(name: string): void {
    if (!this.#copies.delete(name)) return;
    new DiskQueue(name, this.#setup.target, () => undefined).delete();
  }

  /** Opens and closes each queue of the copy, as a start and a clean shutdown would. */
  settle(log: DiskLog): void {
    for (const name of this.#copies.keys()) new DiskQueue(name, this.#setup.target, log).close();
  }

  /** Each topic before its channels. */
  #names(): string[] {
    const files = this.#setup.fileSystem.list(this.#setup.dataPath).map(parseQueueFileName);
    const prefixes = files.flatMap((file) => (file === undefined ? [] : [file.prefix]));
    // Windows has no colon in file names.
    return [...new Set(prefixes)].map((prefix) => prefix.replace(';', ':')).sort();
  }

  #copyOf(name: string): QueueCopy {
    const { onCopied, ...setup } = this.#setup;
    const onBytes = (count: number): void => {
      this.#bytes += count;
      onCopied(name, this.#bytes);
    };
    const copy = this.#copies.get(name) ?? new QueueCopy(name, { ...setup, onBytes });
    this.#copies.set(name, copy);
    return copy;
  }
}
