/**
 * A strict reader of chunked bodies: sizes of one to eight hex digits, no extensions, no trailers, CR LF everywhere.
 *
 * Thread: main.
 */

import { FOREIGN, INCOMPLETE } from './request-head.ts';

const CR = 0x0d;
const LF = 0x0a;
const SIZE_DIGITS_MAX = 8;
/**
 * A body of more chunks is foreign: an incomplete body is parsed again from its beginning with each piece that arrives.
 */
const CHUNKS_MAX = 64;

/** Receives a body part by part. */
interface BodyTarget {
  /** Returns the start of the next part. */
  fill(source: Buffer, at: number, end: number, bodyAt: number): number;
}

export class ChunkedBody {
  /** Units: bytes of the body alone, once it is complete. */
  length = 0;
  /** The start and the end of each chunk. */
  readonly #places: number[] = [];

  /**
   * Reads the body that begins at `start`; more than `bytesMax` is foreign. Returns its end, INCOMPLETE, or FOREIGN.
   */
  read(bytes: Buffer, start: number, end: number, bytesMax: number): number {
    const places = this.#places;
    places.length = 0;
    this.length = 0;
    let at = start;
    for (let count = 0; count <= CHUNKS_MAX; count++) {
      let size = 0;
      let digitCount = 0;
      for (; at < end; at++, digitCount++) {
        const digit = hexDigit(bytes[at]);
        if (digit === -1) break;
        if (digitCount === SIZE_DIGITS_MAX) return FOREIGN;
        size = size * 16 + digit;
      }
      if (at < end && digitCount === 0) return FOREIGN;
      at = passLineEnd(bytes, at, end);
      if (at <= 0) return at;
      if (size === 0) return passLineEnd(bytes, at, end);
      this.length += size;
      if (this.length > bytesMax) return FOREIGN;
      if (at + size > end) return INCOMPLETE;
      places.push(at, at + size);
      at = passLineEnd(bytes, at + size, end);
      if (at <= 0) return at;
    }
    return FOREIGN;
  }

  /** Copies the body of the last `read`. */
  copy(bytes: Buffer, target: BodyTarget): void {
    const places = this.#places;
    let to = 0;
    for (let index = 0; index < places.length; index += 2) {
      to = target.fill(bytes, places[index], places[index + 1], to);
    }
  }
}

function passLineEnd(bytes: Buffer, at: number, end: number): number {
  if (at < end && bytes[at] !== CR) return FOREIGN;
  if (at + 1 < end && bytes[at + 1] !== LF) return FOREIGN;
  return at + 2 <= end ? at + 2 : INCOMPLETE;
}

/** The value of a hex digit, -1 for any other byte. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const upper = byte & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}
