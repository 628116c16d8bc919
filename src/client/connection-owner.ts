/**
 * What a connection tells, and whom.
 *
 * Thread: any.
 */

import type { NsqError } from './nsq-error.ts';

/** Whoever owns a connection. */
export type ConnectionOwner = {
  /** A message: `bytes` from `at` to `end`, which stay as they are. */
  onMessage(bytes: Buffer, at: number, end: number): void;
  /** All messages that came together have been told of. */
  onMessages(): void;
  /** FIN, REQ or TOUCH came too late. */
  onRefusal(error: NsqError): void;
  /** Some of what was written has been sent. */
  onDrain(): void;
  /** The connection is gone: because of an error, or because it was closed. Told once, after `open` has resolved. */
  onClose(error: NsqError | null): void;
};

/** Is given the answer to a command, or an error instead. One of the two, once. */
export type Responder = {
  onAnswer(text: string): void;
  onError(error: NsqError): void;
};
