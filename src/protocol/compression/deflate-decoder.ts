/**
 * Reads a raw deflate stream.
 *
 * Bound: a few bytes may stand for a thousand times as many; of those, two pieces are made at most before
 * someone has taken them. Until the first bytes come it takes nothing.
 *
 * A client that finishes its stream has said its last word, as Go sees it, whether its side of the connection ends or
 * not. Node tells so only when more bytes follow; see `isFinished`.
 *
 * Thread: main; the decompression itself is done on threads of Node's own, as with `DeflateEncoder`.
 * Source: nsqd `clientV2.UpgradeDeflate`.
 */

import type { TransformOptions } from 'node:stream';
import { constants, createInflateRaw, type InflateRaw, type ZlibOptions } from 'node:zlib';
import type { Decoder, DecoderListener } from './codec.ts';

/** Each piece costs a way to another thread and back: larger ones than Node's own 16 KiB take a third of the time. */
const PIECE_BYTES = 65536;

/** One piece that nobody takes is enough. */
const UNTAKEN_BYTES_MAX = 16384;

/** Streams take options that the types of zlib's do not know. */
const OPTIONS: ZlibOptions & Pick<TransformOptions, 'readableHighWaterMark'> = {
  chunkSize: PIECE_BYTES,
  readableHighWaterMark: UNTAKEN_BYTES_MAX,
  flush: constants.Z_SYNC_FLUSH,
  // A connection that ends has no last block.
  finishFlush: constants.Z_SYNC_FLUSH,
};

export class DeflateDecoder implements Decoder {
  #listener: DecoderListener | null = null;
  /** Made for the first bytes, since it takes 40 KiB of its own, and pieces. */
  #inflate: InflateRaw | null = null;
  #isPaused = false;

  listen(listener: DecoderListener): void {
    this.#listener = listener;
  }

  decode(chunk: Buffer): void {
    const inflate = this.#open();
    // It is read later, on another thread.
    inflate.write(Buffer.from(chunk), (error) => {
      if (error || inflate.destroyed) return;
      // What is on its way to the listener comes before its end.
      if (isFinished(inflate)) inflate.end();
      else this.#listener?.onUsed();
    });
  }

  end(): void {
    this.#open().end();
  }

  pause(): void {
    this.#isPaused = true;
    this.#inflate?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#inflate?.resume();
  }

  close(): void {
    this.#listener = null;
    this.#inflate?.destroy();
  }

  #open(): InflateRaw {
    if (this.#inflate !== null) return this.#inflate;
    const inflate = createInflateRaw(OPTIONS);
    this.#inflate = inflate;
    if (this.#isPaused) inflate.pause();
    inflate.on('data', (bytes: Buffer) => this.#listener?.onData(bytes));
    inflate.on('end', () => this.#listener?.onEnd());
    inflate.on('error', (cause) => {
      this.#listener?.onError(new Error(`deflate: ${cause.message}`, { cause }));
    });
    // Closed before it was opened.
    if (this.#listener === null) inflate.destroy();
    return inflate;
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
/** Zlib wants room for output. No output will come. */
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
