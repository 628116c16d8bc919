/**
 * Every refusal of the HTTP API, made once. The texts are nsqlookupd's; the last two are ours.
 *
 * Thread: main.
 * Source: nsqlookupd `http.go`.
 */

import { refusal } from '../../daemon/http/answer.ts';

/** The parameter `topic` is missing. */
export const MISSING_ARG_TOPIC = refusal(400, 'MISSING_ARG_TOPIC');
/** The parameter `channel` is missing. */
export const MISSING_ARG_CHANNEL = refusal(400, 'MISSING_ARG_CHANNEL');
/** The parameter `node` is missing. */
export const MISSING_ARG_NODE = refusal(400, 'MISSING_ARG_NODE');
/** The topic's name is invalid. */
export const INVALID_ARG_TOPIC = refusal(400, 'INVALID_ARG_TOPIC');
/** The channel's name is invalid. */
export const INVALID_ARG_CHANNEL = refusal(400, 'INVALID_ARG_CHANNEL');
/** The topic has no such channel. */
export const CHANNEL_NOT_FOUND = refusal(404, 'CHANNEL_NOT_FOUND');
/** `--max-registrations` topics and channels exist. */
export const TOO_MANY_REGISTRATIONS = refusal(503, 'TOO_MANY_REGISTRATIONS');
/** The number of watchers has reached its bound. */
export const TOO_MANY_WATCHERS = refusal(503, 'TOO_MANY_WATCHERS');
