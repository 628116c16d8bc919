/**
 * What an HTTP server refuses by itself, whatever it serves.
 *
 * Thread: main.
 */

import { refusal } from './answer.ts';

/** Something failed that is not the client's fault. */
export const INTERNAL_ERROR = refusal(500, 'INTERNAL_ERROR');
/** The broker has as many connections as it may have. */
export const TOO_MANY_CONNECTIONS = refusal(503, 'TOO_MANY_CONNECTIONS');
/** A client that takes the broker for a proxy. */
export const CONNECT_REFUSED = refusal(405, 'METHOD_NOT_ALLOWED', [
  'Allow',
  'GET, OPTIONS, POST, PUT',
  'Connection',
  'close',
]);
