/**
 * A load generator's connection, whatever stands between it and the wire.
 */

/** Who is told what comes over a link. */
export interface LinkListener {
  /** The first `end` bytes of a chunk, which may be overwritten as soon as the call returns. */
  onBytes(chunk: Buffer, end: number): void;
  /** The link is gone, and it was not this side that closed it. */
  onGone(error: Error): void;
}

export interface Link {
  /** Whom to tell from now on. */
  listen(listener: LinkListener): void;
  /** Sends bytes; returns whether they may be overwritten at once, else never. */
  send(bytes: Buffer): boolean;
  /** Ends the connection in order; what was sent before still goes out. */
  close(): void;
}

/** What stands between the generator and the wire. */
export type Layers = {
  readonly tls: boolean;
  readonly compression: 'none' | 'snappy' | 'deflate';
};

/** A listener for as long as nobody else is interested. */
export const NOBODY: LinkListener = { onBytes: () => undefined, onGone: () => undefined };
