/**
 * Reads a raw deflate stream.
 *
 * Bound: deflate can expand a thousandfold; at most two pieces of output exist before the listener takes them. It
 * allocates nothing until the first bytes arrive.
 *
 * To Go, a client that finishes its stream has ended its input, even if the connection stays open. Node reports that
 * end only when more bytes follow; see `isFinished`.
 *
 * Thread: main; the decompression itself is done on threads of Node's own, as with `DeflateEncoder`.
 * Source: nsqd `clientV2.UpgradeDeflate`.
 */

import type { TransformOptions } from 'node:stream';
import type { InflateRaw, ZlibOptions } from 'node:zlib';
import { atFirstUse } from '../../shared/first-use.ts';
import type { Decoder, DecoderListener } from './codec.ts';

/** Each piece makes a round trip to another thread: pieces of this size take a third of the time of Node's 16 KiB. */
const PIECE_BYTES = 65536;

/** One piece that waits for the listener is enough. */
const UNTAKEN_BYTES_MAX = 16384;

const zlib = atFirstUse(() => process.getBuiltinModule('node:zlib'));

/** Zlib streams take stream options that their types do not declare. */
const inflateOptions = atFirstUse(
  (): ZlibOptions & Pick<TransformOptions, 'readableHighWaterMark'> => ({
    chunkSize: PIECE_BYTES,
    readableHighWaterMark: UNTAKEN_BYTES_MAX,
    flush: zlib().constants.Z_SYNC_FLUSH,
    // A connection that closes sends no final block.
    finishFlush: zlib().constants.Z_SYNC_FLUSH,
  }),
);

export class DeflateDecoder implements Decoder {
  #listener: DecoderListener | null = null;
  /** Created when the first bytes arrive: it takes 40 KiB and its output pieces. */
  #inflate: InflateRaw | null = null;
  #isPaused = false;

  listen(listener: DecoderListener): void {
    this.#listener = listener;
  }

  decode(chunk: Buffer): void {
    const inflate = this.#open();
    // Zlib reads it later, on another thread.
    inflate.write(Buffer.from(chunk), (error) => {
      if (error || inflate.destroyed) return;
      // Output that is still buffered reaches the listener before the end.
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
    const inflate = zlib().createInflateRaw(inflateOptions());
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

/** The private handle of the stream: zlib itself, which can be called whenever it is idle. */
type InflateInside = {
  readonly _handle?: {
    onerror?: unknown;
    writeSync?(flush: number, ...inputThenOutput: (Buffer | number)[]): void;
  } | null;
};

const NOTHING = Buffer.alloc(0);
/** Zlib requires room for output, although none follows. */
const NO_OUTPUT = Buffer.alloc(1);

/**
 * Whether the final block has been read completely. Asking zlib to finish without more input changes nothing: it
 * either has finished or reports missing input. False if Node's internals differ.
 */
function isFinished(inflate: InflateRaw): boolean {
  // The types declare only the public API.
  const { _handle: handle } = inflate as unknown as InflateInside;
  if (typeof handle?.writeSync !== 'function' || typeof handle.onerror !== 'function') return false;
  let isComplete = true;
  const { onerror } = handle;
  handle.onerror = () => {
    isComplete = false;
  };
  handle.writeSync(zlib().constants.Z_FINISH, NOTHING, 0, 0, NO_OUTPUT, 0, NO_OUTPUT.length);
  handle.onerror = onerror;
  return isComplete;
}
