/**
 * `/metrics`, for Prometheus and compatible readers. The figures of topics and channels come from the same statistics
 * as `/stats`. They are collected, formatted and sent in slices (`LargeAnswers`). Concurrent scrapes share one answer.
 * Its memory is reused (`SpareBuffers`), because fresh pages would cost as much as the lines in them.
 *
 * Thread: main.
 */

import type { LargeAnswers } from '../../../daemon/http/large-answers.ts';
import type { Route } from '../../../daemon/http/router.ts';
import { CONTENT_TYPES, formatFor } from '../../../daemon/metrics/accept.ts';
import type { Format } from '../../../daemon/metrics/exposition.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { BrokerStats, StatsFilter } from '../../stats/stats.ts';
import { spareBuffers } from '../../tcp/spare-buffers.ts';
import { metricsText } from './metrics-text.ts';
import { NamedQueues } from './named-queues.ts';

/** The sources of the metrics. */
export type MetricsSource = {
  readonly stats: (filter: StatsFilter) => Promise<BrokerStats>;
  readonly node: () => NodeStatistics;
  /** `--metrics-topics-max`. */
  readonly topicsMax: number;
};

/** Counters per client are in `/stats` only, because the number of clients over time has no bound. */
const ALL_QUEUES: StatsFilter = { topic: undefined, channel: undefined, withClients: false };

/** The endpoint `/metrics`. */
export function metricsRoutes(source: MetricsSource, answers: LargeAnswers): Route[] {
  const queues = new NamedQueues(source.topicsMax);
  const ask = async (format: Format): Promise<Iterable<Buffer>> => {
    const { topics } = await source.stats(ALL_QUEUES);
    const shown = await queues.divide(topics ?? []);
    return metricsText(source.node(), shown, format, spareBuffers);
  };
  return [
    {
      method: 'GET',
      path: '/metrics',
      isQuiet: false,
      handle: (exchange) => {
        const format = formatFor(exchange.header('accept'));
        answers.add(exchange, {
          key: `metrics ${format}`,
          headers: ['Content-Type', CONTENT_TYPES[format]],
          ask: () => ask(format),
          onSent: giveBack,
        });
      },
    },
  ];
}

/** Each piece has memory of its own. */
function giveBack(pieces: readonly Buffer[]): void {
  for (const { buffer } of pieces) spareBuffers.give(Buffer.from(buffer));
}
