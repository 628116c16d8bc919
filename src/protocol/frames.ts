/**
 * Frames to clients, except message frames, which pumps build.
 *
 * Shape: size(4, of what follows) type(4) data, big-endian. Thread: any.
 */

import { writeUint32 } from '../shared/big-endian.ts';
import { FRAME_HEADER_BYTES } from '../shared/limits.ts';

const FRAME_TYPE_RESPONSE = 0;
const FRAME_TYPE_ERROR = 1;
const TYPE_BYTES = 4;

/** Builds a response frame. */
export function responseFrame(data: Buffer): Buffer {
  return frame(FRAME_TYPE_RESPONSE, data);
}

/** Builds an error frame. */
export function errorFrame(data: Buffer): Buffer {
  return frame(FRAME_TYPE_ERROR, data);
}

function frame(type: number, data: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + data.length);
  writeUint32(TYPE_BYTES + data.length, bytes, 0);
  writeUint32(type, bytes, TYPE_BYTES);
  data.copy(bytes, FRAME_HEADER_BYTES);
  return bytes;
}

/** The response `OK`. */
export const OK_FRAME = responseFrame(Buffer.from('OK'));
/** The response to CLS. */
export const CLOSE_WAIT_FRAME = responseFrame(Buffer.from('CLOSE_WAIT'));
/** The heartbeat. */
export const HEARTBEAT_FRAME = responseFrame(Buffer.from('_heartbeat_'));
