/**
 * `/stats`, in both forms.
 *
 * Thread: main.
 * Source: nsqd `doStats`.
 */

import { resultHeaders } from '../../daemon/http/answer.ts';
import type { LargeAnswers } from '../../daemon/http/large-answers.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import type { Logger } from '../../daemon/log.ts';
import type { Clock } from '../../shared/clock.ts';
import type { MemoryStatistics } from '../stats/memory-statistics.ts';
import type { StatsFilter } from '../stats/stats.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { statsJson } from './stats-json.ts';
import { statsText } from './stats-text.ts';

type Setup = {
  readonly broker: HttpBroker;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  readonly memory: () => MemoryStatistics;
};

/** The parameters of a request. */
type Wanted = {
  readonly filter: StatsFilter;
  readonly withMemory: boolean;
  readonly kind: 'text' | 'json';
};

const NS_PER_MS = 1e6;

/** The endpoint `/stats`. */
export function statsRoutes(setup: Setup, answers: LargeAnswers): Route[] {
  return [
    {
      method: 'GET',
      path: '/stats',
      isQuiet: false,
      handle: (exchange) => {
        const query = Query.parse(exchange.rawQuery);
        if (query === undefined) {
          exchange.answer(INVALID_REQUEST);
          return;
        }
        const wanted = wantedBy(query);
        const { kind } = wanted;
        const key = JSON.stringify(wanted);
        answers.add(exchange, {
          key: `stats ${key}`,
          headers: resultHeaders(kind),
          ask: () => pieces(setup, wanted),
        });
      },
    },
  ];
}

function wantedBy(query: Query): Wanted {
  return {
    filter: {
      topic: nameOrAll(query.get('topic')),
      channel: nameOrAll(query.get('channel')),
      withClients: isWanted(query.get('include_clients')),
    },
    withMemory: isWanted(query.get('include_mem')),
    kind: query.get('format') === 'json' ? 'json' : 'text',
  };
}

async function pieces(
  { broker, clock, memory }: Setup,
  { filter, withMemory, kind }: Wanted,
): Promise<Iterable<string>> {
  const stats = await broker.stats(filter);
  const report = {
    health: broker.health(),
    startTimeMs: broker.startTimeMs,
    stats,
    refusedConnectionCount: broker.refusedConnectionCount,
    failedInputCount: broker.failedInputCount,
    memory: withMemory ? memory() : undefined,
  };
  if (kind === 'json') return statsJson(report);
  return statsText(report, Number(clock.unixNs()) / NS_PER_MS);
}

/** An empty name does not filter. */
function nameOrAll(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Only these two mean no; nsqd takes an unknown value as yes. */
function isWanted(text: string | undefined): boolean {
  return text !== 'false' && text !== '0';
}
