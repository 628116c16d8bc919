/**
 * Reads a raw deflate stream.
 *
 * Bound: a few bytes may stand for a thousand times as many; of those, three pieces are made at most before
 * someone has taken them.
 *
 * A client that finishes its stream has said its last word, as Go sees it, whether its side of the connection ends or
 * not. Node tells so only when more comes behind it; see `isFinished`.
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
      if (error || this.#inflate.destroyed) return;
      // What is on its way to the listener comes before its end.
      if (isFinished(this.#inflate)) this.#inflate.end();
      else this.#onUsed();
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

/** What is not public of a stream: zlib's own, which can be asked for more at any time at which it has no work. */
type InflateInside = {
  readonly _handle?: {
    onerror?: unknown;
    writeSync?(flush: number, ...inputThenOutput: (Buffer | number)[]): void;
  } | null;
};

const NOTHING = Buffer.alloc(0);
/** Zlib wants room for output. There is none to come. */
const NO_OUTPUT = Buffer.alloc(1);

/**
 * Whether the stream's last block is read to its end. Zlib is asked to finish without any more input, which changes
 * nothing: it has finished, or complains that input is missing. False where Node is made differently inside.
 */
function isFinished(inflate: InflateRaw): boolean {
  // The types tell only what is public.
  const { _handle: handle } = inflate as unknown as InflateInside;
  if (typeof handle?.writeSync !== 'function' || typeof handle.onerror !== 'function') return false;
  let isComplete = true;
  const { onerror } = handle;
  handle.onerror = () => {
    isComplete = false;
  };
  handle.writeSync(constants.Z_FINISH, NOTHING, 0, 0, NO_OUTPUT, 0, NO_OUTPUT.length);
  handle.onerror = onerror;
  return isComplete;
}
