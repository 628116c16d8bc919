/**
 * `/metrics`, for Prometheus and those who read its formats.
 *
 * What topics and channels have comes from the same statistics as `/stats`, in slices, and the text is made and sent
 * in slices too (`LargeAnswers`). Scrapes that come together are answered together.
 *
 * Thread: main.
 */

import type { LargeAnswers } from '../../../daemon/http/large-answers.ts';
import type { Route } from '../../../daemon/http/router.ts';
import { CONTENT_TYPES, formatFor } from '../../../daemon/metrics/accept.ts';
import type { Format } from '../../../daemon/metrics/exposition.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { BrokerStats, StatsFilter } from '../../stats/stats.ts';
import { metricsText } from './metrics-text.ts';
import { NamedQueues } from './named-queues.ts';

/** What metrics are made of. */
export type MetricsSource = {
  readonly stats: (filter: StatsFilter) => Promise<BrokerStats>;
  readonly node: () => NodeStatistics;
  /** `--metrics-topics-max`. */
  readonly topicsMax: number;
};

/** Counters of clients are in `/stats` only: there is no bound to how many clients there were. */
const ALL_QUEUES: StatsFilter = { topic: undefined, channel: undefined, withClients: false };

/** The endpoint `/metrics`. */
export function metricsRoutes(source: MetricsSource, answers: LargeAnswers): Route[] {
  const queues = new NamedQueues(source.topicsMax);
  const ask = async (format: Format): Promise<Iterable<string>> => {
    const { topics } = await source.stats(ALL_QUEUES);
    const shown = await queues.divide(topics ?? []);
    return metricsText(source.node(), shown, format);
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
        });
      },
    },
  ];
}
