/**
 * Health for supervisors and load balancers: `/livez` tells whether the process serves, `/readyz` whether it accepts
 * messages. `/ping` is nsqd's, and tells less.
 *
 * Thread: main.
 */

import { type Answer, plainAnswer, plainJsonAnswer } from '../../daemon/http/answer.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import { isReady, type ReadinessCheck } from '../stats/readiness.ts';

type Setup = { readonly readiness: () => readonly ReadinessCheck[] };

const ALIVE = plainAnswer(200, 'OK');

/** The endpoints `/livez` and `/readyz`. */
export function healthRoutes({ readiness }: Setup): Route[] {
  return [
    {
      method: 'GET',
      path: '/livez',
      isQuiet: false,
      handle: (exchange) => exchange.answer(ALIVE),
    },
    {
      method: 'GET',
      path: '/readyz',
      isQuiet: false,
      handle: (exchange) => {
        const query = Query.parse(exchange.rawQuery);
        if (query === undefined) exchange.answer(INVALID_REQUEST);
        else exchange.answer(answerOf(readiness(), query.get('verbose') !== undefined));
      },
    },
  ];
}

function answerOf(checks: readonly ReadinessCheck[], isVerbose: boolean): Answer {
  const status = isReady(checks) ? 200 : 503;
  if (isVerbose) return plainJsonAnswer(status, { ready: status === 200, checks });
  const reasons = checks.flatMap(({ name, reason }) =>
    reason === undefined ? [] : [`${name}: ${reason}`],
  );
  return plainAnswer(status, reasons.length === 0 ? 'OK' : `NOK - ${reasons.join('; ')}`);
}
