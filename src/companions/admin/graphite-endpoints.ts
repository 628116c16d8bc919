/**
 * Rates and graphs of graphite: a rate as a number, and with `--proxy-graphite` its pictures.
 *
 * Thread: main.
 * Source: nsqadmin `graphiteHandler`, `NewSingleHostReverseProxy`. Differs in that the proxy follows redirects.
 */

import { parseJson } from '../../daemon/go/json.ts';
import { bytesAnswer, jsonAnswer } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INTERNAL_ERROR, INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import type { Logger } from '../../daemon/log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import { errorText } from '../../shared/error-text.ts';
import { queryEscape } from '../query-escape.ts';
import type { AdminOptions } from './admin-options.ts';
import { INVALID_ARG_METRIC, INVALID_ARG_TARGET } from './admin-refusals.ts';
import { failureOf, type Upstream } from './upstream.ts';
import { listOf } from './upstream-values.ts';

type Setup = {
  readonly options: AdminOptions;
  readonly upstream: Upstream;
  readonly logger: Logger;
};

const MS_PER_SECOND = 1000;
const BAD_GATEWAY = bytesAnswer(502, '', '');

/** The endpoints; `/render` exists with `--proxy-graphite`. */
export function graphiteRoutes({ options, upstream, logger }: Setup): Route[] {
  const get = (path: string, handle: (exchange: Exchange) => void): Route => {
    return { method: 'GET', path, isQuiet: false, handle };
  };
  const rate = get('/api/graphite', (exchange) => {
    const query = Query.parse(exchange.rawQuery);
    const target = query?.get('target');
    if (query === undefined) return exchange.answer(INVALID_REQUEST);
    if (query.get('metric') !== 'rate') return exchange.answer(INVALID_ARG_METRIC);
    if (target === undefined) return exchange.answer(INVALID_ARG_TARGET);
    const intervalS = Math.trunc(options.statsdIntervalMs / MS_PER_SECOND);
    const url = `${options.graphiteUrl}${renderQuery(target, intervalS)}`;
    logger.info(`GRAPHITE: ${url}`);
    exchange.answerWith(
      readRate(upstream, url).then(
        (value) => jsonAnswer({ rate: value < 0 ? 'N/A' : (value / intervalS).toFixed(2) }),
        (error: unknown) => {
          logger.error(`graphite request failed - ${failureOf(error).join()}`);
          return INTERNAL_ERROR;
        },
      ),
    );
  });
  if (!options.proxyGraphite) return [rate];
  return [rate, get('/render', (exchange) => passOn(exchange, { options, upstream, logger }))];
}

/** Source: Go's `url.Values.Encode`: sorted by name. */
function renderQuery(target: string, intervalS: number): string {
  const from = queryEscape(`-${2 * intervalS}sec`);
  const until = queryEscape(`-${intervalS}sec`);
  return `/render?format=json&from=${from}&target=${queryEscape(target)}&until=${until}`;
}

/** The first value. Errors: rejects if there are no values. */
async function readRate(upstream: Upstream, url: string): Promise<number> {
  const { status, body } = await upstream.client.get(url);
  if (status !== 200) throw new Error(`got response ${status}`);
  const [series] = listOf(parseJson(body.toString()));
  const points = series?.['datapoints'];
  const point = Array.isArray(points) ? points[0] : undefined;
  const value = Array.isArray(point) ? point[0] : undefined;
  if (typeof value !== 'number') throw new Error('there is no value in the answer');
  return value;
}

/** Forwards the request to graphite's host, with the same path. */
function passOn(exchange: Exchange, { options, upstream, logger }: Setup): void {
  const { protocol, host, username, password } = new URL(options.graphiteUrl);
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = {
    accept: exchange.header('accept') ?? '*/*',
    ...(username !== '' && { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }),
  };
  const asked = upstream.client.get(`${protocol}//${host}${exchange.target}`, headers);
  exchange.answerWith(
    asked.then(
      ({ status, contentType, body }) => bytesAnswer(status, contentType, body),
      (error: unknown) => {
        rethrowBug(error);
        logger.error(`graphite proxy failed - ${errorText(error)}`);
        return BAD_GATEWAY;
      },
    ),
  );
}
