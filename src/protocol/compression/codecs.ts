/**
 * The compressions that a client can ask for.
 *
 * Thread: main.
 */

import type { CompressionCodec } from './codec.ts';
import { DeflateDecoder } from './deflate-decoder.ts';
import { DeflateEncoder } from './deflate-encoder.ts';
import { SnappyDecoder } from './snappy-decoder.ts';
import { SnappyEncoder } from './snappy-encoder.ts';

/** Snappy's framing format, for one connection. */
export function snappyCodec(): CompressionCodec {
  return { encoder: new SnappyEncoder(), decoder: new SnappyDecoder() };
}

/** Raw deflate, for one connection. Units: `level` from 1 (fast) to 9 (small). */
export function deflateCodec(level: number): CompressionCodec {
  return { encoder: new DeflateEncoder(level), decoder: new DeflateDecoder() };
}
