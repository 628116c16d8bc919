/**
 * Creates the queues of a pump thread with their backends, and tracks all backends.
 *
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import { nameHash } from '../../shared/name-hash.ts';
import { isEphemeral } from '../../shared/names.ts';
import type { QueuePolicy, Replication } from '../../shared/topic-policy.ts';
import type { Backend } from './backend/backend.ts';
import { DiskBackend } from './backend/disk-backend.ts';
import type { DiskBackendListener } from './backend/disk-backend-listener.ts';
import type { DiskLink } from './backend/disk-link.ts';
import { NullBackend } from './backend/null-backend.ts';
import { StreamBackend } from './backend/stream-backend.ts';
import type { TopicBacklog } from './backend/write-backlog.ts';
import type { DeadLetters, Origin } from './dead-letters.ts';
import type { MessageQueue } from './message-queue.ts';
import type { MessageQueueOptions } from './message-queue-options.ts';
import type { MessageStore } from './store/message-store.ts';
import { type DepthBound, depthBoundOf, NO_BOUND } from './topic-bound.ts';
import { Undelivered } from './undelivered.ts';
import type { WallClock } from './wall-clock.ts';

/** The owner of a queue, and its callbacks for the backend. */
export type QueueOwner = Pick<
  DiskBackendListener,
  'hasRoom' | 'mayRead' | 'onReadable' | 'onDeferred' | 'onPastDue'
> & {
  /** How the store of replicated topics keeps it; null if it is local. */
  readonly replication: Replication | null;
  /** How many more messages its consumers could take now. */
  readonly capacity: () => number;
  /** The number of the topic that the queue or its channel belongs to. */
  readonly topic: number;
  /** The backlog of the topic. */
  readonly backlog: TopicBacklog;
  /** The name of its files, with the same suffix as the topic or channel. */
  readonly name: string;
  /** Its name in the error for a refused publisher. */
  readonly title: string;
  readonly origin: Origin;
};

/** Its dependencies. */
export type PumpQueuesOptions = {
  readonly store: MessageStore;
  readonly links: readonly DiskLink[];
  /** The link to the store of replicated topics, if there is one. */
  readonly streams: DiskLink | null;
  readonly wallClock: WallClock;
  readonly deadLetters: DeadLetters;
  /** A disk queue of the topic or of its channels stops accepting writes, or resumes. */
  readonly onHealth: (topic: number, error: string | null) => void;
};

export class PumpQueues {
  /** Every disk queue that is open or about to be closed. */
  readonly backends = new Set<Backend>();

  readonly #options: PumpQueuesOptions;
  /** Disk queues that accept no writes, with their topics and reasons. */
  readonly #failing = new Map<Backend, { topic: number; error: string }>();
  /** Disk queues that wait for memory to read more, and their owners. */
  readonly #starved = new Map<Backend, Pick<DiskBackendListener, 'hasRoom' | 'onReadable'>>();

  constructor(options: PumpQueuesOptions) {
    this.#options = options;
  }

  /** The options of a queue with this policy. */
  optionsOf(owner: QueueOwner, policy: QueuePolicy): MessageQueueOptions {
    const { store, deadLetters } = this.#options;
    const backend = this.#makeBackend(owner);
    const bound = boundOf(policy, backend);
    const memoryMax = memoryMaxOf(policy, backend);
    const undelivered = new Undelivered(owner.origin, deadLetters);
    return { title: owner.title, store, backend, memoryMax, bound, undelivered };
  }

  /** Applies the bounds of another policy to a queue. */
  setBounds(queue: MessageQueue, policy: QueuePolicy): void {
    queue.setBounds(memoryMaxOf(policy, queue.backend), boundOf(policy, queue.backend));
  }

  /**
   * Lets disk queues that waited for memory read more, if there is memory now. If not, queues with waiting consumers
   * ask again: their own messages may have left memory, although other queues fill it.
   */
  feedStarved(): void {
    if (this.#starved.size === 0) return;
    const starved = [...this.#starved];
    this.#starved.clear();
    for (const [backend, owner] of starved) {
      if (owner.hasRoom()) backend.demand();
      else {
        this.#starved.set(backend, owner);
        owner.onReadable();
      }
    }
  }

  #makeBackend({ topic, name, replication, backlog, ...owner }: QueueOwner): Backend {
    const { store, links, streams, wallClock } = this.#options;
    if (replication !== null) {
      assert(streams !== null, 'a broker with replicated topics has a store for them');
      const replicated = new StreamBackend({
        ...{ name: { ...owner.origin, replication }, store, link: streams, backlog },
        listener: {
          capacity: owner.capacity,
          mayRead: owner.mayRead,
          onReadable: owner.onReadable,
          onStarved: () => this.#starved.set(replicated, owner),
          onHealth: (error) => this.#onHealth(topic, replicated, error),
          onEnded: () => this.#onEnded(replicated),
        },
      });
      this.backends.add(replicated);
      return replicated;
    }
    if (isEphemeral(name)) return new NullBackend(store);
    // The name chooses the thread, which keeps the requests for its files in order.
    const link = links[nameHash(name) % links.length];
    const backend = new DiskBackend({
      name,
      store,
      link,
      backlog,
      unixMsDue: () => wallClock.unixMsDue(),
      listener: {
        hasRoom: owner.hasRoom,
        mayRead: owner.mayRead,
        onReadable: owner.onReadable,
        onDeferred: owner.onDeferred,
        onPastDue: owner.onPastDue,
        onStarved: () => this.#starved.set(backend, owner),
        onHealth: (error) => this.#onHealth(topic, backend, error),
        onEnded: () => this.#onEnded(backend),
      },
    });
    this.backends.add(backend);
    return backend;
  }

  #onEnded(backend: Backend): void {
    this.backends.delete(backend);
    this.#starved.delete(backend);
  }

  /** Reports the topic's health: the error of this queue, or of another of the topic's queues. */
  #onHealth(topic: number, backend: Backend, error: string | null): void {
    if (error === null) this.#failing.delete(backend);
    else this.#failing.set(backend, { topic, error });
    const others = [...this.#failing.values()].filter((failure) => failure.topic === topic);
    this.#options.onHealth(topic, error ?? others[0]?.error ?? null);
  }
}

/** The store applies the bounds of a replicated topic (`retention`); a broker's bounds do not apply. */
function boundOf(policy: QueuePolicy, { replicated }: Backend): DepthBound {
  return replicated === null ? depthBoundOf(policy) : NO_BOUND;
}

/** A queue without a disk keeps at least one message: nsqd delivers one if a consumer waits for it. */
function memoryMaxOf({ memQueueSize }: QueuePolicy, { isDurable, replicated }: Backend): number {
  if (replicated !== null) return 0;
  return isDurable ? memQueueSize : Math.max(1, memQueueSize);
}
