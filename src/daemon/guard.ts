/**
 * The guard around every entry point from outside: if input from a client or a peer causes an exception, the broker
 * disconnects only that client or peer, logs a line and counts it.
 *
 * Bugs (`AssertionError`) pass through and end the process; see `uncaught-errors.ts`.
 *
 * Thread: main.
 */

import { rethrowBug } from '../shared/assert.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from './log.ts';
import { RepeatedLog } from './repeated-log.ts';

/** The sender of the input that is handled: a client, a request, a peer. */
export interface Sender {
  /** Disconnects it at once. */
  destroy(): void;
  /** Names it in the log. */
  toString(): string;
}

/** Stack frames in a log line, and characters of each. */
const FRAMES_MAX = 4;
const FRAME_LENGTH_MAX = 200;
/** Causes of an error that are looked at. */
const CAUSES_MAX = 8;
/** Errors of the runtime: code has met a value that it does not expect. */
const UNFORESEEN = [TypeError, RangeError, ReferenceError, SyntaxError];

export class Guard {
  /** Senders that were disconnected because handling their input threw. */
  failedCount = 0;

  readonly #errors: RepeatedLog;

  constructor(clock: Pick<Clock, 'monotonicMs'>, logger: Pick<Logger, 'error'>) {
    // A sender may repeat such an input many times.
    this.#errors = new RepeatedLog(clock, (text) => logger.error(text));
  }

  /** Wraps a callback: an exception in it disconnects the sender. */
  around<Arguments extends readonly unknown[]>(
    sender: Sender,
    callback: (...given: Arguments) => void,
  ): (...given: Arguments) => void {
    return (...given) => {
      try {
        callback(...given);
      } catch (error) {
        this.end(sender, error);
      }
    };
  }

  /** Disconnects the sender whose input caused the error. Errors: rethrows bugs. */
  end(sender: Sender, error: unknown): void {
    this.note(`${sender}: its input cannot be handled`, error);
    sender.destroy();
  }

  /**
   * For a peer whose failures the caller handles: logs and counts only an unforeseen error. The line has the text of
   * that error alone, because the errors around it may hold a secret.
   * Errors: rethrows bugs.
   */
  noteUnforeseen(peer: string, error: unknown): void {
    rethrowBug(error);
    const thrown = unforeseenIn(error);
    if (thrown !== undefined) this.note(`${peer}: its input cannot be handled`, thrown);
  }

  /** Logs and counts, for a caller that answers the sender itself. Errors: as `end`. */
  note(what: string, error: unknown): void {
    rethrowBug(error);
    this.failedCount++;
    this.#errors.note(`${what} - ${stackText(error)}`);
  }
}

/**
 * What the runtime has thrown: the error itself, or one of its causes. Our own code throws plain errors for the faults
 * of a peer that it foresees, and so do the libraries that talk to peers.
 */
function unforeseenIn(error: unknown): Error | undefined {
  let link = error;
  for (let depth = 0; depth < CAUSES_MAX && link instanceof Error; depth++) {
    const { cause } = link;
    if (UNFORESEEN.some((type) => link instanceof type)) return link;
    link = cause;
  }
  return undefined;
}

/** The error and its stack in one line. */
export function stackText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const where = frames.slice(0, FRAMES_MAX).map((line) => line.trim().slice(0, FRAME_LENGTH_MAX));
  return [`${error.name}: ${error.message}`, ...where].join(' ');
}
