/**
 * The role that each endpoint requires if there is an access file. A test compares the list with the endpoints; an
 * endpoint that is not listed is for admins only.
 *
 * Thread: any.
 */

import type { Route } from '../../daemon/http/router.ts';
import { PAGE_PATHS } from '../../daemon/page/page-paths.ts';
import type { Role } from '../access/access-client.ts';

/** Open to every client. */
export const OPEN = 'open';

/** The requirement of an endpoint. */
export type RouteRole = Role | typeof OPEN;

/** By method and path. */
export const ROUTE_ROLES: Readonly<Record<string, RouteRole>> = {
  'GET /ping': OPEN,
  'GET /livez': OPEN,
  'GET /readyz': OPEN,

  'POST /pub': 'publish',
  'POST /mpub': 'publish',

  'GET /info': 'read',
  'GET /stats': 'read',
  'GET /metrics': 'read',
  'GET /config/drain': 'read',
  'GET /config/:option': 'read',
  'GET /policy': 'read',
  'GET /policy/effective': 'read',
  'GET /policy/:name': 'read',

  'GET /messages': 'read',
  'GET /message': 'read',

  ...Object.fromEntries(PAGE_PATHS.map((path) => [`GET ${path}`, 'read' as const])),

  'POST /topic/create': 'admin',
  'POST /topic/delete': 'admin',
  'POST /topic/empty': 'admin',
  'POST /topic/pause': 'admin',
  'POST /topic/unpause': 'admin',
  'POST /channel/create': 'admin',
  'POST /channel/delete': 'admin',
  'POST /channel/empty': 'admin',
  'POST /channel/pause': 'admin',
  'POST /channel/unpause': 'admin',
  'POST /message/finish': 'admin',
  'POST /message/requeue': 'admin',
  'POST /message/touch': 'admin',
  'POST /messages/purge': 'admin',
  'POST /messages/move': 'admin',
  'PUT /config/drain': 'admin',
  'PUT /config/reload': 'admin',
  'PUT /config/:option': 'admin',
  'PUT /policy/:name': 'admin',
  'DELETE /policy/:name': 'admin',

  'GET /debug/pprof/': 'admin',
  'GET /debug/pprof/cmdline': 'admin',
  'GET /debug/pprof/profile': 'admin',
  'GET /debug/pprof/heap': 'admin',
  'POST /debug/freememory': 'admin',
  'PUT /debug/setblockrate': 'admin',
};

/** The requirement of the endpoint. */
export function roleOf({ method, path }: Pick<Route, 'method' | 'path'>): RouteRole {
  return ROUTE_ROLES[`${method} ${path}`] ?? 'admin';
}
