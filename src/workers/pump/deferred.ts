/**
 * The deferred messages of all channels of a pump thread: deferred publishes and delayed requeues.
 *
 * Bound: none of its own, as in nsqd. Its memory counts as memory of messages; when that is used up, messages that
 * can wait on disk are evicted.
 * Thread: pump.
 */

import { TimingWheel } from '../../shared/timing-wheel.ts';
import { grown } from './grown.ts';
import { visitEntries } from './visit-entries.ts';

const ENTRIES_AT_FIRST = 64;
/** Bytes for each message: 15 in the arrays, 20 in the wheel. */
const ENTRY_BYTES = 35;
const NONE = -1;

export class Deferred {
  readonly dueTimes: TimingWheel;
  /** The number of messages, and how many of them are only in the files. */
  count = 0;
  evictedCount = 0;

  #capacity = ENTRIES_AT_FIRST;
  /** Positions in the store; for evicted messages, the numbers of their records. */
  #positions = new Uint32Array(ENTRIES_AT_FIRST);
  #evicted = new Uint8Array(ENTRIES_AT_FIRST);
  #attempts = new Uint16Array(ENTRIES_AT_FIRST);
  #nextFree = new Int32Array(ENTRIES_AT_FIRST);
  /** The channel's number; channels are numbered from 1, so 0 marks a free entry. */
  #channels = new Uint32Array(ENTRIES_AT_FIRST);
  #free = NONE;
  #used = 0;

  /** Units: `nowMs` in ms, monotonic, as all times here. */
  constructor(nowMs: number) {
    this.dueTimes = new TimingWheel(nowMs);
  }

  /** Bytes that deferred messages take besides their bodies. */
  get bytes(): number {
    return this.count * ENTRY_BYTES;
  }

  /** Adds a message. Units: `dueMs` in ms, monotonic. */
  add(channelNumber: number, position: number, attempts: number, dueMs: number): void {
    const entry = this.#add(channelNumber, position, 0, dueMs);
    this.#attempts[entry] = attempts;
  }

  /** Adds a message that is only in the files, by its record number. Units: as `add`. */
  addEvicted(channelNumber: number, recordNumber: number, dueMs: number): void {
    this.#add(channelNumber, recordNumber, 1, dueMs);
    this.evictedCount++;
  }

  isEvicted(entry: number): boolean {
    return this.#evicted[entry] === 1;
  }

  channelNumber(entry: number): number {
    return this.#channels[entry];
  }

  /** Its position in the store. */
  position(entry: number): number {
    return this.#positions[entry];
  }

  /** Number of an evicted message's record. */
  recordNumber(entry: number): number {
    return this.#positions[entry];
  }

  /** How often it was sent; for evicted messages only the files know. */
  attempts(entry: number): number {
    return this.#attempts[entry];
  }

  /** When it is due. Units: ms, monotonic, rounded up. */
  dueMs(entry: number): number {
    return this.dueTimes.deadlineMs(entry);
  }

  /** Removes a message. The caller gets its reference, if it has one. */
  remove(entry: number): void {
    this.evictedCount -= this.#evicted[entry];
    if (this.dueTimes.isScheduled(entry)) this.dueTimes.cancel(entry);
    this.#channels[entry] = 0;
    this.#nextFree[entry] = this.#free;
    this.#free = entry;
    this.count--;
  }

  /** Calls `visit` for every entry, which may remove it. Slow: it visits all entries. */
  forEach(visit: (entry: number, channelNumber: number) => void): void {
    for (let entry = 0; entry < this.#used; entry++) {
      if (this.#channels[entry] !== 0) visit(entry, this.#channels[entry]);
    }
  }

  /** Visits the entries of a channel; see `visitEntries`. */
  visitFrom(
    from: number,
    channelNumber: number,
    entriesMax: number,
    visit: (entry: number) => boolean,
  ): number {
    const belongs = (entry: number): boolean => this.#channels[entry] === channelNumber;
    return visitEntries(this.#used, from, entriesMax, belongs, visit);
  }

  /** Returns the entry. */
  #add(channelNumber: number, place: number, evicted: number, dueMs: number): number {
    const entry = this.#takeEntry();
    this.#positions[entry] = place;
    this.#evicted[entry] = evicted;
    this.#channels[entry] = channelNumber;
    this.dueTimes.schedule(entry, dueMs);
    this.count++;
    return entry;
  }

  #takeEntry(): number {
    const free = this.#free;
    if (free !== NONE) {
      this.#free = this.#nextFree[free];
      return free;
    }
    if (this.#used === this.#capacity) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#positions = grown(this.#positions, Uint32Array);
    this.#evicted = grown(this.#evicted, Uint8Array);
    this.#attempts = grown(this.#attempts, Uint16Array);
    this.#channels = grown(this.#channels, Uint32Array);
    this.#nextFree = grown(this.#nextFree, Int32Array);
  }
}
