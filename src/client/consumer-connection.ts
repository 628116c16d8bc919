/**
 * A connection to a broker, as a consumer sees it: over a socket, or to a broker in the same process.
 *
 * Thread: any.
 */

import type { Grant } from './negotiation.ts';
import type { NsqError } from './nsq-error.ts';

/** Commands that have no answer of their own. Shape: the id of a message is 16 hex digits of `source`, at `idAt`. */
type ConsumerCommands = {
  /** RDY: `count` messages may be in flight. */
  setReady(count: number): void;
  finish(source: Buffer, idAt: number): void;
  /** Units: whole ms. */
  requeue(source: Buffer, idAt: number, delayMs: number): void;
  touch(source: Buffer, idAt: number): void;
};

/** A connection, as a consumer sees it. */
export type ConsumerConnection = {
  readonly commands: ConsumerCommands;
  /** When the broker last sent something. Units: ms, monotonic. */
  readonly heardMs: number;
  /** Whether commands can be sent. */
  readonly isReady: boolean;
  /** Connects. Errors: rejects with an NsqError; the owner is then not called. */
  open(): Promise<Grant>;
  /** Sends SUB or CLS, and resolves with the broker's answer. Errors: rejects with an NsqError. */
  ask(...words: readonly string[]): Promise<string>;
  /** Sends pending commands, then closes, and notifies its owner soon. */
  end(): void;
  /** Closes at once. */
  destroy(error: NsqError | null): void;
};
