/**
 * The queues that pumps have opened on a disk thread, by the pumps' numbers. It ensures that no name is open twice.
 *
 * Thread: disk.
 */

import { assert } from '../../shared/assert.ts';
import { QUEUE } from '../disk-records.ts';
import { DiskQueue } from './disk-queue.ts';
import type { DiskQueueOptions } from './disk-queue-options.ts';
import type { DiskLogLevel } from './files/disk-log.ts';
import type { PumpLink } from './pump-link.ts';

/** A queue that a pump identifies by a number. */
export interface KnownQueue {
  readonly number: number;
  readonly name: string;
  readonly link: PumpLink;
  /** Undefined while closed, because opening failed or the queue was empty. The next request opens it. */
  queue: DiskQueue | undefined;
  /** When the first request to close it arrived. Units: ms, monotonic. */
  closingSinceMs: number | undefined;
}

export class KnownQueues {
  readonly #options: DiskQueueOptions;
  /** The queues of each link by their numbers; each pump assigns its own numbers. */
  readonly #queues: ReadonlyMap<PumpLink, Map<number, KnownQueue>>;
  /** The queue that has a name open. */
  readonly #owners = new Map<string, KnownQueue>();

  constructor(links: readonly PumpLink[], options: DiskQueueOptions) {
    this.#options = options;
    this.#queues = new Map(links.map((link) => [link, new Map<number, KnownQueue>()]));
  }

  add(known: KnownQueue): void {
    const queues = this.#queuesOf(known.link);
    assert(!queues.has(known.number), 'a queue is opened once');
    queues.set(known.number, known);
  }

  /** The queue of the link's front request. */
  ofRequest(link: PumpLink): KnownQueue {
    const { requests } = link;
    const known = this.#queuesOf(link).get(requests.words[(requests.offset >>> 2) + QUEUE]);
    assert(known !== undefined, 'a queue is opened before anything else');
    return known;
  }

  /** How many queues a link has. */
  count(link: PumpLink): number {
    return this.#queuesOf(link).size;
  }

  /** The queue, opened if necessary. Errors: throws if it cannot be opened; the next call tries again. */
  opened(known: KnownQueue): DiskQueue {
    if (known.queue !== undefined) return known.queue;
    const owner = this.#owners.get(known.name) ?? known;
    if (owner !== known) throw new Error(`open queue "${known.name}": it is open`);
    const log = (level: DiskLogLevel, text: string): void => known.link.log(level, text);
    known.queue = new DiskQueue(known.name, this.#options, log);
    this.#owners.set(known.name, known);
    return known.queue;
  }

  /** Removes a queue that is closed or deleted. */
  forget(known: KnownQueue): void {
    if (this.#owners.get(known.name) === known) this.#owners.delete(known.name);
    known.queue = undefined;
    this.#queuesOf(known.link).delete(known.number);
  }

  #queuesOf(link: PumpLink): Map<number, KnownQueue> {
    const queues = this.#queues.get(link);
    assert(queues !== undefined, 'every link has its queues');
    return queues;
  }
}
