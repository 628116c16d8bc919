/**
 * The deferred messages of all channels of a pump thread: deferred publishes and delayed requeues.
 *
 * The entries of a channel are a ring-shaped list. Evicted messages come first, then those in memory, the newest last:
 *
 *     first ──▶ evicted … evicted ──▶ oldest in memory … newest ──▶ first
 *
 * Bound: none of its own, as in nsqd. Its memory counts as memory of messages, and channels evict their newest messages
 * while memory is short (`DeferredMessages`).
 * Thread: pump.
 */

import { TimingWheel } from '../../shared/timing-wheel.ts';
import { grown } from './grown.ts';
import { visitEntries } from './visit-entries.ts';

const ENTRIES_AT_FIRST = 64;
/** Bytes for each message: 19 in the arrays, 20 in the wheel. */
const ENTRY_BYTES = 39;
/** No entry. */
export const NONE = -1;

/** The entries of one channel. Only `Deferred` changes it. */
export type DeferredList = { readonly channelNumber: number; first: number };

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
  /** Neighbours in the channel's list; of a free entry, the next free one. */
  #next = new Int32Array(ENTRIES_AT_FIRST);
  #previous = new Int32Array(ENTRIES_AT_FIRST);
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
  add(list: DeferredList, position: number, attempts: number, dueMs: number): void {
    const entry = this.#add(list, position, 0, dueMs);
    this.#attempts[entry] = attempts;
    this.#linkLast(list, entry);
  }

  /** Adds a message that is only in the files, by its record number. Units: as `add`. */
  addEvicted(list: DeferredList, recordNumber: number, dueMs: number): void {
    const entry = this.#add(list, recordNumber, 1, dueMs);
    this.#linkFirst(list, entry);
    this.evictedCount++;
  }

  /** From now on a message is only in the files. The caller gets its reference. */
  evict(list: DeferredList, entry: number, recordNumber: number): void {
    this.#unlink(list, entry);
    this.#linkFirst(list, entry);
    this.#positions[entry] = recordNumber;
    this.#evicted[entry] = 1;
    this.evictedCount++;
  }

  /** The channel's newest message in memory; NONE if there is none. */
  newest({ first }: DeferredList): number {
    if (first === NONE) return NONE;
    const last = this.#previous[first];
    return this.isEvicted(last) ? NONE : last;
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
  remove(list: DeferredList, entry: number): void {
    this.evictedCount -= this.#evicted[entry];
    if (this.dueTimes.isScheduled(entry)) this.dueTimes.cancel(entry);
    this.#unlink(list, entry);
    this.#channels[entry] = 0;
    this.#next[entry] = this.#free;
    this.#free = entry;
    this.count--;
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
  #add({ channelNumber }: DeferredList, place: number, evicted: number, dueMs: number): number {
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
      this.#free = this.#next[free];
      return free;
    }
    if (this.#used === this.#capacity) this.#grow();
    return this.#used++;
  }

  #linkFirst(list: DeferredList, entry: number): void {
    this.#linkLast(list, entry);
    list.first = entry;
  }

  #linkLast(list: DeferredList, entry: number): void {
    const { first } = list;
    if (first === NONE) {
      list.first = entry;
      this.#next[entry] = entry;
      this.#previous[entry] = entry;
      return;
    }
    const last = this.#previous[first];
    this.#next[last] = entry;
    this.#previous[entry] = last;
    this.#next[entry] = first;
    this.#previous[first] = entry;
  }

  #unlink(list: DeferredList, entry: number): void {
    const next = this.#next[entry];
    if (next === entry) {
      list.first = NONE;
      return;
    }
    const previous = this.#previous[entry];
    this.#next[previous] = next;
    this.#previous[next] = previous;
    if (list.first === entry) list.first = next;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#positions = grown(this.#positions, Uint32Array);
    this.#evicted = grown(this.#evicted, Uint8Array);
    this.#attempts = grown(this.#attempts, Uint16Array);
    this.#channels = grown(this.#channels, Uint32Array);
    this.#next = grown(this.#next, Int32Array);
    this.#previous = grown(this.#previous, Int32Array);
  }
}
