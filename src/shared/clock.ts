/**
 * The only file that reads the machine's clocks. Code that needs the time or a timer gets a `Clock`, so that tests
 * can pass one that they advance themselves.
 *
 * Thread: any; each thread creates its own, and monotonic times of two threads must not be compared.
 */

/** A source of time and of timers. */
export interface Clock {
  /** Time that only goes forward, from an arbitrary start. Units: ms with fractions. */
  monotonicMs(): number;
  /**
   * Wall clock time. It follows the machine's clock when that is set forward or back, but never runs backwards within
   * one millisecond of it.
   *
   * Units: ns since 1970.
   */
  unixNs(): bigint;
  /** Calls back once after `delayMs`. Units: ms, of any size. */
  after(delayMs: number, callback: () => void): Timer;
}

/** A pending call. */
export interface Timer {
  /** Cancels the call, if it is still pending. */
  cancel(): void;
  /** Lets the process end while the call is pending. */
  unref(): void;
}

/** Node's timers treat longer delays as 1 ms. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
const NS_PER_MS = 1_000_000;

/** The machine's clocks. Reading one costs about 50 ns: read it once per turn. */
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
    // While the system slows the wall clock down, one of its milliseconds may last longer.
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
