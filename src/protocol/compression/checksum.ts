/**
 * The checksum of snappy's chunks.
 *
 * Thread: any. Source: snappy's framing format, section 3: "Checksum format".
 */

import { createRequire } from 'node:module';
import { atFirstUse } from '../../shared/first-use.ts';

/** Native code, for clients that ask for snappy. */
const crc32 = atFirstUse((): typeof import('@node-rs/crc32') =>
  createRequire(import.meta.url)('@node-rs/crc32'),
);

const MASK_DELTA = 0xa282ead8;
const ROTATION = 15;
const WORD_BITS = 32;

/** CRC-32C, rotated and shifted, because the CRC of bytes that contain CRCs is weak. Units: unsigned 32 bits. */
export function maskedChecksum(bytes: Buffer): number {
  const crc = crc32().crc32c(bytes);
  return (((crc >>> ROTATION) | (crc << (WORD_BITS - ROTATION))) + MASK_DELTA) >>> 0;
}
