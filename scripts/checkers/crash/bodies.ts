/**
 * Bodies that differ from each other and from damaged ones: each belongs to a number, and all its bytes follow from its
 * number and size.
 *
 * Shape: number(4) check(4) and a piece of the filler. Without room for these, check and filler are left out; below
 * four bytes, bytes that no other body has.
 */

import { crc32 } from 'node:zlib';
import { seededRandom } from '../../../test/support/seeded-random.ts';

const NUMBER_BYTES = 4;
const HEADER_BYTES = 8;
/** Larger than the largest body, so that pieces of it can begin at many positions. */
const FILLER_BYTES = 256 * 1024;
const FILLER_SEED = 421;
/** Moves the pieces of neighbouring numbers far apart within the filler. */
const STEP = 7919;

/** The largest body that can be made. */
export const BODY_BYTES_MAX = 128 * 1024;

export class Bodies {
  readonly #filler = makeFiller();
  readonly #numberOfTiny = new Map<string, number>();
  /** How many bodies of fewer than four bytes exist, by size. */
  readonly #tinyCounts = [0, 0, 0, 0];
  readonly #sizes: number[] = [];

  /** How many bodies were made; their numbers are below this. */
  get count(): number {
    return this.#sizes.length;
  }

  /** Makes the next body, of this size or, when all small ones are used up, of the next larger size. */
  make(size: number): { number: number; body: Buffer } {
    let bytes = Math.min(size, BODY_BYTES_MAX);
    while (bytes < NUMBER_BYTES && this.#tinyCounts[bytes] >= 256 ** bytes) bytes++;
    const number = this.#sizes.push(bytes) - 1;
    if (bytes >= NUMBER_BYTES) return { number, body: this.#build(number, bytes) };
    const body = Buffer.alloc(bytes);
    body.writeUIntLE(this.#tinyCounts[bytes]++, 0, bytes);
    this.#numberOfTiny.set(body.toString('latin1'), number);
    return { number, body };
  }

  /** The number of a body; undefined for bytes that were never made. */
  read(body: Buffer): number | undefined {
    if (body.length < NUMBER_BYTES) return this.#numberOfTiny.get(body.toString('latin1'));
    const number = body.readUInt32BE(0);
    if (this.#sizes[number] !== body.length) return undefined;
    return body.equals(this.#build(number, body.length)) ? number : undefined;
  }

  #build(number: number, size: number): Buffer {
    const body = Buffer.allocUnsafe(size);
    body.writeUInt32BE(number);
    if (size < HEADER_BYTES) return body.fill(number & 0xff, NUMBER_BYTES);
    const start = (number * STEP) % (FILLER_BYTES - BODY_BYTES_MAX);
    const piece = this.#filler.subarray(start, start + size - HEADER_BYTES);
    piece.copy(body, HEADER_BYTES);
    body.writeUInt32BE(crc32(piece, number), NUMBER_BYTES);
    return body;
  }
}

function makeFiller(): Buffer {
  const random = seededRandom(FILLER_SEED);
  return Buffer.from(Array.from({ length: FILLER_BYTES }, () => random(256)));
}
