import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routesFor } from '../../../../src/daemon/http/access.ts';
import type { Answer } from '../../../../src/daemon/http/answer.ts';
import { DONE } from '../../../../src/daemon/http/answer.ts';
import type { Exchange } from '../../../../src/daemon/http/exchange.ts';
import type { Route } from '../../../../src/daemon/http/router.ts';

const ROUTE: Route = {
  method: 'GET',
  path: '/debug/pprof/heap',
  isQuiet: false,
  handle: (exchange) => exchange.answer(DONE),
};

for (const [access, isFromLoopback, wanted] of [
  ['off', true, undefined],
  ['loopback', true, 200],
  ['loopback', false, 403],
  ['always', false, 200],
] as const) {
  test(`routesFor: "${access}" for a client ${isFromLoopback ? 'here' : 'elsewhere'} is ${wanted}`, () => {
    let status: number | undefined;
    // As much of an exchange as a route needs.
    const exchange = {
      isFromLoopback,
      answer: (answer: Answer) => {
        status = answer.status;
      },
    } as unknown as Exchange;

    for (const route of routesFor(access, [ROUTE])) route.handle(exchange);

    assert.equal(status, wanted);
  });
}
