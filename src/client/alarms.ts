/**
 * Many deadlines on one timer. Each deadline is an alarm; all alarms of a clock share one timer for the earliest of
 * them, and there is no timer while no alarm is set.
 *
 * Deadlines are coarse: an alarm rings up to GRAIN_MS late, together with its neighbours.
 * Thread: any; each thread has its own.
 */

import type { Clock, Timer } from '../shared/clock.ts';

/** Deadlines that are this close ring together. */
const GRAIN_MS = 5;

/** A deadline that can be set, moved and cleared. */
export class Alarm {
  /** When it rings. Units: ms, monotonic; infinite while not set. */
  dueMs = Number.POSITIVE_INFINITY;
  /** Whether the process stays alive for it. */
  readonly holdsProcess: boolean;

  readonly #alarms: Alarms;
  readonly #onRing: (nowMs: number) => void;

  constructor(alarms: Alarms, onRing: (nowMs: number) => void, holdsProcess: boolean) {
    this.#alarms = alarms;
    this.#onRing = onRing;
    this.holdsProcess = holdsProcess;
  }

  get isSet(): boolean {
    return this.dueMs !== Number.POSITIVE_INFINITY;
  }

  /** Rings once after `delayMs`, instead of at an earlier setting. */
  setIn(delayMs: number): void {
    this.dueMs = this.#alarms.nowMs() + Math.max(0, delayMs);
    this.#alarms.add(this);
  }

  clear(): void {
    if (!this.isSet) return;
    this.dueMs = Number.POSITIVE_INFINITY;
    this.#alarms.remove(this);
  }

  /** Called by `Alarms` when it is due. */
  ring(nowMs: number): void {
    this.clear();
    this.#onRing(nowMs);
  }
}

/** The alarms of one clock. */
export class Alarms {
  readonly #clock: Clock;
  /** The alarms that are set. */
  readonly #set = new Set<Alarm>();
  #timer: Timer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  /** Whether the timer holds the process. */
  #isHolding = false;
  #isRinging = false;

  /** The alarms shared by all clients with this clock. */
  static of(clock: Clock): Alarms {
    const known = ALARMS.get(clock);
    if (known !== undefined) return known;
    const alarms = new Alarms(clock);
    ALARMS.set(clock, alarms);
    return alarms;
  }

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Creates an alarm, not set. `holdsProcess`: the process does not end while it is set. */
  alarm(onRing: (nowMs: number) => void, { holdsProcess = false } = {}): Alarm {
    return new Alarm(this, onRing, holdsProcess);
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Called by an alarm that is set. */
  add(alarm: Alarm): void {
    this.#set.add(alarm);
    if (this.#isRinging) return;
    if (alarm.dueMs < this.#timerMs || (alarm.holdsProcess && !this.#isHolding)) this.#arm();
  }

  /** Called by an alarm that is cleared. Keeps the timer while other alarms are set. */
  remove(alarm: Alarm): void {
    this.#set.delete(alarm);
    if (this.#isRinging) return;
    if (this.#set.size === 0 || (alarm.holdsProcess && this.#isHolding)) this.#arm();
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
    this.#timer = this.#clock.after(Math.ceil(delayMs), () => this.#ring());
    if (!this.#isHolding) this.#timer.unref();
  }

  #ring(): void {
    const nowMs = this.nowMs();
    this.#isRinging = true;
    try {
      // a callback may clear other alarms
      for (const alarm of [...this.#set]) {
        if (alarm.dueMs <= nowMs + GRAIN_MS) alarm.ring(nowMs);
      }
    } finally {
      this.#isRinging = false;
      this.#arm();
    }
  }
}

const ALARMS = new WeakMap<Clock, Alarms>();
