/**
 * The equivalents of nsqd's `/debug` in Node, under the paths of Go's profiler.
 *
 * | path | here |
 * |---|---|
 * | /debug/pprof/… | see `profile-endpoints.ts` |
 * | /debug/setblockrate | checks its parameter as nsqd does, and has no effect |
 * | /debug/freememory | collects garbage on the main thread |
 *
 * Endpoints that show memory or code, or stop the main thread, answer only clients on this machine unless
 * `--debug-http` allows others.
 *
 * Thread: main.
 * Source: nsqd `newHTTPServer`. The last two answer 200; nsqd performs the operation and then answers 500.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { routesFor } from '../../daemon/http/access.ts';
import { type Answer, plainAnswer } from '../../daemon/http/answer.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import type { Logger } from '../../daemon/log.ts';
import { profileRoutes } from '../../daemon/profiling/profile-endpoints.ts';
import { Stalls } from '../../daemon/profiling/stalls.ts';
import type { Clock } from '../../shared/clock.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { collectGarbage } from './garbage.ts';

type Setup = {
  readonly broker: Pick<HttpBroker, 'options'>;
  readonly clock: Clock;
  readonly logger: Logger;
};

const INTEGER = /^[+-]?[0-9]+$/;

/** The endpoints under `/debug`. */
export function debugRoutes({ broker, clock, logger }: Setup): Route[] {
  const { debugHttp } = broker.options;
  const stalls = new Stalls(logger, clock);
  const harmless: Route = {
    method: 'PUT',
    path: '/debug/setblockrate',
    isQuiet: false,
    handle: (exchange) => exchange.answer(setBlockRate(exchange.rawQuery)),
  };
  const telling: Route[] = [
    ...profileRoutes(stalls, clock, logger),
    {
      method: 'POST',
      path: '/debug/freememory',
      isQuiet: false,
      handle: (exchange) => {
        stalls.watch('collecting garbage', collectGarbage);
        exchange.answer(plainAnswer(200, ''));
      },
    },
  ];
  return [...(debugHttp === 'off' ? [] : [harmless]), ...routesFor(debugHttp, telling)];
}

/** Source: nsqd `setBlockRateHandler`, and the errors of Go's `strconv.Atoi`. */
function setBlockRate(rawQuery: string): Answer {
  const rate = Query.parse(rawQuery)?.get('rate') ?? '';
  if (INTEGER.test(rate)) return plainAnswer(200, '');
  const reason = `strconv.Atoi: parsing ${goQuote(rate)}: invalid syntax`;
  return plainAnswer(400, `invalid block rate : ${reason}`);
}
