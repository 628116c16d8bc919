/**
 * Who may use a part of the HTTP API.
 *
 * Thread: main.
 */

import type { Route } from '../../daemon/http/router.ts';
import { LOOPBACK_ONLY } from './refusals.ts';

/**
 * The endpoints as they are for an `access` of `off`, `loopback` or `always`: there are none, they are for clients on
 * this machine, or they are for everybody.
 */
export function routesFor(access: string, routes: readonly Route[]): Route[] {
  if (access === 'off') return [];
  return access === 'always' ? [...routes] : routes.map(forLoopback);
}

function forLoopback(route: Route): Route {
  return {
    ...route,
    handle: (exchange) => {
      if (exchange.isFromLoopback) route.handle(exchange);
      else exchange.answer(LOOPBACK_ONLY);
    },
  };
}
