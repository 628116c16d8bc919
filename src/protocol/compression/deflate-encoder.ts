/**
 * Compresses into one continuous raw deflate stream, flushed whenever something has been given.
 *
 * Compressors do it on threads of Node's own. That costs main about 40 µs for each batch, whatever its size, and
 * saves it the 0.6 ms that 64 KiB take at level 6: main serves all connections and must not stall for that.
 * Until there is more to say than an `OK` or a heartbeat no compressor is needed: such a batch is stored as it is.
 *
 * Thread: main. Source: nsqd `clientV2.UpgradeDeflate`.
 */

import type { Encoder } from './codec.ts';
import { deflateEngines, type EngineOwner } from './deflate-engines.ts';

/** What is stored as it is while no compressor has begun. */
const STORED_BYTES_MAX = 256;
/** Not the last block, and stored: three bits, and nothing up to the next whole byte. */
const STORED_BLOCK = 0x00;
/** Type, length, and its complement, little-endian. */
const STORED_HEAD_BYTES = 5;
/** A block without bytes. Go's reader hands out what a stored block has when it meets this, and not before. */
const FLUSH = Buffer.from([STORED_BLOCK, 0x00, 0x00, 0xff, 0xff]);

export class DeflateEncoder implements Encoder, EngineOwner {
  engine: EngineOwner['engine'] = null;

  readonly #level: number;
  readonly #engines: typeof deflateEngines;

  /** Units: `level` from 1 (fast) to 9 (small). */
  constructor(level: number, engines = deflateEngines) {
    this.#level = level;
    this.#engines = engines;
  }

  encode(buffers: readonly Buffer[], onEncoded: (bytes: Buffer[]) => void): void {
    const bytes = buffers.length === 1 ? buffers[0] : Buffer.concat(buffers);
    // A later compressor must not miss anything that came after it began.
    if (this.engine === null && bytes.length <= STORED_BYTES_MAX) onEncoded([stored(bytes)]);
    else this.#engines.run(this, this.#level, bytes, onEncoded);
  }

  close(): void {
    this.#engines.release(this);
  }
}

function stored(bytes: Buffer): Buffer {
  const block = Buffer.allocUnsafe(STORED_HEAD_BYTES + bytes.length + FLUSH.length);
  block[0] = STORED_BLOCK;
  block.writeUInt16LE(bytes.length, 1);
  block.writeUInt16LE(~bytes.length & 0xffff, 3);
  bytes.copy(block, STORED_HEAD_BYTES);
  FLUSH.copy(block, STORED_HEAD_BYTES + bytes.length);
  return block;
}
