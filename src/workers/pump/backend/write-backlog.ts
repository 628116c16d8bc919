/**
 * What a pump thread's topics have on its way to the disk, so that a topic that writes at full speed leaves room to the
 * others.
 *
 * A topic is a fair party, not a queue: otherwise one with many channels would get the part of many. Two things are
 * kept apart for each. Of the messages that wait or are sent: with more than `holdBytes` the topic is held, and main
 * takes no more publishes for it until half of that is written, while others go on. Of the writes that are sent: with
 * more than SENT_COST_MAX the topic's queues wait for their turn, so that another topic's write has little before it in
 * the request ring.
 *
 * Bound: for a topic `holdBytes`, and what was on its way when it was held: a publish ring. Beyond `fullBytes` in all
 * topics are held with an eighth of that, and the pump takes no publishes at all from twice that on.
 *
 * What waits because a write has failed is not counted here: publishers are told of the failure, instead of being held.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';

/** Units: bytes of messages as disk records. */
export type BacklogBounds = { readonly holdBytes: number; readonly fullBytes: number };

const DEFAULT_BOUNDS: BacklogBounds = { holdBytes: 1024 * 1024, fullBytes: 4 * 1024 * 1024 };
/** What is left of a topic's part while all have much on its way. */
const LEAST_SHARE = 1 / 8;
/** How much of its part a topic has left when it goes on. */
const RELEASE_SHARE = 1 / 2;
/** Costs of a topic's writes that are sent and not answered: their bytes, and as much as a small write takes. */
const SENT_COST_MAX = 1024 * 1024;
const WRITE_COST = 4096;
/** Queues that go on when a write was answered. */
const WAKE_MAX = 64;

/** A queue that waits for its topic's turn to write. */
interface WaitingQueue {
  /** Its topic may write again. */
  onMayWrite(): void;
}

export class WriteBacklog {
  /** Of all topics. */
  bytes = 0;
  readonly bounds: BacklogBounds;

  constructor(bounds = DEFAULT_BOUNDS) {
    this.bounds = bounds;
  }

  /** Whether nothing more is to be published. */
  get isFull(): boolean {
    return this.bytes > 2 * this.bounds.fullBytes;
  }

  /** How much one topic may have on its way. */
  get topicBytes(): number {
    const { holdBytes, fullBytes } = this.bounds;
    return this.bytes > fullBytes ? holdBytes * LEAST_SHARE : holdBytes;
  }
}

/** One topic's part. */
export class TopicBacklog {
  readonly #all: WriteBacklog;
  readonly #onHeld: (isHeld: boolean) => void;
  readonly #waiting = new Set<WaitingQueue>();
  #bytes = 0;
  #sentCost = 0;
  #isHeld = false;

  /** `onHeld` is told when publishes to the topic are to stop, and when they may go on. */
  constructor(all: WriteBacklog, onHeld: (isHeld: boolean) => void) {
    this.#all = all;
    this.#onHeld = onHeld;
  }

  /** Whether there is more of it than there should be. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Whether one of its queues may send a write. */
  get mayWrite(): boolean {
    return this.#sentCost < SENT_COST_MAX;
  }

  /** Messages are to be written. */
  add(bytes: number): void {
    this.#bytes += bytes;
    this.#all.bytes += bytes;
    if (this.#isHeld || this.#bytes <= this.#all.topicBytes) return;
    this.#isHeld = true;
    this.#onHeld(true);
  }

  /** Messages were written, or need not be. */
  remove(bytes: number): void {
    this.#bytes -= bytes;
    this.#all.bytes -= bytes;
    assert(this.#bytes >= 0, 'no more is written than was to be');
    if (!this.#isHeld || this.#bytes > this.#all.topicBytes * RELEASE_SHARE) return;
    this.#isHeld = false;
    this.#onHeld(false);
  }

  /** A write of so many bytes was sent. Returns what `onAnswered` is to be told. */
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

  /** Has the queue told when it may write. */
  wait(queue: WaitingQueue): void {
    this.#waiting.add(queue);
  }

  /** The queue writes nothing more. */
  forget(queue: WaitingQueue): void {
    this.#waiting.delete(queue);
  }
}
