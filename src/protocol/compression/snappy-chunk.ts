/**
 * Snappy's framing format: a stream of chunks.
 *
 * Shape of a chunk: type(1) length(3, little-endian, of what follows) data. Data of the two types that carry bytes:
 * masked CRC-32C of the plain bytes(4, little-endian) bytes, compressed or not.
 *
 * Thread: any. Source: snappy's framing format.
 */

/** Bytes before a chunk's data. */
export const CHUNK_HEADER_BYTES = 4;
/** Bytes of the checksum at the beginning of data. */
export const CHECKSUM_BYTES = 4;
/** Most bytes that a chunk may carry, uncompressed. */
export const PLAIN_BYTES_MAX = 65536;
/** Most bytes that they can take compressed, when nothing in them repeats. */
export const COMPRESSED_BYTES_MAX = 32 + PLAIN_BYTES_MAX + Math.floor(PLAIN_BYTES_MAX / 6);

/** Chunk types. */
export const COMPRESSED = 0x00;
export const UNCOMPRESSED = 0x01;
/** Unknown chunk types from here up to the stream identifier are skipped. */
export const SKIPPABLE_MIN = 0x80;
export const STREAM_IDENTIFIER = 0xff;

/** The first chunk of a stream. */
export const STREAM_IDENTIFIER_CHUNK = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1');
