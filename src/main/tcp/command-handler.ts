/**
 * The handler of a connection's commands, as the parser sees it.
 *
 * Thread: main.
 */

import type { ClientError } from '../../protocol/client-error.ts';

/** The command was handled. */
export const NEXT = 0;
/** Not handled: the parser hands the command over again after `resume`. */
export const WAIT = 1;
/** The connection accepts no more commands. */
export const CLOSED = 2;
/** The result of a handler. */
export type Step = typeof NEXT | typeof WAIT | typeof CLOSED;

/** The parser's position within a command. */
export type Place = 'magic' | 'line' | 'size' | 'body' | 'count' | 'message size' | 'message body';

/** Handles a body that follows its size. One such object serves many commands. */
export interface SizedBodyHandler {
  readonly kind: 'sized';
  /** False: the connection accepts no more commands. */
  onSize(size: number): boolean;
  /** The complete body, preceded by its size field. */
  onBody(bytes: Buffer, at: number, size: number): Step;
  /** The error to send if the input ends at this place. */
  cutOff(place: Place): ClientError;
}

/** Handles the messages of an MPUB. */
export interface BatchBodyHandler {
  readonly kind: 'batch';
  /** This and the next two: false if the connection accepts no more commands. */
  onSize(size: number): boolean;
  onCount(count: number): boolean;
  /** The size of one message; `bytes` is the total with all messages before it, size fields included. */
  onMessageSize(index: number, size: number, bytes: number): boolean;
  /** All messages, starting with the first size field. */
  onBatch(bytes: Buffer, at: number, length: number, count: number): Step;
  /** The error to send if the input ends at this place. */
  cutOff(place: Place, messageIndex: number): ClientError;
}

/** The calls of the parser, in the order of the bytes. */
export interface CommandHandler {
  /** The first four bytes. False: the connection accepts no commands. */
  onMagic(bytes: Buffer, at: number): boolean;
  /** A line without its line end. Returns the handler of the body if one follows. */
  onLine(bytes: Buffer, at: number, end: number): Step | SizedBodyHandler | BatchBodyHandler;
  /** A FIN with a well-formed id. */
  onFinish(idHigh: number, idLow: number): Step;
  onLineTooLong(): void;
}
