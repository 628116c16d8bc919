/**
 * The messages of one channel that are not in its queue: those in flight and those deferred. The tables belong to the
 * whole pump thread; this class keeps the channel's counts and the memory of its messages.
 *
 * Thread: pump.
 */

import { REFUSED_NOT_IN_FLIGHT, REFUSED_NOT_OWNER } from '../../shared/records.ts';
import type { AgeWatch } from './age-watch.ts';
import type { Consumer } from './consumer.ts';
import type { Deferred } from './deferred.ts';
import { type InFlight, NOT_FOUND } from './in-flight.ts';
import type { MessageQueue } from './message-queue.ts';
import type { MessageStore } from './store/message-store.ts';

/** The tables. */
export type HeldTables = {
  readonly store: MessageStore;
  readonly inFlight: InFlight;
  readonly deferred: Deferred;
};

export class HeldMessages {
  inFlightCount = 0;
  deferredCount = 0;

  readonly #channelNumber: number;
  readonly #queue: MessageQueue;
  readonly #ages: AgeWatch;
  readonly #tables: HeldTables;

  constructor(channelNumber: number, queue: MessageQueue, ages: AgeWatch, tables: HeldTables) {
    this.#ages = ages;
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

  /** Units: `dueMs` in ms, monotonic, as all times here. */
  addDeferred(position: number, attempts: number, dueMs: number): void {
    const { store, deferred } = this.#tables;
    deferred.add(this.#channelNumber, position, attempts, this.#ages.defer(position, dueMs));
    this.#queue.outsideBytes += store.heldBytes(position, 1);
    this.deferredCount++;
  }

  /** Keeps a message from the files only there until it is due. */
  evict(position: number, dueMs: number): void {
    const { store, deferred } = this.#tables;
    const lookMs = this.#ages.defer(position, dueMs);
    deferred.addEvicted(this.#channelNumber, store.recordNumber(position), lookMs);
    store.release(position, 1);
    this.deferredCount++;
  }

  /** Keeps a record only in the files until it is due. */
  addEvicted(number: number, dueMs: number): void {
    this.#tables.deferred.addEvicted(this.#channelNumber, number, dueMs);
    this.deferredCount++;
  }

  removeDeferred(entry: number): void {
    const { store, deferred } = this.#tables;
    if (!deferred.isEvicted(entry)) {
      this.#queue.outsideBytes -= store.heldBytes(deferred.position(entry), 1);
    }
    deferred.remove(entry);
    this.deferredCount--;
  }

  removeInFlight(entry: number): void {
    const { inFlight } = this.#tables;
    this.#queue.outsideBytes -= inFlight.frameBytes(entry);
    inFlight.remove(entry);
    this.inFlightCount--;
  }

  /** Gives a message that is in no place back, if a store keeps it. Units: `unixMs` when it is due, 0 for at once. */
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
    const { inFlight, deferred } = this.#tables;
    if (this.inFlightCount > 0) {
      inFlight.forEach((entry, consumer) => {
        if (consumer.channelNumber !== this.#channelNumber) return;
        const position = inFlight.position(entry);
        const attempts = inFlight.attempts(entry);
        this.removeInFlight(entry);
        take(position, attempts, 0);
      });
    }
    if (this.deferredCount > 0) {
      deferred.forEach((entry, channelNumber) => {
        if (channelNumber !== this.#channelNumber) return;
        const isEvicted = deferred.isEvicted(entry);
        const position = deferred.position(entry);
        const attempts = deferred.attempts(entry);
        const dueMs = deferred.dueMs(entry);
        this.removeDeferred(entry);
        if (!isEvicted) take(position, attempts, dueMs);
      });
    }
  }
}
