/**
 * The page of the fleet: its document at all paths of nsqadmin's page, its files, its stream of events, graphite's
 * graphs, and the preview of an operator's action.
 *
 * Thread: main.
 */

import type { Guard } from '../../../daemon/guard.ts';
import { plainAnswer, plainJsonAnswer } from '../../../daemon/http/answer.ts';
import type { Exchange } from '../../../daemon/http/exchange.ts';
import { Query } from '../../../daemon/http/query.ts';
import type { Route } from '../../../daemon/http/router.ts';
import { INVALID_REQUEST } from '../../../daemon/http/server-refusals.ts';
import { PageFiles } from '../../../daemon/page/page-files.ts';
import {
  EVENTS_PATH,
  FLEET_FILE_NAMES,
  FLEET_HOME,
  GRAPHS_PATH,
  HOME_PATH,
  NODES_PATH,
  PLAN_PATH,
} from '../../../daemon/page/page-paths.ts';
import { Viewers } from '../../../daemon/page/viewers.ts';
import { watchQueryOf } from '../../../daemon/page/watch-query.ts';
import type { Clock } from '../../../shared/clock.ts';
import { type AdminContext, answerAsked, isAdmin, Warnings } from '../admin-context.ts';
import { httpAddress } from '../producers.ts';
import type { Upstream } from '../upstream.ts';
import { CpuPace } from './cpu-pace.ts';
import { FleetFrames } from './fleet-frames.ts';
import { FleetPoll } from './fleet-poll.ts';
import { graphiteGraphs } from './graphite-graphs.ts';

/** The dependencies. */
type PageSetup = {
  readonly context: AdminContext;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly guard: Pick<Guard, 'note'>;
};

/** The page, and its viewers. */
export type FleetPage = {
  readonly routes: readonly Route[];
  /** An operator has changed something that viewers wait to see. */
  changed(): void;
};

const DOCUMENT_PATHS = [
  '/',
  '/topics',
  '/topics/:topic',
  '/topics/:topic/:channel',
  '/nodes',
  '/nodes/:node',
  '/counter',
  '/lookup',
  HOME_PATH,
];
const NOT_FOUND = plainAnswer(404, 'NOT_FOUND');
/** A fleet has no log for its viewers. */
const NO_LOG = { since: () => [], lastNumber: 0 };

/** Makes the page. */
export function fleetPage({ context, upstream, clock, guard }: PageSetup): FleetPage {
  const { cluster, logger, options } = context;
  const base = options.basePath === '/' ? '' : options.basePath;
  const files = new PageFiles((name, text) =>
    name === FLEET_HOME ? text.replaceAll('{base}', attributeText(base)) : text,
  );
  const poll = new FleetPoll({ cluster, upstream, clock, logger });
  const pace = new CpuPace();
  const viewers = new Viewers({
    frames: new FleetFrames(poll, clock, pace),
    tail: NO_LOG,
    clock,
    pauseMs: (tookMs) => pace.pauseMs(tookMs),
    note: (what, error) => guard.note(what, error),
  });
  const get = (path: string, handle: Route['handle'], isQuiet = true): Route => {
    return { method: 'GET', path, isQuiet, handle };
  };
  const file = (path: string, name: string, isQuiet = true): Route => {
    const handle = (exchange: Exchange): void =>
      exchange.answerWith(files.answer(name, exchange.header('if-none-match')));
    return get(path, handle, isQuiet);
  };
  return {
    routes: [
      ...DOCUMENT_PATHS.map((path) => file(path, FLEET_HOME, false)),
      ...FLEET_FILE_NAMES.map((name) => file(`/ui/${name}`, name)),
      get('/static/:asset', (exchange) => exchange.answer(NOT_FOUND), false),
      get('/fonts/:asset', (exchange) => exchange.answer(NOT_FOUND), false),
      get(NODES_PATH, (exchange) => {
        const roles = isAdmin(exchange, options) ? {} : { roles: [] };
        exchange.answer(plainJsonAnswer(200, { lookupds: cluster.lookupds, ...roles }));
      }),
      get(GRAPHS_PATH, (exchange) => {
        const query = Query.parse(exchange.rawQuery);
        const topic = query?.get('topic');
        if (topic === undefined) exchange.answer(INVALID_REQUEST);
        else {
          const graphs = graphiteGraphs(options, base, topic, query?.get('channel'));
          exchange.answer(plainJsonAnswer(200, { graphs }));
        }
      }),
      get(PLAN_PATH, (exchange) => plan(context, exchange)),
      get(EVENTS_PATH, (exchange) => {
        const query = Query.parse(exchange.rawQuery);
        if (query === undefined) exchange.answer(INVALID_REQUEST);
        else viewers.add(exchange, watchQueryOf(query));
      }),
    ],
    changed: () => {
      poll.refreshMembers();
      viewers.hurry();
    },
  };
}

/** The nodes on which an operator's work on a topic, or on one of its channels, would be done. */
function plan(context: AdminContext, exchange: Exchange): void {
  const query = Query.parse(exchange.rawQuery);
  const topic = query?.get('topic');
  if (topic === undefined) {
    exchange.answer(INVALID_REQUEST);
    return;
  }
  const channel = query?.get('channel') ?? '';
  const { cluster, logger } = context;
  answerAsked(exchange, context, 'get topic metadata', async () => {
    const warnings = new Warnings(logger);
    const producers = warnings.add(await cluster.queueProducers(topic, channel));
    return warnings.answer({
      nodes: producers.map(httpAddress).sort(),
      lookupds: cluster.lookupds,
    });
  });
}

/** A path, escaped for an attribute of HTML. */
function attributeText(path: string): string {
  return encodeURI(path).replaceAll('&', '&amp;').replaceAll("'", '&#39;');
}
