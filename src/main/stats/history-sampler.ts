/**
 * Records the history of the broker, its topics and its channels, interval by interval, in slices of main's time.
 *
 * Thread: main.
 */

import type { Guard } from '../../daemon/guard.ts';
import { goneFrom } from '../../daemon/page/live-rows.ts';
import { nextTurn } from '../../daemon/slices.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { HISTORY_INTERVAL_MS, History, type HistoryPoint } from './history.ts';
import type { BrokerStats } from './stats.ts';
import { TOTALS } from './stats-collector.ts';

/** The name of the whole broker, which no topic can have. */
export const WHOLE_BROKER = '';
/** Topics and channels that are recorded in one slice. */
const SLICE_MAX = 512;
const NS_PER_MS = 1_000_000n;

/** The dependencies of a sampler. */
export type HistorySamplerSetup = {
  readonly stats: (filter: typeof TOTALS) => Promise<BrokerStats>;
  readonly clock: Clock;
  readonly guard: Pick<Guard, 'note'>;
};

export class HistorySampler {
  readonly history = new History();

  readonly #setup: HistorySamplerSetup;
  #timer: Timer | null = null;
  #lastMs = 0;
  #isOver = false;
  /** Sums of all topics at the last interval. */
  #lastSums: Pick<HistoryPoint, 'taken' | 'gone'> = newSums();
  /** Counters of the whole broker. They keep growing when the sums shrink because a topic is deleted. */
  #whole = { taken: 0, gone: 0 };

  constructor(setup: HistorySamplerSetup) {
    this.#setup = setup;
  }

  start(): void {
    this.#lastMs = this.#setup.clock.monotonicMs();
    this.#schedule();
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#setup.clock.after(HISTORY_INTERVAL_MS, () => {
      this.sample()
        .catch((error: unknown) => this.#setup.guard.note('the history cannot be recorded', error))
        .finally(() => {
          if (!this.#isOver) this.#schedule();
        });
    });
    this.#timer.unref();
  }

  /** Records the interval that ends now. */
  async sample(): Promise<void> {
    const { stats, clock } = this.#setup;
    const { topics } = await stats(TOTALS);
    if (this.#isOver) return;
    const nowMs = clock.monotonicMs();
    const { history } = this;
    history.begin(Number(clock.unixNs() / NS_PER_MS), Math.max(1, nowMs - this.#lastMs));
    this.#lastMs = nowMs;
    const sums = newSums();
    let count = 0;
    for (const topic of topics ?? []) {
      const ofTopic = { ...newSums(), taken: topic.messageCount, depth: topic.depth };
      for (const channel of topic.channels) {
        const point = {
          taken: channel.messageCount,
          gone: goneFrom(channel),
          depth: channel.depth,
          inFlight: channel.inFlightCount,
          deferred: channel.deferredCount,
        };
        history.add(historyName(topic.name, channel.name), point);
        // The topic receives a message once, and then each channel does.
        addTo(ofTopic, { ...point, taken: 0 });
        if (++count % SLICE_MAX === 0) await nextTurn();
      }
      history.add(historyName(topic.name, null), ofTopic);
      addTo(sums, ofTopic);
      if (++count % SLICE_MAX === 0) await nextTurn();
    }
    this.#whole.taken += Math.max(0, sums.taken - this.#lastSums.taken);
    this.#whole.gone += Math.max(0, sums.gone - this.#lastSums.gone);
    this.#lastSums = sums;
    history.add(WHOLE_BROKER, { ...sums, ...this.#whole });
    history.end();
  }
}

type Sums = { -readonly [name in keyof HistoryPoint]: HistoryPoint[name] };

function newSums(): Sums {
  return { taken: 0, gone: 0, depth: 0, inFlight: 0, deferred: 0 };
}

function addTo(sums: Sums, point: HistoryPoint): void {
  sums.taken += point.taken;
  sums.gone += point.gone;
  sums.depth += point.depth;
  sums.inFlight += point.inFlight;
  sums.deferred += point.deferred;
}

/** The name under which a topic or a channel is recorded. */
export function historyName(topic: string, channel: string | null): string {
  return channel === null ? topic : `${topic}:${channel}`;
}
