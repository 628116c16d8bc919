/**
 * The table that a consumer's pauses must obey, told by its events and by what it asks its brokers for.
 *
 * | it happens                        | level        | until the next one                |
 * | a failure                         | one more, as long as the pause allows | nothing comes for the pause |
 * | a success after the pause         | one less     | the same; at 0 all flows          |
 *
 * Thread: any.
 */

import type { SimWorld } from './sim-world.ts';

/** Deadlines that are close together ring together. Units: ms. */
const GRAIN_MS = 6;

export type BackoffOptions = {
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly jitter: number;
};

export class BackoffRules {
  readonly #name: string;
  readonly #options: BackoffOptions;
  readonly #world: SimWorld;
  #level = 0;
  #untilMs = 0;

  constructor(name: string, options: BackoffOptions, world: SimWorld) {
    this.#name = name;
    this.#options = options;
    this.#world = world;
  }

  get #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }

  onBackoff(level: number, delayMs: number): void {
    const { backoffMs, maxBackoffMs, jitter } = this.#options;
    const isHighest = backoffMs * 2 ** (this.#level + 1) > maxBackoffMs && this.#level > 0;
    const next = [this.#level - 1, isHighest ? this.#level : this.#level + 1];
    this.#require(level > 0 && next.includes(level), `from level ${this.#level} to ${level}`);
    this.#require(
      this.#level === 0 || this.#nowMs >= this.#untilMs - GRAIN_MS,
      'a pause in a pause',
    );
    const fullMs = Math.min(maxBackoffMs, backoffMs * 2 ** level);
    this.#require(
      delayMs <= fullMs && delayMs >= fullMs * (1 - jitter) - 1e-6,
      `a pause of ${delayMs} ms at level ${level}`,
    );
    this.#level = level;
    this.#untilMs = this.#nowMs + delayMs;
  }

  onResume(): void {
    this.#require(this.#level === 1, `it resumes from level ${this.#level}`);
    this.#require(this.#nowMs >= this.#untilMs - GRAIN_MS, 'it resumes in a pause');
    this.#level = 0;
  }

  /** What is asked of all brokers together. */
  check(rdy: number, rdyMax: number): void {
    const isWaiting = this.#level > 0 && this.#nowMs < this.#untilMs - GRAIN_MS;
    const limit = isWaiting ? 0 : this.#level > 0 ? Math.min(1, rdyMax) : rdyMax;
    this.#require(rdy <= limit, `ready counts of ${rdy} where ${limit} are allowed`);
  }

  #require(holds: boolean, what: string): void {
    this.#world.require(holds, `${this.#name}: ${what}`);
  }
}
