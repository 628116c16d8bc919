/**
 * What becomes of the commands that a connection sends, as the parser of its input sees it.
 *
 * Thread: main.
 */

/** What a handler answers: what follows a line, or whether a body was taken. */
export const NEXT = 0;
/** A sized body follows. */
export const BODY = 1;
/** The body of an MPUB follows. */
export const BATCH = 2;
/** Not taken: to be handed over again after `resume`. */
export const WAIT = 3;
/** The connection takes no more commands. */
export const CLOSED = 4;
/** One of these answers. */
export type Step = typeof NEXT | typeof BODY | typeof BATCH | typeof WAIT | typeof CLOSED;

/** Where in a command the parser stands. */
export type Place = 'magic' | 'line' | 'size' | 'body' | 'count' | 'message size' | 'message body';

/** What the parser calls, in the order of the bytes. */
export interface CommandHandler {
  /** The first four bytes. False: the connection takes no commands. */
  onMagic(bytes: Buffer, at: number): boolean;
  /** A line without its end. */
  onLine(bytes: Buffer, at: number, end: number): Step;
  /** A FIN of a well-formed id. */
  onFinish(idHigh: number, idLow: number): Step;
  /** The size of a body. False: the connection takes no more commands. */
  onBodySize(size: number): boolean;
  /** A body, its size field in front of it. */
  onBody(bytes: Buffer, at: number, size: number): Step;
  onBatchSize(size: number): boolean;
  onBatchCount(count: number): boolean;
  /** The size of one message of an MPUB; `bytes` with all before it, size fields included. */
  onBatchMessageSize(index: number, size: number, bytes: number): boolean;
  /** All messages of an MPUB, from the first size field on. */
  onBatch(bytes: Buffer, at: number, length: number, count: number): Step;
  onLineTooLong(): void;
}
