/**
 * A hierarchical timing wheel: it stores the deadlines of numbered entries and returns the entries in deadline order.
 *
 * Time is counted in ticks of 1 ms from the creation of the wheel. Four levels of 256 slots hold the entries: level 0
 * holds those whose tick differs from the current one only in the lowest 8 bits, level 1 in the lowest 16, and so on.
 * So every entry of a level comes before all entries of the next, within a level a higher slot is a later time, and
 * the first set bit of a small bitmap finds the next deadline, however far away it is. When the current tick enters a
 * slot of a higher level, the slot's entries move down. Two more slots hold entries without a level: deadlines that
 * had passed when they were scheduled, and those beyond the current turn of the highest level.
 *
 * A slot is a ring-shaped list threaded through the entries' own numbers; nothing is allocated per entry.
 *
 * Units: ms of one monotonic clock, with fractions; entries are small integers from 0 on, given by the caller.
 * Thread: any (pure).
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 7.
 */

import { assert } from './assert.ts';

const LEVELS = 4;
const LEVEL_BITS = 8;
const SLOTS = 1 << LEVEL_BITS;
/** Ticks of one turn of the highest level. */
const TURN_TICKS = 2 ** (LEVELS * LEVEL_BITS);
/** The slot of entries beyond the current turn. */
const FAR = LEVELS * SLOTS;
/** The slot of entries whose deadline had passed when they were scheduled. */
const PASSED = FAR + 1;
const SLOTS_TOTAL = PASSED + 1;
/** No slot, or no entry. */
const NONE = -1;
/** Words of a level's bitmap. */
const LEVEL_WORDS = SLOTS / 32;
const ENTRIES_AT_FIRST = 64;

/** Keeps deadlines, and returns entries whose deadline has passed. */
export class TimingWheel {
  /** The result of the last `expire`: valid up to the count that it returned, until the next call. */
  expired = new Int32Array(ENTRIES_AT_FIRST);

  /** The clock at tick 0, in whole ms. */
  readonly #originMs: number;
  /** The latest time that a caller gave. */
  #nowMs: number;
  /** All entries of earlier ticks have expired, and those of this one unless `expire` has reached its limit there. */
  #current = 0;
  #count = 0;
  #expiredCount = 0;

  /** Each slot's first entry, NONE if it is empty. */
  readonly #first = new Int32Array(SLOTS_TOTAL).fill(NONE);
  /** One bit for each slot of the levels that is not empty. */
  readonly #occupied = new Int32Array(LEVELS * LEVEL_WORDS);
  /** Each entry's neighbours in its slot; the first one's `previous` is the last. */
  #next = new Int32Array(ENTRIES_AT_FIRST);
  #previous = new Int32Array(ENTRIES_AT_FIRST);
  /** Each entry's slot, NONE if it is not scheduled. */
  #slot = new Int32Array(ENTRIES_AT_FIRST).fill(NONE);
  /** Each entry's deadline in ticks, rounded up. */
  #tick = new Float64Array(ENTRIES_AT_FIRST);

  constructor(nowMs: number) {
    assert(Number.isFinite(nowMs), 'time is a number');
    this.#originMs = Math.floor(nowMs);
    this.#nowMs = nowMs;
  }

  /** How many entries are scheduled. */
  get count(): number {
    return this.#count;
  }

  /** Sets or replaces an entry's deadline. One that has passed expires at the next call. */
  schedule(entry: number, deadlineMs: number): void {
    assert(Number.isInteger(entry) && entry >= 0, 'an entry is a number from 0 on');
    assert(Number.isFinite(deadlineMs), 'a deadline is a number');
    if (entry >= this.#slot.length) this.#growTo(entry + 1);
    if (this.#slot[entry] === NONE) this.#count++;
    else this.#unlink(entry);
    const tick = Math.ceil(deadlineMs) - this.#originMs;
    this.#tick[entry] = tick;
    const hasPassed = deadlineMs <= this.#nowMs || tick <= this.#current;
    this.#append(entry, hasPassed ? PASSED : this.#slotOf(tick));
  }

  /** Removes an entry's deadline, if it has one. */
  cancel(entry: number): void {
    if (!this.isScheduled(entry)) return;
    this.#unlink(entry);
    this.#slot[entry] = NONE;
    this.#count--;
  }

  isScheduled(entry: number): boolean {
    return entry < this.#slot.length && this.#slot[entry] !== NONE;
  }

  /** A scheduled entry's deadline, rounded up to a tick. */
  deadlineMs(entry: number): number {
    assert(this.isScheduled(entry), 'only what is scheduled has a deadline');
    return this.#originMs + this.#tick[entry];
  }

  /**
   * Removes all entries whose deadline, rounded up to a tick, is not after `nowMs`, and puts them into `expired`:
   * first those that had passed when they were scheduled, then by tick, and within a tick in the order in which they
   * were scheduled. At most `limit` of them: the next call returns what is left. Returns their number.
   */
  expire(nowMs: number, limit = Number.POSITIVE_INFINITY): number {
    assert(nowMs >= this.#nowMs, 'time does not go back');
    this.#nowMs = nowMs;
    this.#expiredCount = 0;
    this.#takeOut(PASSED, limit);
    const target = Math.floor(nowMs) - this.#originMs;
    while (this.#count > 0) {
      if (this.#expiredCount >= limit) return this.#expiredCount;
      const slot = this.#nextSlot();
      const tick = this.#startOf(slot);
      if (tick > target) break;
      this.#current = tick;
      if (slot < SLOTS) this.#takeOut(slot, limit);
      else this.#moveDown(slot);
    }
    if (target > this.#current) this.#current = target;
    return this.#expiredCount;
  }

  /**
   * When to call `expire` next: never later than the earliest deadline rounded up to a tick, but earlier if entries
   * must move down a level first, and in the past if a deadline had passed when it was scheduled. Infinity if nothing
   * is scheduled.
   */
  nextDeadlineMs(): number {
    if (this.#count === 0) return Number.POSITIVE_INFINITY;
    if (this.#first[PASSED] !== NONE) return this.#nowMs;
    return this.#originMs + this.#startOf(this.#nextSlot());
  }

  /** The slot of a tick that is not before the current one. */
  #slotOf(tick: number): number {
    if (turnOf(tick) !== turnOf(this.#current)) return FAR;
    const difference = (tick ^ this.#current) >>> 0;
    const level = difference === 0 ? 0 : (31 - Math.clz32(difference)) >>> 3;
    return level * SLOTS + ((tick >>> (level * LEVEL_BITS)) & (SLOTS - 1));
  }

  /** The slot that is entered next; there is one while an entry with a future deadline is scheduled. */
  #nextSlot(): number {
    for (let word = 0; word < this.#occupied.length; word++) {
      const bits = this.#occupied[word];
      if (bits !== 0) return word * 32 + (31 - Math.clz32(bits & -bits));
    }
    return FAR;
  }

  /** The first tick of a slot, as seen from the current tick. */
  #startOf(slot: number): number {
    const turn = turnOf(this.#current);
    if (slot === FAR) return (turn + 1) * TURN_TICKS;
    const level = slot >>> LEVEL_BITS;
    const slotTicks = 2 ** (level * LEVEL_BITS);
    const levelTicks = slotTicks * SLOTS;
    const levelStart = Math.floor(this.#current / levelTicks) * levelTicks;
    return levelStart + (slot & (SLOTS - 1)) * slotTicks;
  }

  #takeOut(slot: number, limit: number): void {
    const first = this.#first[slot];
    if (first === NONE) return;
    const last = this.#previous[first];
    let entry = first;
    do {
      if (this.#expiredCount >= limit) {
        this.#first[slot] = entry;
        this.#previous[entry] = last;
        this.#next[last] = entry;
        return;
      }
      if (this.#expiredCount === this.expired.length) this.#growExpired();
      this.expired[this.#expiredCount++] = entry;
      this.#slot[entry] = NONE;
      this.#count--;
      entry = this.#next[entry];
    } while (entry !== first);
    this.#clear(slot);
  }

  /** Spreads the entries of a slot that the current tick has entered over the levels below. */
  #moveDown(slot: number): void {
    const first = this.#first[slot];
    if (first === NONE) return;
    const last = this.#previous[first];
    this.#clear(slot);
    let entry = first;
    for (;;) {
      // read before the entry is linked elsewhere
      const next = this.#next[entry];
      this.#append(entry, this.#slotOf(this.#tick[entry]));
      if (entry === last) return;
      entry = next;
    }
  }

  #append(entry: number, slot: number): void {
    this.#slot[entry] = slot;
    const first = this.#first[slot];
    if (first === NONE) {
      this.#first[slot] = entry;
      this.#next[entry] = entry;
      this.#previous[entry] = entry;
      if (slot < FAR) this.#occupied[slot >>> 5] |= 1 << (slot & 31);
      return;
    }
    const last = this.#previous[first];
    this.#next[last] = entry;
    this.#previous[entry] = last;
    this.#next[entry] = first;
    this.#previous[first] = entry;
  }

  #unlink(entry: number): void {
    const slot = this.#slot[entry];
    const next = this.#next[entry];
    if (next === entry) {
      this.#clear(slot);
      return;
    }
    const previous = this.#previous[entry];
    this.#next[previous] = next;
    this.#previous[next] = previous;
    if (this.#first[slot] === entry) this.#first[slot] = next;
  }

  #clear(slot: number): void {
    this.#first[slot] = NONE;
    if (slot < FAR) this.#occupied[slot >>> 5] &= ~(1 << (slot & 31));
  }

  #growExpired(): void {
    const larger = new Int32Array(this.expired.length * 2);
    larger.set(this.expired);
    this.expired = larger;
  }

  #growTo(entries: number): void {
    let length = this.#slot.length;
    while (length < entries) length *= 2;
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    const slot = new Int32Array(length).fill(NONE);
    const tick = new Float64Array(length);
    next.set(this.#next);
    previous.set(this.#previous);
    slot.set(this.#slot);
    tick.set(this.#tick);
    this.#next = next;
    this.#previous = previous;
    this.#slot = slot;
    this.#tick = tick;
  }
}

/** Which turn of the highest level a tick belongs to. */
function turnOf(tick: number): number {
  return Math.floor(tick / TURN_TICKS);
}
