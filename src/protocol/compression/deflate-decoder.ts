/**
 * Reads a raw deflate stream.
 *
 * Bound: a few bytes may stand for a thousand times as many; of those, three pieces are made at most before
 * someone has taken them.
 *
 * Thread: main; the decompression itself is done on threads of Node's own, as with `DeflateEncoder`.
 * Source: nsqd `clientV2.UpgradeDeflate`.
 */

import { constants, createInflateRaw, type InflateRaw } from 'node:zlib';
import type { Decoder, DecoderListener } from './codec.ts';

/** Each piece costs a way to another thread and back: larger ones than Node's own 16 KiB take a third of the time. */
const PIECE_BYTES = 65536;

export class DeflateDecoder implements Decoder {
  readonly #inflate: InflateRaw;
  #onUsed: () => void = () => undefined;

  constructor() {
    this.#inflate = createInflateRaw({
      chunkSize: PIECE_BYTES,
      flush: constants.Z_SYNC_FLUSH,
      // A connection that ends has no last block.
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  }

  listen(listener: DecoderListener): void {
    const inflate = this.#inflate;
    inflate.on('data', listener.onData);
    inflate.on('end', listener.onEnd);
    inflate.on('error', (cause) => {
      listener.onError(new Error(`deflate: ${cause.message}`, { cause }));
    });
    this.#onUsed = listener.onUsed;
  }

  decode(chunk: Buffer): void {
    // It is read later, on another thread.
    this.#inflate.write(Buffer.from(chunk), (error) => {
      if (!error && !this.#inflate.destroyed) this.#onUsed();
    });
  }

  end(): void {
    this.#inflate.end();
  }

  pause(): void {
    this.#inflate.pause();
  }

  resume(): void {
    this.#inflate.resume();
  }

  close(): void {
    this.#inflate.destroy();
  }
}
