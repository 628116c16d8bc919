/**
 * The messages in flight, for all channels of a pump thread.
 *
 * A hash table of chained entries finds a message by its channel and id; ids of one batch are neighbours in it.
 * Deadlines are in a timing wheel. Entries are indexes into parallel arrays, so that a message costs no object.
 *
 * Bound: the sum of the ready counts of all consumers, plus messages of consumers that left, until their timeout.
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import { TimingWheel } from '../../shared/timing-wheel.ts';
import type { Consumer } from './consumer.ts';
import { grown } from './grown.ts';
import { visitEntries } from './visit-entries.ts';

/** Result of `find` if the channel has no such message in flight, and the end of every chain. */
export const NOT_FOUND = -1;

const ENTRIES_AT_FIRST = 64;
/** Bytes for each message: 38 in the arrays, 8 in the chains, 20 in the wheel. */
const ENTRY_BYTES = 66;

export class InFlight {
  readonly deadlines: TimingWheel;
  /** Messages in flight. */
  count = 0;

  #capacity = ENTRIES_AT_FIRST;
  #positions = new Uint32Array(ENTRIES_AT_FIRST);
  #attempts = new Uint16Array(ENTRIES_AT_FIRST);
  #idHighs = new Uint32Array(ENTRIES_AT_FIRST);
  #idLows = new Uint32Array(ENTRIES_AT_FIRST);
  #deliveredMs = new Float64Array(ENTRIES_AT_FIRST);
  #frameBytes = new Uint32Array(ENTRIES_AT_FIRST);
  /** Next entry of the same chain, or of the free list. */
  #next = new Int32Array(ENTRIES_AT_FIRST);
  #consumers: (Consumer | null)[] = [];
  /** First entry of each chain; twice as many chains as entries. */
  #chains = new Int32Array(ENTRIES_AT_FIRST * 2).fill(NOT_FOUND);
  #free = NOT_FOUND;
  #used = 0;

  /** Units: `nowMs` in ms, monotonic, as all times here. */
  constructor(nowMs: number) {
    this.deadlines = new TimingWheel(nowMs);
  }

  /** Bytes that messages in flight take besides their bodies. */
  get bytes(): number {
    return this.count * ENTRY_BYTES;
  }

  /**
   * Adds a message that has just been sent in a frame of `frameBytes`. Units: `attempts` includes this sending; times
   * in ms, monotonic.
   */
  add(
    consumer: Consumer,
    position: number,
    attempts: number,
    idHigh: number,
    idLow: number,
    nowMs: number,
    frameBytes = 0,
  ): void {
    const entry = this.#takeEntry();
    this.#frameBytes[entry] = frameBytes;
    this.#positions[entry] = position;
    this.#attempts[entry] = attempts;
    this.#idHighs[entry] = idHigh;
    this.#idLows[entry] = idLow;
    this.#deliveredMs[entry] = nowMs;
    this.#consumers[entry] = consumer;
    const chain = this.#chain(consumer.channelNumber, idHigh, idLow);
    this.#next[entry] = this.#chains[chain];
    this.#chains[chain] = entry;
    this.deadlines.schedule(entry, nowMs + consumer.msgTimeoutMs);
    this.count++;
    consumer.inFlightCount++;
  }

  /**
   * The entry of a message that this consumer has, otherwise of one that another consumer of the channel has,
   * otherwise NOT_FOUND. After a crash a message may exist twice, and each of two consumers then answers its own.
   */
  find(
    { channelNumber, number }: Pick<Consumer, 'channelNumber' | 'number'>,
    idHigh: number,
    idLow: number,
  ): number {
    let entry = this.#chains[this.#chain(channelNumber, idHigh, idLow)];
    let found = NOT_FOUND;
    while (entry !== NOT_FOUND) {
      if (this.#idLows[entry] === idLow && this.#idHighs[entry] === idHigh) {
        const consumer = this.consumer(entry);
        if (consumer.number === number) return entry;
        if (consumer.channelNumber === channelNumber) found = entry;
      }
      entry = this.#next[entry];
    }
    return found;
  }

  /** The consumer that holds a message, even if the consumer has left. */
  consumer(entry: number): Consumer {
    const consumer = this.#consumers[entry];
    assert(consumer !== null && consumer !== undefined, 'an entry in use has a consumer');
    return consumer;
  }

  position(entry: number): number {
    return this.#positions[entry];
  }

  attempts(entry: number): number {
    return this.#attempts[entry];
  }

  /** When it was sent. */
  deliveredMs(entry: number): number {
    return this.#deliveredMs[entry];
  }

  /** Bytes of the frame that it was sent in. */
  frameBytes(entry: number): number {
    return this.#frameBytes[entry];
  }

  /**
   * Restarts a message's timeout, up to at most `maxMsgTimeoutMs` after it was sent.
   * Source: nsqd `Channel.TouchMessage`.
   */
  touch(entry: number, nowMs: number, maxMsgTimeoutMs: number): void {
    const timeout = nowMs + this.consumer(entry).msgTimeoutMs;
    this.deadlines.schedule(entry, Math.min(timeout, this.#deliveredMs[entry] + maxMsgTimeoutMs));
  }

  /** Removes a message. The caller gets its reference. */
  remove(entry: number): void {
    const consumer = this.consumer(entry);
    this.#unchain(
      this.#chain(consumer.channelNumber, this.#idHighs[entry], this.#idLows[entry]),
      entry,
    );
    if (this.deadlines.isScheduled(entry)) this.deadlines.cancel(entry);
    this.#consumers[entry] = null;
    this.#next[entry] = this.#free;
    this.#free = entry;
    this.count--;
    consumer.inFlightCount--;
  }

  /** Calls `visit` for every entry, which may remove it. Slow: it visits all entries. */
  forEach(visit: (entry: number, consumer: Consumer) => void): void {
    for (let entry = 0; entry < this.#used; entry++) {
      const consumer = this.#consumers[entry];
      if (consumer !== null) visit(entry, consumer);
    }
  }

  /** Visits the entries of a channel; see `visitEntries`. */
  visitFrom(
    from: number,
    channelNumber: number,
    entriesMax: number,
    visit: (entry: number) => boolean,
  ): number {
    const belongs = (entry: number): boolean =>
      this.#consumers[entry]?.channelNumber === channelNumber;
    return visitEntries(this.#used, from, entriesMax, belongs, visit);
  }

  #chain(channelNumber: number, idHigh: number, idLow: number): number {
    const time = (idLow >>> 22) | (idHigh << 10);
    const spread = Math.imul(time ^ Math.imul(channelNumber, 0x85ebca6b), 0x9e3779b1) >>> 7;
    return (spread + (idLow & 0xfff)) & (this.#chains.length - 1);
  }

  #unchain(chain: number, entry: number): void {
    let at = this.#chains[chain];
    if (at === entry) {
      this.#chains[chain] = this.#next[entry];
      return;
    }
    while (this.#next[at] !== entry) at = this.#next[at];
    this.#next[at] = this.#next[entry];
  }

  #takeEntry(): number {
    const free = this.#free;
    if (free !== NOT_FOUND) {
      this.#free = this.#next[free];
      return free;
    }
    if (this.#used === this.#capacity) this.#grow();
    this.#consumers.push(null);
    return this.#used++;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#positions = grown(this.#positions, Uint32Array);
    this.#attempts = grown(this.#attempts, Uint16Array);
    this.#idHighs = grown(this.#idHighs, Uint32Array);
    this.#idLows = grown(this.#idLows, Uint32Array);
    this.#deliveredMs = grown(this.#deliveredMs, Float64Array);
    this.#frameBytes = grown(this.#frameBytes, Uint32Array);
    this.#next = grown(this.#next, Int32Array);
    this.#chains = new Int32Array(this.#capacity * 2).fill(NOT_FOUND);
    // All entries are in use when the table grows, so each goes into its new chain.
    for (let entry = 0; entry < this.#used; entry++) {
      const chain = this.#chain(
        this.consumer(entry).channelNumber,
        this.#idHighs[entry],
        this.#idLows[entry],
      );
      this.#next[entry] = this.#chains[chain];
      this.#chains[chain] = entry;
    }
  }
}
