/**
 * The owner of a connection and the receiver of an answer.
 *
 * Thread: any.
 */

import type { NsqError } from './nsq-error.ts';

/** The owner of a connection. */
export type ConnectionOwner = {
  /** A message: `bytes` from `at` to `end`, which are not changed later. */
  onMessage(bytes: Buffer, at: number, end: number): void;
  /** All messages of one read have been passed to `onMessage`. */
  onMessages(): void;
  /** The broker has refused a FIN, REQ or TOUCH as too late. */
  onRefusal(error: NsqError): void;
  /** Some of the written bytes have been sent. */
  onDrain(): void;
  /** The connection has ended: with an error, or because it was closed. Called once, after `open` has resolved. */
  onClose(error: NsqError | null): void;
};

/** Receives either the answer to a command or an error, once. */
export type Responder = {
  onAnswer(text: string): void;
  onError(error: NsqError): void;
};
