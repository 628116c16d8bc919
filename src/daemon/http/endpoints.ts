/**
 * Passes each request to its endpoint, or refuses it if there is no such endpoint or if a page of another site has sent
 * it.
 *
 * Thread: main.
 * Source: nsqd's `newHTTPServer`.
 */

import type { Clock } from '../../shared/clock.ts';
import { type Answer, closingAnswer, emptyAnswer, htmlAnswer, refusal } from './answer.ts';
import { BodyTurns } from './body-turns.ts';
import { Exchange, type ExchangeSetup, type KnownClient, type Request } from './exchange.ts';
import { hostName, hostRefusal, originRefusal } from './foreign-request.ts';
import { unescapePercent } from './query.ts';
import { RequestLog } from './request-log.ts';
import { type Match, type Miss, type Route, Router } from './router.ts';
import { NOT_FOUND } from './server-refusals.ts';

/** A known client, or the answer that refuses it. */
export type ClientOrRefusal = KnownClient | Answer;

type Decision = ClientOrRefusal | null;

/** The dependencies of the endpoints. */
export interface EndpointsSetup extends ExchangeSetup {
  readonly clock: Clock;
  /** Names of the machine in addition to its addresses. */
  readonly names: readonly string[];
  /** Names by which browsers reach the program through a proxy; missing for none. */
  readonly pageHosts?: readonly string[];
  readonly routes: readonly Route[];
  /** Decides whether a client may use an endpoint; null if no credentials are needed. */
  readonly authorize: (request: Request, route: Route) => Decision | Promise<Decision>;
}

/** Go closes after a request that it cannot read. */
const BAD_PATH = closingAnswer(400);
const NO_HEADERS = emptyAnswer(200, []);
const DEBUG_PATH = '/debug/';
/** Of a URL: an address in brackets or a name, and a port. */
const AUTHORITY = /^(?:[^@[\]]*@)?(?:\[[0-9A-Fa-f:.]*\]|[A-Za-z0-9!$&'()*+,;=\-._~]*)(?::\d*)?$/;
/** The end of the path of long-lived streams, of which only a few are allowed. */
const EVENTS_PATH = '/ui/events';
/** Characters that Go does not escape in the path of a URL. */
const ESCAPED_IN_PATH = /[^A-Za-z0-9\-._~$&+,/:;=@]+/g;

export class Endpoints {
  readonly #router: Router;
  readonly #setup: ExchangeSetup & { readonly bodyTurns: BodyTurns };
  readonly #requestLog: RequestLog;
  readonly #names: ReadonlySet<string>;
  readonly #pageHosts: ReadonlySet<string>;
  readonly #authorize: EndpointsSetup['authorize'];

  constructor(setup: EndpointsSetup) {
    this.#pageHosts = new Set((setup.pageHosts ?? []).map(hostName));
    this.#names = new Set([...setup.names.map(hostName), ...this.#pageHosts]);
    this.#setup = { ...setup, bodyTurns: new BodyTurns() };
    this.#authorize = setup.authorize;
    this.#requestLog = new RequestLog(setup.logger, setup.clock);
    this.#router = new Router(setup.routes);
  }

  /** Whether requests for this host are answered on a listener that only this machine can reach. */
  isOwnHost(host: string): boolean {
    return hostRefusal({ headers: { host } }, this.#names) === undefined;
  }

  /** Answers a request, now or later. */
  handle(request: Request): void {
    const { method = '', url = '' } = request.request;
    const { path, rawQuery } = parseTarget(url);
    const match = path === undefined ? undefined : this.#router.find(method, path);
    if (match === undefined) {
      const exchange = this.#exchange(request, '', rawQuery, this.#requestLog);
      exchange.answer(this.#missed(method, path, rawQuery));
      return;
    }
    const decision =
      this.#siteRefusal(request, match.route) ?? this.#authorize(request, match.route);
    if (!(decision instanceof Promise)) {
      this.#carryOut(request, match, rawQuery, decision);
      return;
    }
    decision.then(
      (client) => this.#carryOut(request, match, rawQuery, client),
      (error) => this.#exchange(request, '', rawQuery, this.#requestLog).fail(error),
    );
  }

  /** The answer to CONNECT, before its connection is closed. */
  connectRefusal(target: string): Answer {
    const allow = this.#router.allow(parseTarget(target).path ?? '');
    return closing(allow === undefined ? NOT_FOUND : wrongMethod(allow));
  }

  /** Gives this answer to a request for any path. */
  answer(request: Request, answer: Answer): void {
    this.#exchange(request, '', '', this.#requestLog).answer(answer);
  }

  #carryOut(request: Request, { route, param }: Match, rawQuery: string, decision: Decision): void {
    const refused = decision !== null && 'status' in decision ? decision : undefined;
    const client = decision === null || 'status' in decision ? null : decision;
    const requestLog = route.isQuiet && refused === undefined ? undefined : this.#requestLog;
    const exchange = this.#exchange(request, param, rawQuery, requestLog, client);
    if (refused !== undefined) {
      exchange.answer(refused);
      return;
    }
    try {
      route.handle(exchange);
    } catch (error) {
      exchange.fail(error);
    }
  }

  /** The answer to a page of another site, see `foreign-request.ts`. */
  #siteRefusal({ request, listener }: Request, route: Route): Answer | undefined {
    const foreign = listener.isLoopback ? hostRefusal(request, this.#names) : undefined;
    if (foreign !== undefined) return foreign;
    const { method, path } = route;
    // Some requests under /debug stall the broker although they only read.
    const hasEffect = method !== 'GET' || path.startsWith(DEBUG_PATH) || path.endsWith(EVENTS_PATH);
    return hasEffect ? originRefusal(request, this.#pageHosts) : undefined;
  }

  #exchange(
    request: Request,
    param: string,
    rawQuery: string,
    requestLog: RequestLog | undefined,
    client: KnownClient | null = null,
  ): Exchange {
    return new Exchange(request, param, rawQuery, this.#setup, requestLog, client);
  }

  #missed(method: string, path: string | undefined, rawQuery: string): Answer {
    if (path === undefined) return BAD_PATH;
    if (path === '*') return method === 'OPTIONS' ? NO_HEADERS : wrongMethod(this.#router.methods);
    return missAnswer(this.#router.miss(method, path), rawQuery);
  }
}

function missAnswer(miss: Miss, rawQuery: string): Answer {
  switch (miss.kind) {
    case 'redirect':
      return redirect(miss.status, miss.path, rawQuery);
    case 'options':
      return emptyAnswer(200, ['Allow', miss.allow]);
    case 'wrong method':
      return wrongMethod(miss.allow);
    case 'not found':
      return NOT_FOUND;
  }
}

function wrongMethod(allow: string): Answer {
  return refusal(405, 'METHOD_NOT_ALLOWED', ['Allow', allow]);
}

/** Source: Go's `http.Redirect`, which writes a page only for GET. */
function redirect(status: 301 | 307, path: string, rawQuery: string): Answer {
  const escaped = path.replace(ESCAPED_IN_PATH, percentEscape);
  const location = rawQuery === '' ? escaped : `${escaped}?${rawQuery}`;
  if (status !== 301) return emptyAnswer(status, ['Location', location]);
  const body = `<a href="${htmlEscape(location)}">Moved Permanently</a>.\n\n`;
  return htmlAnswer(status, ['Location', location], body);
}

function percentEscape(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text)) {
    escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

function htmlEscape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll("'", '&#39;');
}

function closing(answer: Answer): Answer {
  return { ...answer, headers: ['Connection', 'close', ...answer.headers] };
}

/** The parts of a request's target. Shape: the path is undefined for a malformed target. */
function parseTarget(url: string): { path: string | undefined; rawQuery: string } {
  const question = url.indexOf('?');
  const resource = question === -1 ? url : url.slice(0, question);
  const rawQuery = question === -1 ? '' : url.slice(question + 1);
  const rawPath = relativePath(resource);
  const isEscaped = rawPath?.includes('%') === true;
  return { path: isEscaped ? unescapePercent(rawPath) : rawPath, rawQuery };
}

/** The path of a target, which proxies may write as a whole URL; undefined if that is malformed. */
function relativePath(resource: string): string | undefined {
  if (resource.startsWith('/') || resource === '*') return resource;
  const scheme = resource.indexOf('://');
  if (scheme === -1) return resource;
  const slash = resource.indexOf('/', scheme + 3);
  const end = slash === -1 ? resource.length : slash;
  if (!AUTHORITY.test(resource.slice(scheme + 3, end))) return undefined;
  return slash === -1 ? '/' : resource.slice(slash);
}
