/**
 * Every refusal of the HTTP API, made once. The texts are nsqadmin's, but for CHANNEL_NOT_FOUND.
 *
 * Thread: main.
 * Source: nsqadmin `http.go`.
 */

import { refusal } from '../../daemon/http/answer.ts';

/** The user is no admin, or the address may not use `/config`. */
export const FORBIDDEN = refusal(403, 'FORBIDDEN');
/** No name of a topic. */
export const INVALID_TOPIC = refusal(400, 'INVALID_TOPIC');
/** No name of a channel. */
export const INVALID_CHANNEL = refusal(400, 'INVALID_CHANNEL');
/** An action that does not exist. */
export const INVALID_ACTION = refusal(400, 'INVALID_ACTION');
/** The body is not the JSON that is asked for. */
export const INVALID_BODY = refusal(400, 'INVALID_BODY');
/** No such node. */
export const NODE_NOT_FOUND = refusal(404, 'NODE_NOT_FOUND');
/** No such channel; nsqadmin fails there. */
export const CHANNEL_NOT_FOUND = refusal(404, 'CHANNEL_NOT_FOUND');
/** No metric that can be asked for. */
export const INVALID_ARG_METRIC = refusal(400, 'INVALID_ARG_METRIC');
/** No target. */
export const INVALID_ARG_TARGET = refusal(400, 'INVALID_ARG_TARGET');
/** No option. */
export const INVALID_OPTION = refusal(400, 'INVALID_OPTION');
/** No value of the option. */
export const INVALID_VALUE = refusal(400, 'INVALID_VALUE');
/** No value, or a long one. */
export const VALUE_OUT_OF_BOUNDS = refusal(413, 'INVALID_VALUE');
/** A client without an address, as on a unix socket. */
export const INVALID_REMOTE_ADDR = refusal(400, 'INVALID_REMOTE_ADDR');
