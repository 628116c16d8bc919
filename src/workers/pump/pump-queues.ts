/**
 * The queues of a pump thread: makes each with its backend, and keeps an eye on the backends of all.
 *
 * Thread: pump.
 */

import { nameHash } from '../../shared/name-hash.ts';
import { isEphemeral } from '../../shared/names.ts';
import type { QueuePolicy } from '../../shared/topic-policy.ts';
import type { Backend } from './backend/backend.ts';
import { DiskBackend } from './backend/disk-backend.ts';
import type { DiskBackendListener } from './backend/disk-backend-listener.ts';
import type { DiskLink } from './backend/disk-link.ts';
import { NullBackend } from './backend/null-backend.ts';
import type { TopicBacklog } from './backend/write-backlog.ts';
import type { DeadLetters, Origin } from './dead-letters.ts';
import { depthBoundOf } from './depth-bound.ts';
import type { MessageQueue, MessageQueueOptions } from './message-queue.ts';
import type { MessageStore } from './store/message-store.ts';
import { Undelivered } from './undelivered.ts';
import type { WallClock } from './wall-clock.ts';

/** Whose queue it is, and what its owner has to say to its backend. */
export type QueueOwner = Pick<
  DiskBackendListener,
  'hasRoom' | 'mayRead' | 'onReadable' | 'onDeferred' | 'onPastDue'
> & {
  /** Number of the topic, its own or its channel's. */
  readonly topic: number;
  /** That of the topic. */
  readonly backlog: TopicBacklog;
  /** Name of its files, which ends as that of the topic or channel. */
  readonly name: string;
  /** What it is called where a publisher is refused. */
  readonly title: string;
  readonly origin: Origin;
};

/** What it is made of. */
export type PumpQueuesOptions = {
  readonly store: MessageStore;
  readonly links: readonly DiskLink[];
  readonly wallClock: WallClock;
  readonly deadLetters: DeadLetters;
  /** A disk queue of the topic or of its channels stops or starts again to take writes. */
  readonly onHealth: (topic: number, error: string | null) => void;
};

export class PumpQueues {
  /** Every disk queue that is open or about to be closed. */
  readonly backends = new Set<Backend>();

  readonly #options: PumpQueuesOptions;
  /** Disk queues that do not take writes, the topic each belongs to, and why. */
  readonly #failing = new Map<Backend, { topic: number; error: string }>();
  /** Disk queues that are to be read on once there is memory for them, and their owners. */
  readonly #starved = new Map<Backend, Pick<DiskBackendListener, 'hasRoom' | 'onReadable'>>();

  constructor(options: PumpQueuesOptions) {
    this.#options = options;
  }

  /** What a queue is made of that keeps such a policy. */
  optionsOf(owner: QueueOwner, policy: QueuePolicy): MessageQueueOptions {
    const { store, deadLetters } = this.#options;
    const bound = depthBoundOf(policy);
    const backend = this.#makeBackend(owner);
    const memoryMax = memoryMaxOf(policy, backend);
    const undelivered = new Undelivered(owner.origin, deadLetters);
    return { title: owner.title, store, backend, memoryMax, bound, undelivered };
  }

  /** Has a queue keep the bounds of another policy. */
  setBounds(queue: MessageQueue, policy: QueuePolicy): void {
    queue.setBounds(memoryMaxOf(policy, queue.backend), depthBoundOf(policy));
  }

  /**
   * Has disk queues read on that had to wait for memory, if there is some for them now. If not, those that somebody
   * waits for ask again: what they had in memory may be gone, although others fill it.
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

  #makeBackend({ topic, name, backlog, ...owner }: QueueOwner): Backend {
    const { store, links, wallClock } = this.#options;
    if (isEphemeral(name)) return new NullBackend(store);
    // The same name on the same thread keeps its files' requests in one order.
    const link = links[nameHash(name) % links.length];
    const backend = new DiskBackend({
      name,
      store,
      link,
      backlog,
      unixMs: () => wallClock.unixMs(),
      listener: {
        hasRoom: owner.hasRoom,
        mayRead: owner.mayRead,
        onReadable: owner.onReadable,
        onDeferred: owner.onDeferred,
        onPastDue: owner.onPastDue,
        onStarved: () => this.#starved.set(backend, owner),
        onHealth: (error) => this.#onHealth(topic, backend, error),
        onEnded: () => {
          this.backends.delete(backend);
          this.#starved.delete(backend);
        },
      },
    });
    this.backends.add(backend);
    return backend;
  }

  /** Tells of the topic's health: that of the queue itself, or of another of the topic's queues. */
  #onHealth(topic: number, backend: Backend, error: string | null): void {
    if (error === null) this.#failing.delete(backend);
    else this.#failing.set(backend, { topic, error });
    const others = [...this.#failing.values()].filter((failure) => failure.topic === topic);
    this.#options.onHealth(topic, error ?? others[0]?.error ?? null);
  }
}

/** What has no disk keeps one message at least, as nsqd hands one over if somebody waits for it. */
function memoryMaxOf({ memQueueSize }: QueuePolicy, { isDurable }: Backend): number {
  return isDurable ? memQueueSize : Math.max(1, memQueueSize);
}
