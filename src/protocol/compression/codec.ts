/**
 * How bytes are compressed on their way to a client and from it: what stands between a socket and a connection.
 *
 * Thread: main.
 */

/** The listener of a decoder. The decoder never calls it after it is closed. */
export type DecoderListener = {
  /** Plain bytes, in pieces of a bounded size: a view that may be reused afterwards. Not told while paused. */
  readonly onData: (bytes: Buffer) => void;
  /** The chunk is used up, and the next one may be given. */
  readonly onUsed: () => void;
  /** Nothing more comes, by the stream's own word or because its input has ended. */
  readonly onEnd: () => void;
  /** The stream is damaged; nothing more comes. */
  readonly onError: (error: Error) => void;
};

/**
 * Turns one direction's compressed bytes back.
 *
 * Bound: it holds one chunk of input, at most one piece of a stream that has not come whole, and a few pieces of
 * output, however much the input grows to when it is decompressed.
 */
export interface Decoder {
  /** Has the listener told of everything; before anything else is called. */
  listen(listener: DecoderListener): void;
  /** Takes a chunk, a view that may be reused afterwards. The next one is given when this one is used up. */
  decode(chunk: Buffer): void;
  /** The input has ended. Called when all chunks are used up. */
  end(): void;
  /** Stops telling of bytes, also from within telling of some. */
  pause(): void;
  resume(): void;
  /** Drops what it holds, and tells nothing more. */
  close(): void;
}

/** Compresses one direction's bytes. */
export interface Encoder {
  /**
   * Takes bytes that stay as they are until the call back, which says what they have become: all of them, flushed,
   * so that the other side needs nothing more to read them. The next bytes are given after that.
   */
  encode(buffers: readonly Buffer[], onEncoded: (bytes: Buffer[]) => void): void;
  /** Calls back no more. */
  close(): void;
}

/** Both directions of a connection. */
export type Codec = { readonly encoder: Encoder; readonly decoder: Decoder };
