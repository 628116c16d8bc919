/**
 * A pump thread's counters for `/metrics`: commands, and how long messages take. Clocks are read once per turn, so that
 * a delivery costs reading two timestamps, however many messages it has, and a finish two additions.
 *
 * Thread: pump.
 */

import { bucketOf, type Histogram, METER, type MeteredThread } from '../../shared/thread-meter.ts';
import type { MessageStore } from './store/message-store.ts';

const MS_PER_SECOND = 1000;

export class PumpMeter {
  readonly #numbers: Float64Array;
  readonly #publishToDeliver: Histogram;
  readonly #deliverToFinish: Histogram;
  /** Wall clock time. */
  readonly #unixMs: () => number;
  #nowMs = 0;
  /** Wall clock time in this turn; 0 if nobody has asked for it. */
  #turnUnixMs = 0;

  constructor(thread: MeteredThread, unixMs: () => number) {
    this.#numbers = thread.numbers;
    this.#publishToDeliver = thread.histogram(METER.publishToDeliver);
    this.#deliverToFinish = thread.histogram(METER.deliverToFinish);
    this.#unixMs = unixMs;
  }

  /** A turn begins, and messages take so much memory. Units: `nowMs` in ms, monotonic. */
  startTurn(nowMs: number, messageBytes: number): void {
    this.#numbers[METER.messageBytes] = messageBytes;
    this.#nowMs = nowMs;
    this.#turnUnixMs = 0;
  }

  /** Returns the count. */
  countFinishes(count: number): number {
    this.#numbers[METER.finishes] += count;
    return count;
  }

  countRequeue(): void {
    this.#numbers[METER.requeues]++;
  }

  countTouch(): void {
    this.#numbers[METER.touches]++;
  }

  countReady(): void {
    this.#numbers[METER.readies]++;
  }

  /**
   * The first `count` messages of a run were looked at, and `sent` of them sent. The messages of a run are in the order
   * of their publishes: if the first and the last took about as long, so did all in between.
   */
  onSent(store: MessageStore, position: number, count: number, sent: number): void {
    if (sent === 0) return;
    if (this.#turnUnixMs === 0) this.#turnUnixMs = this.#unixMs();
    const histogram = this.#publishToDeliver;
    const firstMs = this.#age(store, position);
    if (count === 1) {
      histogram.add(firstMs);
      return;
    }
    const lastMs = this.#age(store, position + count - 1);
    // It is not known here which ones sampling has skipped.
    if (sent < count || bucketOf(firstMs) === bucketOf(lastMs)) {
      histogram.add((firstMs + lastMs) / 2, sent);
      return;
    }
    for (let at = position; at < position + count; at++) histogram.add(this.#age(store, at));
  }

  /** A message is finished that was sent at this time. Units: ms, monotonic. */
  onFinished(deliveredMs: number): void {
    this.#deliverToFinish.add(this.#nowMs - deliveredMs);
  }

  #age(store: MessageStore, position: number): number {
    return this.#turnUnixMs - store.timestampSeconds(position) * MS_PER_SECOND;
  }
}
