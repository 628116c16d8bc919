/**
 * Chooses the destination of the next message.
 *
 * A destination that fails is left out for 30 s, then for twice as long after each further failure, up to 15 min; while
 * all are left out, all are tried. `epsilon-greedy` prefers fast destinations, and sometimes tries another.
 *
 * Thread: main.
 * Source: go-hostpool. Differs in using a moving average of response times instead of 120 buckets.
 */

import type { Clock } from '../../shared/clock.ts';

/** The method of choice. */
export type PoolMode = 'round-robin' | 'hostpool' | 'epsilon-greedy';

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 900_000;
/** Share of messages that go to the next destination in turn, instead of a fast one. */
const FIRST_EPSILON = 0.3;
const SMALLEST_EPSILON = 0.01;
const EPSILON_DECAY = 0.9;
const DECAY_MS = 2500;
/** How long a response time counts. */
const WINDOW_MS = 300_000;
/** The weight of a new response time in the average. */
const SMALLEST_WEIGHT = 0.1;

/** A destination. */
class Host {
  readonly address: string;
  /** Null if it is not left out. */
  retryMs: number | null = null;
  pauseMs = FIRST_PAUSE_MS;
  /** Null before its first answer. */
  averageMs: number | null = null;
  answeredMs = 0;

  constructor(address: string) {
    this.address = address;
  }
}

export class HostPool {
  readonly #hosts: readonly Host[];
  readonly #mode: PoolMode;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #random: () => number;
  #next = 0;
  #epsilon = FIRST_EPSILON;
  #decayedMs: number;

  /** `random`: 0 to 1. */
  constructor(
    addresses: readonly string[],
    mode: PoolMode,
    clock: Pick<Clock, 'monotonicMs'>,
    random: () => number,
  ) {
    this.#hosts = [...new Set(addresses)].map((address) => new Host(address));
    this.#mode = mode;
    this.#clock = clock;
    this.#random = random;
    this.#decayedMs = clock.monotonicMs();
  }

  /** The destination of the next message. */
  take(): string {
    if (this.#mode === 'round-robin') return this.#inTurn(this.#hosts).address;
    const nowMs = this.#clock.monotonicMs();
    let able = this.#hosts.filter(({ retryMs }) => retryMs === null || retryMs <= nowMs);
    if (able.length === 0) {
      for (const host of this.#hosts) host.retryMs = null;
      able = [...this.#hosts];
    }
    const host = this.#mode === 'hostpool' ? this.#inTurn(able) : this.#greedy(able, nowMs);
    // One message tries a destination that was left out; the others wait for its outcome.
    if (host.retryMs !== null) this.#leaveOut(host, nowMs);
    return host.address;
  }

  /** It has accepted a message. */
  succeed(address: string, tookMs: number): void {
    const host = this.#hostAt(address);
    const nowMs = this.#clock.monotonicMs();
    host.retryMs = null;
    host.pauseMs = FIRST_PAUSE_MS;
    const age = Math.min(1, (nowMs - host.answeredMs) / WINDOW_MS);
    const weight = Math.max(age, SMALLEST_WEIGHT);
    host.averageMs =
      host.averageMs === null ? tookMs : host.averageMs + (tookMs - host.averageMs) * weight;
    host.answeredMs = nowMs;
  }

  fail(address: string): void {
    const host = this.#hostAt(address);
    if (host.retryMs === null) this.#leaveOut(host, this.#clock.monotonicMs());
  }

  #leaveOut(host: Host, nowMs: number): void {
    host.retryMs = nowMs + host.pauseMs;
    host.pauseMs = Math.min(LONGEST_PAUSE_MS, host.pauseMs * 2);
  }

  #hostAt(address: string): Host {
    const host = this.#hosts.find((one) => one.address === address);
    if (host === undefined) throw new Error(`no destination ${address}`);
    return host;
  }

  #inTurn(hosts: readonly Host[]): Host {
    this.#next += 1;
    return hosts[this.#next % hosts.length];
  }

  #greedy(hosts: readonly Host[], nowMs: number): Host {
    while (nowMs - this.#decayedMs >= DECAY_MS && this.#epsilon > SMALLEST_EPSILON) {
      this.#epsilon = Math.max(SMALLEST_EPSILON, this.#epsilon * EPSILON_DECAY);
      this.#decayedMs += DECAY_MS;
    }
    const weights = hosts.map(({ averageMs }) => (averageMs === null ? 0 : 1 / (1 + averageMs)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total === 0 || this.#random() < this.#epsilon) return this.#inTurn(hosts);
    let left = this.#random() * total;
    const index = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    return hosts[index === -1 ? hosts.length - 1 : index];
  }
}
