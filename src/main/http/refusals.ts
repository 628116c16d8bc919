/**
 * Every refusal of the HTTP API, made once. The texts are nsqd's; their causes go to the log only.
 *
 * Thread: main.
 * Source: nsqd `http.go`.
 */

import { refusal } from '../../daemon/http/answer.ts';

/** No parameter `topic`. */
export const MISSING_ARG_TOPIC = refusal(400, 'MISSING_ARG_TOPIC');
/** No parameter `channel`. */
export const MISSING_ARG_CHANNEL = refusal(400, 'MISSING_ARG_CHANNEL');
/** What topic endpoints and publishing answer, where channel endpoints answer `INVALID_ARG_TOPIC`. */
export const INVALID_TOPIC = refusal(400, 'INVALID_TOPIC');
/** No name of a topic, for channel endpoints. */
export const INVALID_ARG_TOPIC = refusal(400, 'INVALID_ARG_TOPIC');
/** No name of a channel. */
export const INVALID_ARG_CHANNEL = refusal(400, 'INVALID_ARG_CHANNEL');
/** No number of milliseconds, or more than max-req-timeout. */
export const INVALID_DEFER = refusal(400, 'INVALID_DEFER');
/** An option that does not exist, or that cannot be set. */
export const INVALID_OPTION = refusal(400, 'INVALID_OPTION');
/** A value that the option cannot have. */
export const INVALID_VALUE = refusal(400, 'INVALID_VALUE');
/** A value of the wrong size, where `INVALID_VALUE` is one of the wrong form; the texts are the same. */
export const VALUE_OUT_OF_BOUNDS = refusal(413, 'INVALID_VALUE');
/** A message without bytes. */
export const MSG_EMPTY = refusal(400, 'MSG_EMPTY');
/** A message beyond max-msg-size. */
export const MSG_TOO_BIG = refusal(413, 'MSG_TOO_BIG');
/** A body beyond max-body-size. */
export const BODY_TOO_BIG = refusal(413, 'BODY_TOO_BIG');
/** A binary body whose count is wrong. */
export const BAD_BODY = refusal(413, 'BAD_BODY');
/** A binary body with a message whose size is wrong. */
export const BAD_MESSAGE = refusal(413, 'BAD_MESSAGE');
/** No topic of this name. */
export const TOPIC_NOT_FOUND = refusal(404, 'TOPIC_NOT_FOUND');
/** The topic has no channel of this name. */
export const CHANNEL_NOT_FOUND = refusal(404, 'CHANNEL_NOT_FOUND');
/** No policy of this name. */
export const POLICY_NOT_FOUND = refusal(404, 'POLICY_NOT_FOUND');
/** Messages cannot be accepted now. */
export const EXITING = refusal(503, 'EXITING');
