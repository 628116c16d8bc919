/**
 * Pushes the broker's statistics to a statsd, once in every interval.
 *
 * A report is spread over the interval, less a second, so that statsd does not lose the most of a burst. There is one
 * report at a time: the time for the next one passes unused while a report still goes on. Whatever fails is logged,
 * and tried again with the next report.
 *
 * Units: ms. Thread: main.
 * Source: nsqd `statsdLoop`, `SpreadWriter`. Differs in that intervals of a second and less work;
 * their reports are sent at once.
 */

import type { Logger } from '../../../daemon/log.ts';
import { rethrowBug } from '../../../shared/assert.ts';
import type { Clock, Timer } from '../../../shared/clock.ts';
import { errorText } from '../../../shared/error-text.ts';
import type { Options } from '../../options/options.ts';
import type { MemoryStatistics } from '../../stats/memory-statistics.ts';
import type { BrokerStats } from '../../stats/stats.ts';
import { type Datagrams, openDatagrams } from './datagrams.ts';
import { packLines } from './packets.ts';
import { type StatsdReport, statsdLines } from './statsd-lines.ts';
import { statsdPrefix } from './statsd-prefix.ts';

/** The options that decide what is reported, where to and how often. */
export type StatsdOptions = Pick<
  Options,
  | 'broadcastAddress'
  | 'statsdAddress'
  | 'statsdIntervalMs'
  | 'statsdMemStats'
  | 'statsdPrefix'
  | 'statsdUdpPacketSize'
  | 'statsdExcludeEphemeral'
>;

/** What a reporter is made of. */
export interface StatsdSetup {
  readonly options: StatsdOptions;
  /** The HTTP port that is told to others; with the host it tells this broker's names from those of others. */
  readonly broadcastHttpPort: number;
  /** Statistics of all topics, without clients. */
  readonly stats: () => Promise<BrokerStats>;
  readonly memory: () => MemoryStatistics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How to reach an address; by default over UDP. */
  readonly open?: (address: string) => Promise<Datagrams>;
}

/** The part of an interval in which nothing is sent. */
const QUIET_MS = 1000;
/** How long finding the address may take. */
const OPEN_TIMEOUT_MS = 1000;

export class StatsdReporter {
  readonly #setup: StatsdSetup;
  readonly #prefix: string;
  readonly #open: (address: string) => Promise<Datagrams>;
  #last: StatsdReport | undefined;
  #timer: Timer | undefined;
  /** The datagrams that are being sent, if any. */
  #sending: Promise<void> = Promise.resolve();
  #isReporting = false;
  #isStopped = false;
  /** Ends the wait between two datagrams, if there is one. */
  #hurry = (): void => undefined;

  constructor(setup: StatsdSetup) {
    const { options } = setup;
    this.#setup = setup;
    this.#prefix = statsdPrefix(
      options.statsdPrefix,
      options.broadcastAddress,
      setup.broadcastHttpPort,
    );
    this.#open = setup.open ?? openDatagrams;
  }

  /** The first report comes after the first interval. */
  start(): void {
    this.#timer = this.#setup.clock.after(this.#setup.options.statsdIntervalMs, () => {
      this.start();
      this.#tick();
    });
  }

  /** Ends reporting. What is left of a report that is being sent leaves at once; resolves when it has. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#hurry();
    await this.#sending;
  }

  #tick(): void {
    if (this.#isReporting) return;
    this.#isReporting = true;
    void this.#report().finally(() => {
      this.#isReporting = false;
    });
  }

  /** Never rejects. */
  async #report(): Promise<void> {
    const { options, logger } = this.#setup;
    const address = options.statsdAddress;
    let datagrams: Datagrams;
    try {
      datagrams = await this.#openInTime(address);
    } catch (error) {
      rethrowBug(error);
      logger.error(`failed to create UDP socket to statsd(${address}) - ${errorText(error)}`);
      return;
    }
    try {
      // The threads that count may be gone by then.
      if (this.#isStopped) return;
      const packets = await this.#packets();
      if (this.#isStopped) return;
      logger.info(`STATSD: pushing stats to ${address}`);
      this.#sending = this.#spread(datagrams, packets);
      await this.#sending;
    } catch (error) {
      rethrowBug(error);
      logger.error(`failed to collect stats for statsd(${address}) - ${errorText(error)}`);
    } finally {
      datagrams.close();
    }
  }

  async #openInTime(address: string): Promise<Datagrams> {
    let isLate = false;
    const opening = this.#open(address).then((datagrams) => {
      if (isLate) datagrams.close();
      return datagrams;
    });
    let abort = (_why: Error): void => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      abort = reject;
    });
    const timer = this.#setup.clock.after(OPEN_TIMEOUT_MS, () => {
      isLate = true;
      abort(new Error(`no address within ${OPEN_TIMEOUT_MS} ms`));
    });
    try {
      return await Promise.race([opening, late]);
    } finally {
      timer.cancel();
    }
  }

  async #packets(): Promise<Buffer[]> {
    const { options, stats, memory } = this.#setup;
    const now: StatsdReport = {
      stats: await stats(),
      memory: options.statsdMemStats ? memory() : undefined,
    };
    const lines = statsdLines(now, this.#last, {
      prefix: this.#prefix,
      excludesEphemeral: options.statsdExcludeEphemeral,
    });
    this.#last = now;
    return packLines(lines, options.statsdUdpPacketSize);
  }

  /** Sends each packet at its share of the time; those whose time has come together leave together. Never rejects. */
  async #spread(datagrams: Datagrams, packets: readonly Buffer[]): Promise<void> {
    const { clock, options, logger } = this.#setup;
    const startMs = clock.monotonicMs();
    const stepMs = Math.max(0, options.statsdIntervalMs - QUIET_MS) / packets.length;
    let failure: unknown;
    for (const [index, packet] of packets.entries()) {
      await this.#wait(startMs + index * stepMs - clock.monotonicMs());
      try {
        await datagrams.send(packet);
      } catch (error) {
        rethrowBug(error);
        failure ??= error;
      }
    }
    if (failure === undefined) return;
    logger.error(`failed to send to statsd(${options.statsdAddress}) - ${errorText(failure)}`);
  }

  #wait(delayMs: number): Promise<void> {
    if (delayMs <= 0 || this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#setup.clock.after(delayMs, resolve);
      this.#hurry = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
