/**
 * The two forms of a body with many messages.
 *
 * Thread: any.
 * Source: nsqd `doMPUB` and `readMPUB`.
 */

import { readInt32, writeUint32 } from '../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import { spareBuffers } from '../tcp/spare-buffers.ts';

const NEWLINE = 0x0a;
const COUNT_BYTES = 4;
/** The smallest message in the binary form: its size and one byte. */
const SIZED_MESSAGE_BYTES_MIN = SIZE_BYTES + 1;

/** Messages or lines that are examined in one slice: about a millisecond's work. */
const MESSAGES_PER_SLICE = 16 * 1024;
const LINES_PER_SLICE = 4 * 1024;

/** Smaller buffers are not worth returning. */
const SPARE_BYTES_MIN = 4096;

/** Messages, ready to be published. Shape: `bytes` are `count` times size(4, big-endian) body(size). */
export type MpubMessages = {
  readonly bytes: Buffer;
  readonly count: number;
  /** The memory of the bytes, to be returned to `spareBuffers` after they are published. */
  readonly spare?: Buffer | undefined;
};

/**
 * Takes each line as a message, without its newline; empty lines are skipped. In slices, see `inSlices`.
 *
 * Errors: `too big` if a line is longer than `messageBytesMax`.
 */
export function* splitLines(
  body: Buffer,
  messageBytesMax: number,
): Generator<void, MpubMessages | 'too big'> {
  let count = 0;
  let sizeBytes = 0;
  let left = LINES_PER_SLICE;
  for (let from = 0; from < body.length; ) {
    if (left-- === 0) {
      yield;
      left = LINES_PER_SLICE;
    }
    const length = lineEnd(body, from) - from;
    if (length > messageBytesMax) return 'too big';
    if (length > 0) {
      count += 1;
      sizeBytes += SIZE_BYTES + length;
    }
    from += length + 1;
  }

  const spare = sizeBytes < SPARE_BYTES_MIN ? undefined : spareBuffers.take(sizeBytes);
  const bytes = spare?.subarray(0, sizeBytes) ?? Buffer.allocUnsafe(sizeBytes);
  let to = 0;
  for (let from = 0; from < body.length; ) {
    if (left-- === 0) {
      yield;
      left = LINES_PER_SLICE;
    }
    const end = lineEnd(body, from);
    if (end > from) {
      writeUint32(end - from, bytes, to);
      to += SIZE_BYTES + body.copy(bytes, to + SIZE_BYTES, from, end);
    }
    from = end + 1;
  }
  return { bytes, count, spare };
}

/** Whether any line that ends with a newline is longer than `messageBytesMax`. In slices. */
export function* hasLongLine(part: Buffer, messageBytesMax: number): Generator<void, boolean> {
  const last = part.lastIndexOf(NEWLINE);
  let left = LINES_PER_SLICE;
  for (let from = 0; from < last; ) {
    if (left-- === 0) {
      yield;
      left = LINES_PER_SLICE;
    }
    const end = lineEnd(part, from);
    if (end - from > messageBytesMax) return true;
    from = end + 1;
  }
  return false;
}

/**
 * Checks the binary form, count(4) and `count` times size(4) body(size), and takes the messages out of it. Bytes after
 * the last one are ignored. In slices.
 *
 * Errors: `bad body` for a count that is missing, not positive, or more than a body of `bodyBytesMax` can hold; `bad
 * message` for a message that is empty, longer than `messageBytesMax`, or cut off.
 */
export function* takeSized(
  body: Buffer,
  messageBytesMax: number,
  bodyBytesMax: number,
): Generator<void, MpubMessages | 'bad body' | 'bad message'> {
  if (body.length < COUNT_BYTES) return 'bad body';
  const count = readInt32(body, 0);
  const countMax = Math.floor((bodyBytesMax - COUNT_BYTES) / SIZED_MESSAGE_BYTES_MIN);
  if (count <= 0 || count > countMax) return 'bad body';
  let end = COUNT_BYTES;
  for (let index = 0; index < count; index += 1) {
    if (index % MESSAGES_PER_SLICE === MESSAGES_PER_SLICE - 1) yield;
    if (end + SIZE_BYTES > body.length) return 'bad message';
    const size = readInt32(body, end);
    end += SIZE_BYTES;
    if (size <= 0 || size > messageBytesMax || end + size > body.length) return 'bad message';
    end += size;
  }
  return { bytes: body.subarray(COUNT_BYTES, end), count };
}

function lineEnd(body: Buffer, from: number): number {
  const newline = body.indexOf(NEWLINE, from);
  return newline === -1 ? body.length : newline;
}
