/**
 * Empties the broker before it ends: publishes, new topics and new channels are refused, consumers continue, and the
 * broker disconnects from nsqlookupds. The drain is over when no message waits, is in flight or deferred, or at its
 * timeout; remaining messages go to disk as at every shutdown.
 *
 * Bound: `--drain-timeout`.
 * Thread: main.
 */

import type { Logger } from '../../daemon/log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import type { BrokerStats, StatsFilter } from '../stats/stats.ts';

/** The reason for refused publishes. */
const REFUSAL = 'the broker is draining';
/** The time between two checks for messages: it starts with the first value and doubles up to the second. */
const LOOK_MS_MIN = 100;
const LOOK_MS_MAX = 1000;
/** The interval of log lines about the remaining messages. */
const LINE_MS = 10_000;
const ALL_QUEUES: StatsFilter = { topic: undefined, channel: undefined, withClients: false };

/** The dependencies of a drain. */
export type DrainSetup = {
  /** Its refusal is set when the drain begins. */
  readonly topics: { drainRefusal: string | null };
  readonly stats: (filter: StatsFilter) => Promise<BrokerStats>;
  /** Disconnects from nsqlookupds, which then drop the broker. */
  readonly unregister: () => void;
  /** `--drain-timeout`; 0 for no limit. Units: ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

/** The topics, as a drain sees them. */
type DrainedTopics = {
  readonly drainRefusal: string | null;
  get(name: string): { readonly channels: ReadonlyMap<string, unknown> } | undefined;
};

/** Why a topic or channel of that name cannot be created now; null if it can. */
export function creationRefusal(
  topics: DrainedTopics,
  topic: string,
  channel: string | null,
): string | null {
  if (topics.drainRefusal === null) return null;
  const existing = topics.get(topic);
  const isThere = channel === null || existing?.channels.has(channel) === true;
  return existing !== undefined && isThere ? null : topics.drainRefusal;
}

/** The progress. Shape: `messages` is the number of remaining ones, null until they are counted. */
export type DrainProgress = { readonly messages: number | null };

export class Drain {
  /** Resolves when it is over, with a sentence for the log. */
  readonly over: Promise<string>;

  readonly #setup: DrainSetup;
  readonly #resolve: (outcome: string) => void;
  #progress: DrainProgress | null = null;
  #isOver = false;
  #timeout: Timer | null = null;
  #nextLook: Timer | null = null;
  #delayMs = LOOK_MS_MIN;
  /** The next line of the log is due. */
  #lineMs = 0;

  constructor(setup: DrainSetup) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.over = promise;
    this.#resolve = resolve;
    this.#setup = setup;
  }

  /** Null before it begins. */
  get progress(): DrainProgress | null {
    return this.#progress;
  }

  /** Starts the drain, unless it has started. */
  begin(): void {
    if (this.#progress !== null) return;
    const { topics, unregister, timeoutMs, clock, logger } = this.#setup;
    this.#progress = { messages: null };
    topics.drainRefusal = REFUSAL;
    logger.info('draining: publishes are refused, consumers continue');
    unregister();
    if (timeoutMs > 0) {
      this.#timeout = clock.after(timeoutMs, () => {
        const messages = this.#progress?.messages ?? 'some';
        this.#end(`the drain has taken ${timeoutMs} ms, ${messages} messages are left`);
      });
      this.#timeout.unref();
    }
    void this.#look();
  }

  /** Ends the drain even if messages are left, because the broker ends. */
  stop(): void {
    if (this.#progress !== null) this.#end('the broker is ending');
  }

  /** Counts the remaining messages, and schedules the next check. */
  async #look(): Promise<void> {
    const { stats, clock, logger } = this.#setup;
    try {
      const messages = messagesOf(await stats(ALL_QUEUES));
      if (this.#isOver) return;
      const isEmpty = messages === 0 && this.#progress?.messages === 0;
      this.#progress = { messages };
      // Twice, because an accepted publish may have been on its way the first time.
      if (isEmpty) {
        this.#end('the queues are empty');
        return;
      }
      this.#delayMs = messages === 0 ? LOOK_MS_MIN : Math.min(2 * this.#delayMs, LOOK_MS_MAX);
      const nowMs = clock.monotonicMs();
      if (nowMs >= this.#lineMs) {
        this.#lineMs = nowMs + LINE_MS;
        logger.info(`draining: ${messages} messages are left`);
      }
    } catch (error) {
      rethrowBug(error);
      logger.error(`failed to count the messages that are left - ${errorText(error)}`);
    }
    if (this.#isOver) return;
    this.#nextLook = clock.after(this.#delayMs, () => void this.#look());
    this.#nextLook.unref();
  }

  #end(outcome: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timeout?.cancel();
    this.#nextLook?.cancel();
    this.#resolve(outcome);
  }
}

function messagesOf({ topics }: BrokerStats): number {
  let messages = 0;
  for (const { depth, channels, isReplicated } of topics ?? []) {
    // Other brokers have them.
    if (isReplicated) continue;
    messages += depth;
    for (const channel of channels) {
      messages += channel.depth + channel.inFlightCount + channel.deferredCount;
    }
  }
  return messages;
}
