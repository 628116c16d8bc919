/**
 * Many coarse timers on one timer of the clock, which is set for the earliest of them, and only while one is set.
 *
 * They are coarse: a timer fires up to GRAIN_MS early, together with its neighbours.
 * Thread: any; each thread has its own.
 */

import type { Clock, Timer } from '../shared/clock.ts';

/** Timers that are due this close together fire together. */
const GRAIN_MS = 5;

/** A deadline that can be set, moved and cleared. */
export class CoarseTimer {
  /** When it fires. Units: ms, monotonic; infinite while not set. */
  dueMs = Number.POSITIVE_INFINITY;
  /** Whether the process stays alive for it. */
  readonly holdsProcess: boolean;

  readonly #timers: CoarseTimers;
  readonly #onFire: (nowMs: number) => void;

  constructor(timers: CoarseTimers, onFire: (nowMs: number) => void, holdsProcess: boolean) {
    this.#timers = timers;
    this.#onFire = onFire;
    this.holdsProcess = holdsProcess;
  }

  get isSet(): boolean {
    return this.dueMs !== Number.POSITIVE_INFINITY;
  }

  /** Fires once after `delayMs`, instead of at an earlier setting. */
  setIn(delayMs: number): void {
    this.dueMs = this.#timers.nowMs() + Math.max(0, delayMs);
    this.#timers.add(this);
  }

  clear(): void {
    if (!this.isSet) return;
    this.dueMs = Number.POSITIVE_INFINITY;
    this.#timers.remove(this);
  }

  /** Called by `CoarseTimers` when it is due. */
  fire(nowMs: number): void {
    this.clear();
    this.#onFire(nowMs);
  }
}

/** The timers of one clock. */
export class CoarseTimers {
  readonly #clock: Clock;
  /** The timers that are set. */
  readonly #set = new Set<CoarseTimer>();
  #timer: Timer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  /** Whether the timer holds the process. */
  #isHolding = false;
  #isFiring = false;

  /** The timers shared by all clients with this clock. */
  static of(clock: Clock): CoarseTimers {
    const known = TIMERS.get(clock);
    if (known !== undefined) return known;
    const timers = new CoarseTimers(clock);
    TIMERS.set(clock, timers);
    return timers;
  }

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Creates a timer that is not set. `holdsProcess`: the process does not end while it is set. */
  timer(onFire: (nowMs: number) => void, { holdsProcess = false } = {}): CoarseTimer {
    return new CoarseTimer(this, onFire, holdsProcess);
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Called by a timer that is set. */
  add(timer: CoarseTimer): void {
    this.#set.add(timer);
    if (this.#isFiring) return;
    if (timer.dueMs < this.#timerMs || (timer.holdsProcess && !this.#isHolding)) this.#arm();
  }

  /** Called by a timer that is cleared. The timer of the clock remains while others are set. */
  remove(timer: CoarseTimer): void {
    this.#set.delete(timer);
    if (this.#isFiring) return;
    if (this.#set.size === 0 || (timer.holdsProcess && this.#isHolding)) this.#arm();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerMs = Number.POSITIVE_INFINITY;
    this.#isHolding = false;
    for (const { dueMs, holdsProcess } of this.#set) {
      if (dueMs < this.#timerMs) this.#timerMs = dueMs;
      if (holdsProcess) this.#isHolding = true;
    }
    if (this.#set.size === 0) return;
    const delayMs = Math.max(0, this.#timerMs - this.nowMs());
    this.#timer = this.#clock.after(Math.ceil(delayMs), () => this.#fire());
    if (!this.#isHolding) this.#timer.unref();
  }

  #fire(): void {
    const nowMs = this.nowMs();
    this.#isFiring = true;
    try {
      // a callback may clear other timers
      for (const timer of [...this.#set]) {
        if (timer.dueMs <= nowMs + GRAIN_MS) timer.fire(nowMs);
      }
    } finally {
      this.#isFiring = false;
      this.#arm();
    }
  }
}

const TIMERS = new WeakMap<Clock, CoarseTimers>();
