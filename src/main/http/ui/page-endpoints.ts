/**
 * The endpoints under `/ui`: the page's files, its stream of events, and the history of the last hour.
 *
 * Thread: main.
 */

import type { Guard } from '../../../daemon/guard.ts';
import { joinHostPort } from '../../../daemon/host-port.ts';
import { type Answer, plainJsonAnswer } from '../../../daemon/http/answer.ts';
import type { Exchange } from '../../../daemon/http/exchange.ts';
import { Query } from '../../../daemon/http/query.ts';
import type { Route } from '../../../daemon/http/router.ts';
import { INVALID_REQUEST, LOOPBACK_ONLY, NOT_FOUND } from '../../../daemon/http/server-refusals.ts';
import { PageFiles } from '../../../daemon/page/page-files.ts';
import {
  EVENTS_PATH,
  FILE_NAMES,
  HISTORY_PATH,
  HOME_PATH,
  NODES_PATH,
} from '../../../daemon/page/page-paths.ts';
import { Viewers } from '../../../daemon/page/viewers.ts';
import { watchQueryOf } from '../../../daemon/page/watch-query.ts';
import type { Clock } from '../../../shared/clock.ts';
import { historyName, WHOLE_BROKER } from '../../stats/history-sampler.ts';
import type { HttpBroker } from '../../topics/broker.ts';
import { Frames } from './frames.ts';
import type { PageSource } from './page-source.ts';

type Setup = {
  readonly broker: HttpBroker;
  /** The machine's name. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly guard: Pick<Guard, 'note'>;
  /** Null if there is no page. */
  readonly page: PageSource | null;
};

/** The endpoints of the page; none if there is no page. */
export function pageRoutes({ broker, hostname, clock, guard, page }: Setup): Route[] {
  if (page === null) return [];
  const { options } = broker;
  const files = new PageFiles();
  const frames = new Frames({
    source: page,
    clock,
    broker: () => ({
      name: joinHostPort(
        options.broadcastAddress || hostname,
        options.broadcastHttpPort || broker.httpPort,
      ),
      id: options.nodeId,
      hasConfig: options.configHttp !== 'off',
    }),
    health: () => broker.health(),
  });
  const note = (what: string, error: unknown): void => guard.note(what, error);
  const viewers = new Viewers({ frames, tail: page.tail, clock, note });
  const get = (path: string, handle: Route['handle']): Route => {
    return { method: 'GET', path, isQuiet: true, handle };
  };
  const file = (path: string, name: string): Route => {
    return get(path, (exchange) => {
      exchange.answerWith(files.answer(name, exchange.header('if-none-match')));
    });
  };
  return [
    file(HOME_PATH, 'index.html'),
    ...FILE_NAMES.map((name) => file(`/ui/${name}`, name)),
    get(NODES_PATH, (exchange) => exchange.answer(nodes(exchange))),
    get(HISTORY_PATH, (exchange) => exchange.answer(history(page, exchange))),
    get(EVENTS_PATH, (exchange) => {
      const query = Query.parse(exchange.rawQuery);
      if (query === undefined) {
        exchange.answer(INVALID_REQUEST);
        return;
      }
      const watched = watchQueryOf(query);
      // The log reveals as much as /config does, and is for the same clients.
      const refused = watched.view === 'log' ? refusalOf(options.configHttp, exchange) : undefined;
      if (refused === undefined) viewers.add(exchange, watched);
      else exchange.answer(refused);
    }),
  ];
}

/**
 * The brokers that this page shows: this one, at the address from which the page was loaded; and the roles of the
 * client, if there is an access file.
 */
function nodes({ client }: Exchange): Answer {
  const roles = client === null ? {} : { roles: client.roles };
  return plainJsonAnswer(200, { nodes: [{ base: '../' }], ...roles });
}

function refusalOf(access: string, exchange: Exchange): Answer | undefined {
  if (access === 'always' || (access === 'loopback' && exchange.isFromLoopback)) return undefined;
  return access === 'off' ? NOT_FOUND : LOOPBACK_ONLY;
}

/** The last hour of a topic, a channel or the broker; null if the broker has no history of it. */
function history(page: PageSource, exchange: Exchange): Answer {
  const query = Query.parse(exchange.rawQuery);
  if (query === undefined) return INVALID_REQUEST;
  const topic = query.get('topic');
  const name =
    topic === undefined ? WHOLE_BROKER : historyName(topic, query.get('channel') ?? null);
  return plainJsonAnswer(200, { history: page.history.read(name) });
}
