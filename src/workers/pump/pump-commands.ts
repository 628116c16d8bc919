/**
 * Carries out what consumers send: FIN, REQ, TOUCH, RDY, and credit for what their sockets have taken.
 *
 * A record whose consumer is gone does nothing: main learns later than the pump that a channel was deleted.
 *
 * Thread: pump.
 */

import { AssertionError } from '../../shared/assert.ts';
import * as records from '../../shared/records.ts';
import type { RingReader } from '../../shared/ring/ring.ts';
import { ACCEPTED } from './channel.ts';
import type { Consumer } from './consumer.ts';
import type { Outbox } from './outbox.ts';
import type { PumpMeter } from './pump-meter.ts';
import type { PumpState } from './pump-state.ts';

/** Finds consumers and their channels. */
type Subscriptions = Pick<PumpState, 'consumer' | 'channelOf'>;

export class PumpCommands {
  readonly #commands: RingReader;
  readonly #state: Subscriptions;
  readonly #outbox: Outbox;
  readonly #meter: PumpMeter;
  readonly #monotonicMs: () => number;

  constructor(
    state: Subscriptions,
    outbox: Outbox,
    options: { commands: RingReader; meter: PumpMeter; monotonicMs: () => number },
  ) {
    this.#commands = options.commands;
    this.#state = state;
    this.#outbox = outbox;
    this.#meter = options.meter;
    this.#monotonicMs = options.monotonicMs;
  }

  /** Carries out the record at the front, and returns how much work it was. Units: `nowMs` in ms, monotonic. */
  take(type: number, nowMs: number): number {
    switch (type) {
      case records.FINISH:
        return this.#finish();
      case records.REQUEUE:
        return this.#requeue(nowMs);
      case records.TOUCH:
        return this.#touch(nowMs);
      case records.READY:
        return this.#setReady();
      case records.CREDIT:
        return this.#credit();
      default:
        throw new AssertionError('main sends no other commands');
    }
  }

  #word(field: number): number {
    return this.#commands.words[(this.#commands.offset >>> 2) + field];
  }

  #finish(): number {
    const consumer = this.#state.consumer(this.#word(records.FINISH_CONSUMER));
    if (consumer === undefined) return 1;
    const channel = this.#state.channelOf(consumer);
    const { words, offset, length } = this.#commands;
    const end = (offset + length) >>> 2;
    for (let at = (offset >>> 2) + records.FINISH_IDS; at < end; at += 2) {
      const outcome = channel.finish(consumer, words[at], words[at + 1]);
      if (outcome !== ACCEPTED) {
        this.#outbox.refuse(consumer.number, records.FINISH, outcome, words[at], words[at + 1]);
      }
    }
    channel.onCapacity(consumer);
    return this.#meter.countFinishes((end - (offset >>> 2) - records.FINISH_IDS) >>> 1);
  }

  #requeue(nowMs: number): number {
    const consumer = this.#state.consumer(this.#word(records.REQUEUE_CONSUMER));
    if (consumer === undefined) return 1;
    const channel = this.#state.channelOf(consumer);
    const high = this.#word(records.REQUEUE_ID);
    const low = this.#word(records.REQUEUE_ID + 1);
    const delayMs = this.#word(records.REQUEUE_DELAY_MS);
    const fromMs = delayMs > 0 ? this.#monotonicMs() : nowMs;
    const outcome = channel.requeue(consumer, high, low, delayMs, fromMs);
    this.#meter.countRequeue();
    this.#refuseUnlessAccepted(outcome, consumer, records.REQUEUE, high, low);
    channel.onCapacity(consumer);
    return 1;
  }

  #touch(nowMs: number): number {
    const consumer = this.#state.consumer(this.#word(records.TOUCH_CONSUMER));
    if (consumer === undefined) return 1;
    const high = this.#word(records.TOUCH_ID);
    const low = this.#word(records.TOUCH_ID + 1);
    const outcome = this.#state.channelOf(consumer).touch(consumer, high, low, nowMs);
    this.#meter.countTouch();
    this.#refuseUnlessAccepted(outcome, consumer, records.TOUCH, high, low);
    return 1;
  }

  #refuseUnlessAccepted(
    outcome: number,
    consumer: Consumer,
    command: number,
    high: number,
    low: number,
  ): void {
    if (outcome !== ACCEPTED) this.#outbox.refuse(consumer.number, command, outcome, high, low);
  }

  #setReady(): number {
    const consumer = this.#state.consumer(this.#word(records.READY_CONSUMER));
    if (consumer === undefined) return 1;
    consumer.readyCount = this.#word(records.READY_COUNT);
    this.#meter.countReady();
    this.#state.channelOf(consumer).onCapacity(consumer);
    return 1;
  }

  #credit(): number {
    const consumer = this.#state.consumer(this.#word(records.CREDIT_CONSUMER));
    if (consumer === undefined) return 1;
    consumer.windowBytes += this.#word(records.CREDIT_BYTES);
    this.#state.channelOf(consumer).onCapacity(consumer);
    return 1;
  }
}
