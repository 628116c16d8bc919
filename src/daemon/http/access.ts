/**
 * Who may use a part of the HTTP API.
 *
 * Thread: main.
 */

import type { Route } from './router.ts';
import { LOOPBACK_ONLY } from './server-refusals.ts';

/**
 * The endpoints for an `access` of `off`, `loopback` or `always`: none, for clients on
 * this machine and for admins of the access file, or for every client.
 */
export function routesFor(access: string, routes: readonly Route[]): Route[] {
  if (access === 'off') return [];
  return access === 'always' ? [...routes] : routes.map(forLoopback);
}

function forLoopback(route: Route): Route {
  return {
    ...route,
    handle: (exchange) => {
      if (exchange.isFromLoopback || exchange.client?.isAdmin) route.handle(exchange);
      else exchange.answer(LOOPBACK_ONLY);
    },
  };
}
