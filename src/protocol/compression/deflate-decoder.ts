/**
 * Reads a raw deflate stream.
 *
 * Bound: deflate can expand a thousandfold; at most two pieces of output exist before the listener takes them. It
 * allocates nothing until the first bytes arrive.
 *
 * Small chunks are decompressed at once, into memory that all decoders share: a round trip to another thread takes
 * longer than a few kilobytes do. What expands to more than `PIECES_AT_ONCE`, and large chunks, go to threads of
 * Node's own.
 *
 * To Go, a client that finishes its stream has ended its input, even if the connection stays open. Node reports that
 * end only when more bytes follow; see `isFinished`.
 *
 * Thread: main; the decompression of large chunks is done on threads of Node's own, as with `DeflateEncoder`.
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

/** Larger chunks are decompressed on another thread. At the usual ratio such a chunk takes 0.1 ms. */
const SMALL_CHUNK_BYTES = 4096;
/** Most pieces of one chunk that are decompressed at once: they take up to 1 ms. */
const PIECES_AT_ONCE = 4;

const sharedPiece = atFirstUse(() => Buffer.allocUnsafeSlow(PIECE_BYTES));

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
  /** Whether a chunk is with the stream, which decompresses it on another thread. */
  #isWriting = false;

  listen(listener: DecoderListener): void {
    this.#listener = listener;
  }

  decode(chunk: Buffer): void {
    const inflate = this.#open();
    const rest = chunk.length > SMALL_CHUNK_BYTES ? chunk : this.#decodeAtOnce(inflate, chunk);
    if (rest === null) return;
    this.#isWriting = true;
    // Zlib reads it later, on another thread.
    inflate.write(Buffer.from(rest), (error) => {
      this.#isWriting = false;
      if (!error && !inflate.destroyed) this.#onRead(inflate);
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

  /** Returns what is left of a small chunk for the other thread, which may be empty, or null if it is used up. */
  #decodeAtOnce(inflate: InflateRaw, chunk: Buffer): Buffer | null {
    const inside = insideOf(inflate);
    if (inside === null) return chunk;
    const piece = sharedPiece();
    let at = 0;
    for (let pieces = 0; pieces < PIECES_AT_ONCE; pieces++) {
      // What the stream still holds comes first.
      if (this.#isPaused || this.#isWriting || inflate.readableLength > 0) break;
      const left = chunk.length - at;
      const flush = zlib().constants.Z_SYNC_FLUSH;
      inside.handle.writeSync(flush, chunk, at, left, piece, 0, PIECE_BYTES);
      // It reports the error by itself.
      if (inflate.destroyed) return null;
      const [roomLeft, inputLeft] = inside.state;
      at += left - inputLeft;
      if (roomLeft < PIECE_BYTES) this.#listener?.onData(piece.subarray(0, PIECE_BYTES - roomLeft));
      if (inflate.destroyed) return null;
      // All of the chunk is read, and all that it expands to is out.
      if (roomLeft > 0 && inputLeft === 0) {
        this.#onRead(inflate);
        return null;
      }
      // Bytes that zlib does not want follow the end, which the stream knows how to report.
      if (roomLeft > 0) break;
    }
    return chunk.subarray(at);
  }

  #onRead(inflate: InflateRaw): void {
    // Output that is still buffered reaches the listener before the end.
    if (isFinished(inflate)) inflate.end();
    else this.#listener?.onUsed();
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

/** The private parts of the stream: zlib itself, which can be called whenever it is idle, and what it has left. */
type InflateInside = {
  readonly handle: ZlibHandle;
  /** After a call: room for output, and bytes of input. */
  readonly state: Uint32Array;
};

type ZlibHandle = {
  onerror: unknown;
  writeSync(flush: number, ...inputThenOutput: (Buffer | number)[]): void;
};

/** Null if Node's internals differ. */
function insideOf(inflate: InflateRaw): InflateInside | null {
  // The types declare only the public API.
  const { _handle: handle, _writeState: state } = inflate as unknown as {
    readonly _handle?: Partial<ZlibHandle> | null;
    readonly _writeState?: unknown;
  };
  if (typeof handle?.writeSync !== 'function' || typeof handle.onerror !== 'function') return null;
  if (!(state instanceof Uint32Array) || state.length !== 2) return null;
  return { handle: handle as ZlibHandle, state };
}

const NOTHING = Buffer.alloc(0);
/** Zlib requires room for output, although none follows. */
const NO_OUTPUT = Buffer.alloc(1);

/**
 * Whether the final block has been read completely. Asking zlib to finish without more input changes nothing: it
 * either has finished or reports missing input. False if Node's internals differ.
 */
function isFinished(inflate: InflateRaw): boolean {
  const handle = insideOf(inflate)?.handle;
  if (handle === undefined) return false;
  let isComplete = true;
  const { onerror } = handle;
  handle.onerror = () => {
    isComplete = false;
  };
  handle.writeSync(zlib().constants.Z_FINISH, NOTHING, 0, 0, NO_OUTPUT, 0, NO_OUTPUT.length);
  handle.onerror = onerror;
  return isComplete;
}
