/**
 * `/stats`, in both its forms.
 *
 * Thread: main.
 * Source: nsqd's `doStats`.
 */

import { type Answer, jsonAnswer, textAnswer } from '../../daemon/http/answer.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import type { Clock } from '../../shared/clock.ts';
import type { MemoryStatistics } from '../stats/memory-statistics.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { INVALID_REQUEST } from './refusals.ts';
import { statsJson } from './stats-json.ts';
import { statsText } from './stats-text.ts';

type Setup = {
  readonly broker: HttpBroker;
  readonly clock: Clock;
  readonly memory: () => MemoryStatistics;
};

const NS_PER_MS = 1e6;

/** The endpoint `/stats`. */
export function statsRoutes(setup: Setup): Route[] {
  return [
    {
      method: 'GET',
      path: '/stats',
      isQuiet: false,
      handle: (exchange) => exchange.answerWith(answer(setup, exchange.rawQuery)),
    },
  ];
}

async function answer({ broker, clock, memory }: Setup, rawQuery: string): Promise<Answer> {
  const query = Query.parse(rawQuery);
  if (query === undefined) return INVALID_REQUEST;
  const stats = await broker.stats({
    topic: nameOrAll(query.get('topic')),
    channel: nameOrAll(query.get('channel')),
    withClients: isWanted(query.get('include_clients')),
  });
  const report = {
    health: broker.health(),
    startTimeMs: broker.startTimeMs,
    stats,
    refusedConnectionCount: broker.refusedConnectionCount,
    memory: isWanted(query.get('include_mem')) ? memory() : undefined,
  };
  if (query.get('format') === 'json') return jsonAnswer(statsJson(report));
  return textAnswer(statsText(report, Number(clock.unixNs()) / NS_PER_MS));
}

/** An empty name filters nothing. */
function nameOrAll(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Only these two say no; nsqd takes what it does not know for a yes. */
function isWanted(text: string | undefined): boolean {
  return text !== 'false' && text !== '0';
}
