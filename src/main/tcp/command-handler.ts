/**
 * The handler of a connection's commands, as the parser sees it.
 *
 * Thread: main.
 */

import type { ClientError } from '../../protocol/client-error.ts';

/** A command was taken. */
export const NEXT = 0;
/** Not taken: to be handed over again after `resume`. */
export const WAIT = 1;
/** The connection takes no more commands. */
export const CLOSED = 2;
/** What a handler answers. */
export type Step = typeof NEXT | typeof WAIT | typeof CLOSED;

/** Where in a command the parser stands. */
export type Place = 'magic' | 'line' | 'size' | 'body' | 'count' | 'message size' | 'message body';

/** Takes a body that follows its size. One such object serves many commands. */
export interface SizedBody {
  readonly kind: 'sized';
  /** False: the connection takes no more commands. */
  onSize(size: number): boolean;
  /** The whole body, its size field in front of it. */
  onBody(bytes: Buffer, at: number, size: number): Step;
  /** What to answer when the input ends at that place. */
  cutOff(place: Place): ClientError;
}

/** What takes the messages of an MPUB. */
export interface BatchBody {
  readonly kind: 'batch';
  /** This and the following: false if the connection takes no more commands. */
  onSize(size: number): boolean;
  onCount(count: number): boolean;
  /** The size of one message; `bytes` with all before it, size fields included. */
  onMessageSize(index: number, size: number, bytes: number): boolean;
  /** All messages, from the first size field on. */
  onBatch(bytes: Buffer, at: number, length: number, count: number): Step;
  /** What to answer when the input ends at that place. */
  cutOff(place: Place, messageIndex: number): ClientError;
}

/** What the parser calls, in the order of the bytes. */
export interface CommandHandler {
  /** The first four bytes. False: the connection takes no commands. */
  onMagic(bytes: Buffer, at: number): boolean;
  /** A line without its end. Returns what takes the body that follows, if one does. */
  onLine(bytes: Buffer, at: number, end: number): Step | SizedBody | BatchBody;
  /** A FIN of a well-formed id. */
  onFinish(idHigh: number, idLow: number): Step;
  onLineTooLong(): void;
}
