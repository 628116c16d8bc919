/**
 * Sends messages to one or all of several destinations, and logs how long that takes.
 *
 * Thread: main.
 * Source: nsq_to_http and nsq_to_nsq `PublishHandler`.
 */

import { suggestion } from '../../daemon/options/nearest-word.ts';
import { atLeast } from '../../daemon/options/option-checks.ts';
import { integer } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import type { Clock } from '../../shared/clock.ts';
import { HostPool, type PoolMode } from './host-pool.ts';
import { Timings } from './timings.ts';

/** The interval of the log lines about durations. */
export const STATUS_EVERY = option(
  integer,
  'Log',
  'status-every',
  250,
  'the # of messages between logging status (of all, and of each destination), 0 disables',
  atLeast(0),
);

/** The modes in which one destination gets a message. */
export const POOL_MODES: readonly PoolMode[] = ['round-robin', 'hostpool', 'epsilon-greedy'];

/** Explains an unknown mode, which the originals accept as well: it may be a typo. */
export function warnOfMode(
  mode: string,
  known: readonly string[],
  used: string,
  log: (line: string) => void,
): void {
  if (known.includes(mode)) return;
  log(`--mode=${mode} is unknown and works as ${used}${suggestion(mode, known)}`);
}

/** One of the destinations for each message, or `all` of them. */
type DestinationMode = PoolMode | 'all';

/** The destinations, and how messages are distributed. */
type DestinationsSetup = {
  readonly addresses: readonly string[];
  readonly mode: DestinationMode;
  readonly statusEvery: number;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Resolves when the destination has accepted the message. */
  readonly send: (address: string, topic: string, body: Buffer) => Promise<void>;
};

export class Destinations {
  readonly #setup: DestinationsSetup;
  /** Null: all of them. */
  readonly #pool: HostPool | null;
  readonly #total: Timings;
  readonly #byAddress: ReadonlyMap<string, Timings>;

  constructor(setup: DestinationsSetup) {
    const { addresses, mode, statusEvery, clock, log } = setup;
    this.#setup = setup;
    this.#pool = mode === 'all' ? null : new HostPool(addresses, mode, clock, Math.random);
    this.#total = new Timings(statusEvery, '[aggregate]:', log);
    const isAlone = addresses.length === 1;
    this.#byAddress = new Map(
      addresses.map((each) => [each, new Timings(isAlone ? 0 : statusEvery, `[${each}]:`, log)]),
    );
  }

  /** Resolves when the message is accepted. Errors: rejects if a destination has refused it. */
  async send(topic: string, body: Buffer): Promise<void> {
    const { addresses, clock } = this.#setup;
    const startMs = clock.monotonicMs();
    const pool = this.#pool;
    if (pool === null) {
      for (const address of addresses) await this.#sendTo(address, topic, body);
    } else {
      const address = pool.take();
      try {
        pool.succeed(address, await this.#sendTo(address, topic, body));
      } catch (error) {
        pool.fail(address);
        throw error;
      }
    }
    this.#total.add(clock.monotonicMs() - startMs);
  }

  /** Resolves with the duration. */
  async #sendTo(address: string, topic: string, body: Buffer): Promise<number> {
    const { clock, send } = this.#setup;
    const startMs = clock.monotonicMs();
    await send(address, topic, body);
    const tookMs = clock.monotonicMs() - startMs;
    this.#byAddress.get(address)?.add(tookMs);
    return tookMs;
  }
}
