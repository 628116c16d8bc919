/**
 * Refusals of an HTTP server that do not depend on its endpoints.
 *
 * Thread: main.
 */

import { emptyAnswer, refusal } from './answer.ts';

/** A failure that is not the client's fault. */
export const INTERNAL_ERROR = refusal(500, 'INTERNAL_ERROR');
/** A query string that cannot be parsed. */
export const INVALID_REQUEST = refusal(400, 'INVALID_REQUEST');
/** No such path. */
export const NOT_FOUND = refusal(404, 'NOT_FOUND');
/** The endpoint is only for clients on this machine, because it shows the program's memory. */
export const LOOPBACK_ONLY = refusal(403, 'LOOPBACK_ONLY');
/** The connection limit is reached. */
export const TOO_MANY_CONNECTIONS = refusal(503, 'TOO_MANY_CONNECTIONS');
/** The client's `Expect` header is not supported. */
export const EXPECTATION_FAILED = emptyAnswer(417, ['Connection', 'close']);
