/**
 * Compression between a socket and a connection, in both directions.
 *
 * Thread: main.
 */

/** The listener of a decoder. The decoder never calls it after it is closed. */
export type DecoderListener = {
  /** Plain bytes, in pieces of a bounded size: a view that may be reused afterwards. Not called while paused. */
  readonly onData: (bytes: Buffer) => void;
  /** The chunk is used up, and the decoder can take the next one. */
  readonly onUsed: () => void;
  /** The stream is finished, by its own end marker or because its input has ended. */
  readonly onEnd: () => void;
  /** The stream is damaged; no further calls follow. */
  readonly onError: (error: Error) => void;
};

/**
 * Decompresses one direction of a connection.
 *
 * Bound: it holds one chunk of input, at most one incomplete piece of the stream, and a few pieces of output, however
 * far the input expands.
 */
export interface Decoder {
  /** Sets the listener. Called before any other method. */
  listen(listener: DecoderListener): void;
  /** Takes a chunk, a view that may be reused afterwards. The caller passes the next one after `onUsed`. */
  decode(chunk: Buffer): void;
  /** The input has ended. Called when all chunks are used up. */
  end(): void;
  /** Stops calls of `onData`, also when called from within one. */
  pause(): void;
  resume(): void;
  /** Drops what it holds. No calls of the listener follow. */
  close(): void;
}

/** Compresses one direction's bytes. */
export interface Encoder {
  /**
   * Compresses bytes that must not change until the callback, which gets the complete output, flushed so that the
   * other side can decode all of it. The caller passes the next bytes after that.
   */
  encode(buffers: readonly Buffer[], onEncoded: (bytes: Buffer[]) => void): void;
  /** No callbacks follow. */
  close(): void;
}

/** Both directions of a connection. */
export type CompressionCodec = { readonly encoder: Encoder; readonly decoder: Decoder };
