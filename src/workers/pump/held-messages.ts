/**
 * The messages of one channel that are not in its queue: those in flight and those deferred. The tables belong to the
 * whole pump thread; this class keeps the channel's counts and the memory of its messages.
 *
 * Thread: pump.
 */

import { REFUSED_NOT_IN_FLIGHT, REFUSED_NOT_OWNER } from '../../shared/records.ts';
import type { Consumer } from './consumer.ts';
import { type DeferredContext, DeferredMessages } from './deferred-messages.ts';
import { type InFlight, NOT_FOUND } from './in-flight.ts';
import type { MessageQueue } from './message-queue.ts';
import type { AgeWatch } from './queue-timers.ts';

/** The tables. */
export type HeldTables = DeferredContext & { readonly inFlight: InFlight };

export class HeldMessages {
  inFlightCount = 0;
  readonly deferred: DeferredMessages;

  readonly #channelNumber: number;
  readonly #queue: MessageQueue;
  readonly #tables: HeldTables;

  constructor(channelNumber: number, queue: MessageQueue, ages: AgeWatch, tables: HeldTables) {
    this.deferred = new DeferredMessages(channelNumber, queue, ages, tables);
    this.#channelNumber = channelNumber;
    this.#queue = queue;
    this.#tables = tables;
  }

  /** The entry of a message that the consumer has in flight; otherwise the negated REFUSED_ reason. */
  find(consumer: Consumer, idHigh: number, idLow: number): number {
    const { inFlight } = this.#tables;
    const entry = inFlight.find(consumer, idHigh, idLow);
    if (entry === NOT_FOUND) return -REFUSED_NOT_IN_FLIGHT;
    return inFlight.consumer(entry) === consumer ? entry : -REFUSED_NOT_OWNER;
  }

  removeInFlight(entry: number): void {
    const { inFlight } = this.#tables;
    this.#queue.outsideBytes -= inFlight.frameBytes(entry);
    inFlight.remove(entry);
    this.inFlightCount--;
  }

  /**
   * Returns a message that is in no place to its store, if there is one. Units: `unixMs` when it is due, 0 for at once.
   */
  tryGiveBack(position: number, unixMs: number): boolean {
    const { backend, ages } = this.#queue;
    if (backend.replicated === null) return false;
    backend.replicated.giveBack(position, unixMs);
    ages?.forget(position, 1);
    this.#tables.store.release(position, 1);
    return true;
  }

  drop(): void {
    const { store } = this.#tables;
    this.collect((position) => store.release(position, 1));
  }

  /** Removes all messages in flight (due at 0) and deferred ones, except those that are only in the files. */
  collect(take: (position: number, attempts: number, dueMs: number) => void): void {
    const { inFlight } = this.#tables;
    if (this.inFlightCount > 0) {
      inFlight.forEach((entry, consumer) => {
        if (consumer.channelNumber !== this.#channelNumber) return;
        const position = inFlight.position(entry);
        const attempts = inFlight.attempts(entry);
        this.removeInFlight(entry);
        take(position, attempts, 0);
      });
    }
    this.deferred.collect(take);
  }
}
