/**
 * The bytes of a connection in both directions, independent of the layers between it and the wire.
 *
 * Thread: main.
 */

/** The listener of a transport. */
export type TransportListener = {
  /** Bytes from the client: a view that may be reused afterwards. Not called while paused. */
  readonly onData: (bytes: Buffer) => void;
  /**
   * The client has closed its side, or its input cannot be decoded: no input follows, but output is still possible.
   */
  readonly onEnd: () => void;
  /** An error on the connection; `onEnd` or `onClose` follows if the connection ends. */
  readonly onError: (error: Error) => void;
  /** The connection has closed. Called once, and last. */
  readonly onClose: () => void;
};

export interface Transport {
  /** Whether everything written is lost. */
  readonly isDestroyed: boolean;
  /** Sets or replaces the listener; the first call starts reading. */
  listen(listener: TransportListener): void;
  /**
   * Writes at least one byte. The buffers must not change until `onTaken`, when the system has accepted them. It is
   * not called if the connection closes before.
   */
  write(buffers: readonly Buffer[], onTaken: () => void): void;
  /** Stops reading; flow control of the network then stops the client. */
  pause(): void;
  resume(): void;
  /** Reads and drops all further input, undecoded. */
  discardInput(): void;
  /** Closes the broker's side once everything is written. */
  end(): void;
  /** Closes the connection at once. */
  destroy(): void;
}
