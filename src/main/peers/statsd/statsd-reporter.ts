/**
 * Pushes the broker's statistics to a statsd, once per interval.
 *
 * A report is spread over the interval, less a second, so that statsd does not lose most of a burst. There is one
 * report at a time: while one is running, the next is skipped. Failures are logged; the next report tries again.
 *
 * Units: ms. Thread: main.
 * Source: nsqd `statsdLoop`, `SpreadWriter`. Differs in that intervals of a second and less work;
 * their reports are sent at once.
 */

import type { Guard, Sender } from '../../../daemon/guard.ts';
import type { Logger } from '../../../daemon/log.ts';
import type { Clock, Timer } from '../../../shared/clock.ts';
import { errorText } from '../../../shared/error-text.ts';
import type { Options } from '../../options/options.ts';
import type { MemoryStatistics } from '../../stats/memory-statistics.ts';
import type { BrokerStats } from '../../stats/stats.ts';
import { type Datagrams, openDatagrams } from './datagrams.ts';
import { packLines } from './packets.ts';
import { type StatsdReport, statsdLines } from './statsd-lines.ts';
import { statsdPrefix } from './statsd-prefix.ts';

/** The options for the contents, the destination and the interval of reports. */
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

/** The dependencies of a reporter. */
export interface StatsdSetup {
  readonly options: StatsdOptions;
  /** The HTTP port that is registered with peers; with the host it makes this broker's names unique. */
  readonly broadcastHttpPort: number;
  /** Statistics of all topics, without clients. */
  readonly stats: () => Promise<BrokerStats>;
  readonly memory: () => MemoryStatistics;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly logger: Logger;
  /** Opens the destination; by default over UDP. */
  readonly open?: (address: string) => Promise<Datagrams>;
}

/** The part of an interval in which nothing is sent. */
const QUIET_MS = 1000;
/** Timeout for resolving the address. */
const OPEN_TIMEOUT_MS = 1000;

export class StatsdReporter implements Sender {
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

  /** Reports from now on; undefined where the options name no statsd. */
  static begin(setup: StatsdSetup): StatsdReporter | undefined {
    if (setup.options.statsdAddress === '') return undefined;
    const reporter = new StatsdReporter(setup);
    reporter.start();
    return reporter;
  }

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

  /** Starts; the first report follows after one interval. */
  start(): void {
    const { clock, guard, options } = this.#setup;
    const onDue = (): void => {
      this.start();
      this.#tick();
    };
    this.#timer = clock.after(options.statsdIntervalMs, guard.around(this, onDue));
  }

  /** Sends the rest of the report at once. The next one comes in its time. */
  destroy(): void {
    this.#hurry();
  }

  toString(): string {
    return `statsd(${this.#setup.options.statsdAddress})`;
  }

  /** Stops reporting. The rest of a running report is sent at once; resolves afterwards. */
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
    const { guard, options, logger } = this.#setup;
    const address = options.statsdAddress;
    let datagrams: Datagrams;
    try {
      datagrams = await this.#openInTime(address);
    } catch (error) {
      guard.noteUnforeseen(this.toString(), error);
      logger.error(`failed to create UDP socket to statsd(${address}) - ${errorText(error)}`);
      return;
    }
    try {
      // The pump threads may have ended by then.
      if (this.#isStopped) return;
      const packets = await this.#packets();
      if (this.#isStopped) return;
      logger.info(`STATSD: pushing stats to ${address}`);
      this.#sending = this.#spread(datagrams, packets);
      await this.#sending;
    } catch (error) {
      guard.noteUnforeseen(this.toString(), error);
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

  /** Sends the packets evenly over the time; packets that are due together are sent together. Never rejects. */
  async #spread(datagrams: Datagrams, packets: readonly Buffer[]): Promise<void> {
    const { clock, guard, options, logger } = this.#setup;
    const startMs = clock.monotonicMs();
    const stepMs = Math.max(0, options.statsdIntervalMs - QUIET_MS) / packets.length;
    let failure: unknown;
    for (const [index, packet] of packets.entries()) {
      await this.#wait(startMs + index * stepMs - clock.monotonicMs());
      try {
        await datagrams.send(packet);
      } catch (error) {
        guard.noteUnforeseen(this.toString(), error);
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
