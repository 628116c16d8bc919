/**
 * Sizes that both sides of the rings share, with assertions on how they relate.
 *
 * Thread: any.
 */

import { assert } from './assert.ts';
import { RING_CAPACITY_MAX, RING_HEADER_BYTES } from './ring/ring.ts';

/** Bytes of a frame on the wire before its data: size and type. */
export const FRAME_HEADER_BYTES = 8;
/** Bytes of a message before its body, on the wire and on disk: timestamp, attempts, id. */
export const MESSAGE_HEADER_BYTES = 26;
/** Bytes of a message id as it is written: lower-case hex digits. */
export const MESSAGE_ID_BYTES = 16;
/** Bytes of a size field before a body (PUB, MPUB) and before a disk record. */
export const SIZE_BYTES = 4;

/** Minimum capacities of the rings, in bytes; larger messages make larger rings. */
export const PUBLISH_RING_BYTES = 4 * 1024 * 1024;
export const COMMAND_RING_BYTES = 1024 * 1024;
export const DELIVER_RING_BYTES = 4 * 1024 * 1024;
export const REQUEST_RING_BYTES = 4 * 1024 * 1024;
export const REPLY_RING_BYTES = 4 * 1024 * 1024;

/** Most bytes of a ring record besides messages: names, texts, fields. */
export const RECORD_OVERHEAD_BYTES = 4096;
/** A control message or reply longer than this is sent in pieces. */
export const CONTROL_BYTES_MAX = 64 * 1024;

/** Largest `--max-msg-size`: twice a message must fit the largest ring. */
export const MESSAGE_BYTES_MAX = RING_CAPACITY_MAX / 2 - RECORD_OVERHEAD_BYTES - RING_HEADER_BYTES;

/** A channel sends a consumer nothing more while this many bytes are on their way to it. */
export const CONSUMER_WINDOW_BYTES = 1024 * 1024;

assert(
  RECORD_OVERHEAD_BYTES > FRAME_HEADER_BYTES + MESSAGE_HEADER_BYTES + 64,
  'a message and its record fields fit beside each other',
);
assert(CONTROL_BYTES_MAX * 4 <= COMMAND_RING_BYTES, 'several control records fit the command ring');
