/**
 * The health of a server program: `/ping`, `/livez`, `/readyz`, `/metrics`.
 *
 * Thread: main.
 */

import { plainAnswer } from '../daemon/http/answer.ts';
import type { Exchange } from '../daemon/http/exchange.ts';
import type { LargeAnswers } from '../daemon/http/large-answers.ts';
import type { Route } from '../daemon/http/router.ts';
import { CONTENT_TYPES, formatFor } from '../daemon/metrics/accept.ts';
import type { Format } from '../daemon/metrics/exposition.ts';

type Setup = {
  readonly answers: LargeAnswers;
  readonly metrics: (format: Format) => Iterable<string>;
  /** Why the program does not serve; null while it does. */
  readonly unreadiness: () => string | null;
};

const OK = plainAnswer(200, 'OK');

/** The endpoints. */
export function healthRoutes({ answers, metrics, unreadiness }: Setup): Route[] {
  const get = (path: string, handle: (exchange: Exchange) => void): Route => {
    return { method: 'GET', path, isQuiet: false, handle };
  };
  return [
    get('/ping', (exchange) => exchange.answer(OK)),
    get('/livez', (exchange) => exchange.answer(OK)),
    get('/readyz', (exchange) => {
      const why = unreadiness();
      exchange.answer(why === null ? OK : plainAnswer(503, `NOK - ${why}`));
    }),
    get('/metrics', (exchange) => {
      const format = formatFor(exchange.header('accept'));
      answers.add(exchange, {
        key: `metrics ${format}`,
        headers: ['Content-Type', CONTENT_TYPES[format]],
        ask: async () => metrics(format),
      });
    }),
  ];
}
