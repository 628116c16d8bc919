import type { Clock, Timer } from '../../src/shared/clock.ts';

interface Call {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it. Both of its times move together. */
export class ManualClock implements Clock {
  #monotonicMs: number;
  #unixNs: bigint;
  #calls: Call[] = [];

  constructor(monotonicMs = 1000, unixNs = 1_700_000_000_000_000_000n) {
    this.#monotonicMs = monotonicMs;
    this.#unixNs = unixNs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  unixNs(): bigint {
    return this.#unixNs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const call = { atMs: this.#monotonicMs + Math.max(0, delayMs), callback };
    this.#calls.push(call);
    return {
      cancel: () => {
        this.#calls = this.#calls.filter((other) => other !== call);
      },
      unref: () => undefined,
    };
  }

  /** The number of pending calls. */
  get timerCount(): number {
    return this.#calls.length;
  }

  /** Advances the time and makes each call at its own time; calls that these schedule are made too if they are due. */
  advance(byMs: number): void {
    const endMs = this.#monotonicMs + byMs;
    for (;;) {
      const call = this.#nextCall(endMs);
      if (call === undefined) break;
      this.#calls = this.#calls.filter((other) => other !== call);
      this.#moveTo(call.atMs);
      call.callback();
    }
    this.#moveTo(endMs);
  }

  /** Sets the wall clock, as an operator or a time server does. The monotonic time does not change. */
  setUnixNs(unixNs: bigint): void {
    this.#unixNs = unixNs;
  }

  #nextCall(endMs: number): Call | undefined {
    let first: Call | undefined;
    for (const call of this.#calls) {
      if (call.atMs <= endMs && (first === undefined || call.atMs < first.atMs)) first = call;
    }
    return first;
  }

  #moveTo(monotonicMs: number): void {
    this.#unixNs += BigInt(Math.round((monotonicMs - this.#monotonicMs) * 1_000_000));
    this.#monotonicMs = monotonicMs;
  }
}
