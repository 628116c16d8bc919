/**
 * Every refusal of the HTTP API, made once. The texts are nsqadmin's, except for CHANNEL_NOT_FOUND.
 *
 * Thread: main.
 * Source: nsqadmin `http.go`.
 */

import { refusal } from '../../daemon/http/answer.ts';

/** The user is not an admin, or the address may not use `/config`. */
export const FORBIDDEN = refusal(403, 'FORBIDDEN');
/** The topic's name is missing or invalid. */
export const INVALID_TOPIC = refusal(400, 'INVALID_TOPIC');
/** The channel's name is missing or invalid. */
export const INVALID_CHANNEL = refusal(400, 'INVALID_CHANNEL');
/** The action does not exist. */
export const INVALID_ACTION = refusal(400, 'INVALID_ACTION');
/** The body is not the expected JSON. */
export const INVALID_BODY = refusal(400, 'INVALID_BODY');
/** The node does not exist. */
export const NODE_NOT_FOUND = refusal(404, 'NODE_NOT_FOUND');
/** The channel does not exist; nsqadmin fails there. */
export const CHANNEL_NOT_FOUND = refusal(404, 'CHANNEL_NOT_FOUND');
/** The metric does not exist. */
export const INVALID_ARG_METRIC = refusal(400, 'INVALID_ARG_METRIC');
/** The target is missing. */
export const INVALID_ARG_TARGET = refusal(400, 'INVALID_ARG_TARGET');
/** The option does not exist. */
export const INVALID_OPTION = refusal(400, 'INVALID_OPTION');
/** The option does not accept this value. */
export const INVALID_VALUE = refusal(400, 'INVALID_VALUE');
/** The value is missing or too long. */
export const VALUE_OUT_OF_BOUNDS = refusal(413, 'INVALID_VALUE');
/** A client without an address, as on a unix socket. */
export const INVALID_REMOTE_ADDR = refusal(400, 'INVALID_REMOTE_ADDR');
