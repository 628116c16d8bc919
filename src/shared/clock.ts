/**
 * Time, as everything else sees it: the only file that asks the machine for it. Whoever needs the time or a
 * timer is handed a `Clock`, so that a test can hand in one that it moves itself.
 *
 * Thread: any; each thread makes its own, and monotonic times of two threads must not be compared.
 */

/** A source of time, and of calls at a later time. */
export interface Clock {
  /** Time that only goes forward, from an arbitrary start. Units: ms with fractions. */
  monotonicMs(): number;
  /**
   * Wall clock time. It follows the machine's clock when that is set, back as well as forth, but within one of
   * its milliseconds it never goes back.
   *
   * Units: ns since 1970.
   */
  unixNs(): bigint;
  /** Calls back once after `delayMs`. Units: ms, of any size. */
  after(delayMs: number, callback: () => void): Timer;
}

/** A call that is still to come. */
export interface Timer {
  /** Makes sure that the call does not come, if it has not yet. */
  cancel(): void;
  /** Lets the process end although the call has not come. */
  unref(): void;
}

/** Node's timers take longer delays for 1 ms. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
const NS_PER_MS = 1_000_000;

/** The machine's clocks. Reading one costs about 50 ns: read it once in a turn. */
export class SystemClock implements Clock {
  /** The wall clock's millisecond at the last call of `unixNs`. */
  #wallMs = 0;
  /** The monotonic time at which that millisecond was first seen. */
  #wallSinceMs = 0;

  monotonicMs(): number {
    return performance.now();
  }

  unixNs(): bigint {
    const wallMs = Date.now();
    const nowMs = performance.now();
    if (wallMs !== this.#wallMs) {
      this.#wallMs = wallMs;
      this.#wallSinceMs = nowMs;
    }
    const elapsedNs = Math.floor((nowMs - this.#wallSinceMs) * NS_PER_MS);
    // a wall clock that is being slowed down may show one of its milliseconds for longer than one
    const withinNs = Math.min(elapsedNs, NS_PER_MS - 1);
    return BigInt(wallMs) * BigInt(NS_PER_MS) + BigInt(withinNs);
  }

  after(delayMs: number, callback: () => void): Timer {
    return new SystemTimer(delayMs, callback);
  }
}

class SystemTimer implements Timer {
  readonly #callback: () => void;
  readonly #deadlineMs: number;
  #timeout: NodeJS.Timeout;
  #isRef = true;

  constructor(delayMs: number, callback: () => void) {
    this.#callback = callback;
    this.#deadlineMs = performance.now() + delayMs;
    this.#timeout = this.#start(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  unref(): void {
    this.#isRef = false;
    this.#timeout.unref();
  }

  #start(delayMs: number): NodeJS.Timeout {
    if (delayMs <= TIMEOUT_MS_MAX) return setTimeout(this.#callback, delayMs);
    return setTimeout(() => this.#resume(), TIMEOUT_MS_MAX);
  }

  #resume(): void {
    this.#timeout = this.#start(Math.max(0, this.#deadlineMs - performance.now()));
    if (!this.#isRef) this.#timeout.unref();
  }
}
