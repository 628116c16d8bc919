/**
 * All refusals of the HTTP API. The texts are nsqd's; their causes appear only in the log.
 *
 * Thread: main.
 * Source: nsqd `http.go`.
 */

import { refusal } from '../../daemon/http/answer.ts';

/** The parameter `topic` is missing. */
export const MISSING_ARG_TOPIC = refusal(400, 'MISSING_ARG_TOPIC');
/** The parameter `channel` is missing. */
export const MISSING_ARG_CHANNEL = refusal(400, 'MISSING_ARG_CHANNEL');
/** The response of topic endpoints and publishing, where channel endpoints respond `INVALID_ARG_TOPIC`. */
export const INVALID_TOPIC = refusal(400, 'INVALID_TOPIC');
/** Not a topic name, for channel endpoints. */
export const INVALID_ARG_TOPIC = refusal(400, 'INVALID_ARG_TOPIC');
/** Not a channel name. */
export const INVALID_ARG_CHANNEL = refusal(400, 'INVALID_ARG_CHANNEL');
/** Not a number of milliseconds, or more than max-req-timeout. */
export const INVALID_DEFER = refusal(400, 'INVALID_DEFER');
/** The option does not exist or cannot be set. */
export const INVALID_OPTION = refusal(400, 'INVALID_OPTION');
/** The option cannot have this value. */
export const INVALID_VALUE = refusal(400, 'INVALID_VALUE');
/** The value has the wrong size; `INVALID_VALUE` is for a wrong form. The texts are the same. */
export const VALUE_OUT_OF_BOUNDS = refusal(413, 'INVALID_VALUE');
/** The message is empty. */
export const MSG_EMPTY = refusal(400, 'MSG_EMPTY');
/** The message exceeds max-msg-size. */
export const MSG_TOO_BIG = refusal(413, 'MSG_TOO_BIG');
/** The body exceeds max-body-size. */
export const BODY_TOO_BIG = refusal(413, 'BODY_TOO_BIG');
/** The count of a binary body is wrong. */
export const BAD_BODY = refusal(413, 'BAD_BODY');
/** A message of a binary body has a wrong size. */
export const BAD_MESSAGE = refusal(413, 'BAD_MESSAGE');
/** The topic does not exist. */
export const TOPIC_NOT_FOUND = refusal(404, 'TOPIC_NOT_FOUND');
/** The topic has no such channel. */
export const CHANNEL_NOT_FOUND = refusal(404, 'CHANNEL_NOT_FOUND');
/** The policy does not exist. */
export const POLICY_NOT_FOUND = refusal(404, 'POLICY_NOT_FOUND');
/** The broker cannot accept messages at the moment. */
export const EXITING = refusal(503, 'EXITING');
