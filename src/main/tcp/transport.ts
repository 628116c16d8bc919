/**
 * A connection's bytes, both ways, whatever they pass through between the connection and the wire.
 *
 * Thread: main.
 */

/** The listener of a transport. */
export type TransportListener = {
  /** Bytes from the client: a view that may be reused afterwards. Not told while paused. */
  readonly onData: (bytes: Buffer) => void;
  /** The client has ended its side, or sent what cannot be read: nothing more comes, but it can still be written to. */
  readonly onEnd: () => void;
  /** Something is wrong with the connection; what follows from it is told by `onEnd` or `onClose`. */
  readonly onError: (error: Error) => void;
  /** The connection is gone. Told once, and last. */
  readonly onClose: () => void;
};

export interface Transport {
  /** Whether everything written is lost. */
  readonly isDestroyed: boolean;
  /** Has the listener told of everything from now on, in place of an earlier one; bytes flow from the first. */
  listen(listener: TransportListener): void;
  /**
   * Writes bytes, at least one, that stay as they are until `onTaken`: the system has them then. It is not called
   * when the connection is gone before.
   */
  write(buffers: readonly Buffer[], onTaken: () => void): void;
  /** Stops reading: a client that goes on sending is held back by the network. */
  pause(): void;
  resume(): void;
  /** Has everything that still comes read and dropped, as it is on the wire. */
  discardInput(): void;
  /** Ends our side once everything is written. */
  end(): void;
  /** Closes the connection at once. */
  destroy(): void;
}
