/**
 * Limits how much the topics of a pump thread have on its way to the disk, so that a topic that writes at full speed
 * leaves room for the others.
 *
 * Shares are per topic, not per queue: otherwise a topic with many channels would get many shares. Each topic has two
 * limits. The first is for messages that wait or are sent: above `holdBytes` the topic is held, and main accepts no
 * more publishes for it until half of them are written; other topics continue. The second is for sent writes: above
 * SENT_COST_MAX the queues of the topic wait for their turn, so that a write of another topic has little ahead of it
 * in the request ring.
 *
 * Bound: `holdBytes` for each topic, plus what was on its way when it was held: a publish ring. When all topics
 * together exceed `crowdedBytes`, each is held at an eighth of `holdBytes`; from `fullBytes` on the pump takes no
 * publishes, not even those for memory, which then wait for the disk. So `fullBytes` leaves room for what main sends
 * before it learns of a hold: a message of each of a dozen topics, and a ring.
 *
 * Messages that wait because a write has failed do not count: their publishers get an error instead of being held.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';

/** Units: bytes of messages as disk records. */
export type BacklogBounds = {
  readonly holdBytes: number;
  readonly crowdedBytes: number;
  readonly fullBytes: number;
};

const MIB = 1024 * 1024;
const DEFAULT_BOUNDS: BacklogBounds = {
  holdBytes: MIB,
  crowdedBytes: 4 * MIB,
  fullBytes: 32 * MIB,
};
/** A topic's share while all topics together have much on its way, as a fraction of `holdBytes`. */
const LEAST_SHARE = 1 / 8;
/** The part of its share at which a held topic continues. */
const RELEASE_SHARE = 1 / 2;
/** Limit of the cost of a topic's unanswered writes: their bytes, and a fixed amount for each. */
const SENT_COST_MAX = 1024 * 1024;
const WRITE_COST = 4096;
/** Most queues that are woken after the answer to a write. */
const WAKE_MAX = 64;

/** A queue that waits for its topic's turn to write. */
interface WaitingQueue {
  /** The topic may write again. */
  onMayWrite(): void;
}

export class WriteBacklog {
  /** Of all topics. */
  bytes = 0;
  readonly bounds: BacklogBounds;

  constructor(bounds = DEFAULT_BOUNDS) {
    this.bounds = bounds;
  }

  /** Whether the pump must take no publishes. */
  get isFull(): boolean {
    return this.bytes > this.bounds.fullBytes;
  }

  /** How much one topic may have on its way now. */
  get topicBytes(): number {
    const { holdBytes, crowdedBytes } = this.bounds;
    return this.bytes > crowdedBytes ? holdBytes * LEAST_SHARE : holdBytes;
  }
}

/** The share of one topic. */
export class TopicBacklog {
  readonly #all: WriteBacklog;
  readonly #onHeld: (isHeld: boolean) => void;
  readonly #waiting = new Set<WaitingQueue>();
  #bytes = 0;
  #sentCost = 0;
  #isHeld = false;

  /** `onHeld` is called when publishes to the topic must stop, and when they may continue. */
  constructor(all: WriteBacklog, onHeld: (isHeld: boolean) => void) {
    this.#all = all;
    this.#onHeld = onHeld;
  }

  /** Whether the topic has more on its way than it may. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Whether one of its queues may send a write. */
  get mayWrite(): boolean {
    return this.#sentCost < SENT_COST_MAX;
  }

  /** Adds messages to write. */
  add(bytes: number): void {
    this.#bytes += bytes;
    this.#all.bytes += bytes;
    if (this.#isHeld || this.#bytes <= this.#all.topicBytes) return;
    this.#isHeld = true;
    this.#onHeld(true);
  }

  /** Removes messages that were written or no longer need to be. */
  remove(bytes: number): void {
    this.#bytes -= bytes;
    this.#all.bytes -= bytes;
    assert(this.#bytes >= 0, 'no more is written than was to be');
    if (!this.#isHeld || this.#bytes > this.#all.topicBytes * RELEASE_SHARE) return;
    this.#isHeld = false;
    this.#onHeld(false);
  }

  /** A write of this many bytes was sent. Returns the cost to pass to `onAnswered`. */
  onSent(bytes: number): number {
    const cost = bytes + WRITE_COST;
    this.#sentCost += cost;
    return cost;
  }

  /** A write was answered: others may be sent. */
  onAnswered(cost: number): void {
    this.#sentCost -= cost;
    if (!this.mayWrite) return;
    let count = 0;
    for (const queue of this.#waiting) {
      if (count++ === WAKE_MAX) return;
      this.#waiting.delete(queue);
      queue.onMayWrite();
    }
  }

  /** Calls the queue back when it may write. */
  wait(queue: WaitingQueue): void {
    this.#waiting.add(queue);
  }

  /** The queue writes nothing more. */
  forget(queue: WaitingQueue): void {
    this.#waiting.delete(queue);
  }
}
