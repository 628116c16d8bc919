/**
 * What an HTTP server refuses by itself, whatever it serves.
 *
 * Thread: main.
 */

import { type Answer, emptyAnswer, refusal } from './answer.ts';

/** Something failed that is not the client's fault. */
export const INTERNAL_ERROR = refusal(500, 'INTERNAL_ERROR');
/** The broker has as many connections as it may have. */
export const TOO_MANY_CONNECTIONS = refusal(503, 'TOO_MANY_CONNECTIONS');
/** The client expects something that no server of this kind does. */
export const EXPECTATION_FAILED = emptyAnswer(417, ['Connection', 'close']);
/** A client that takes the broker for a proxy. */
const NO_PROXY = refusal(404, 'NOT_FOUND', ['Connection', 'close']);
/** A client that uses CONNECT as a method for a path. */
const CONNECT_REFUSED = refusal(405, 'METHOD_NOT_ALLOWED', [
  'Allow',
  'GET, OPTIONS, POST, PUT',
  'Connection',
  'close',
]);

/** What is answered to CONNECT. nsqd keeps the connection, and Node has no way to. */
export function connectRefusal(target = ''): Answer {
  return target.startsWith('/') ? CONNECT_REFUSED : NO_PROXY;
}
