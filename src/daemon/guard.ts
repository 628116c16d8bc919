/**
 * The guard around every entry from outside: whatever the bytes of a client or a peer make throw ends that client or
 * peer, with a line in the log and a count, and nobody else.
 *
 * Bugs of ours (`AssertionError`) pass through, and end the process; see `last-resort.ts`.
 *
 * Thread: main.
 */

import { rethrowBug } from '../shared/assert.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from './log.ts';
import { RepeatedLog } from './repeated-log.ts';

/** The sender of the input that is handled: a client, a request, a peer. */
export interface Sender {
  /** Ends it at once. */
  destroy(): void;
  /** Names it in the log. */
  toString(): string;
}

/** Frames of a stack that a line of the log holds, and characters of each. */
const FRAMES_MAX = 4;
const FRAME_LENGTH_MAX = 200;

export class Guard {
  /** Counts senders that were ended because handling what they sent has thrown. */
  failedCount = 0;

  readonly #errors: RepeatedLog;

  constructor(clock: Pick<Clock, 'monotonicMs'>, logger: Pick<Logger, 'error'>) {
    // A sender that finds such an input may send it again and again.
    this.#errors = new RepeatedLog(clock, (text) => logger.error(text));
  }

  /** The callback, except that what it throws ends the sender. */
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

  /** Ends the sender of what has thrown. Errors: throws what is a bug of ours. */
  end(sender: Sender, error: unknown): void {
    this.note(`${sender}: its input cannot be handled`, error);
    sender.destroy();
  }

  /** Logs and counts, for a sender that is told in another way. Errors: as `end`. */
  note(what: string, error: unknown): void {
    rethrowBug(error);
    this.failedCount++;
    this.#errors.note(`${what} - ${stackText(error)}`);
  }
}

/** What was thrown and where, in one line. */
export function stackText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const where = frames.slice(0, FRAMES_MAX).map((line) => line.trim().slice(0, FRAME_LENGTH_MAX));
  return [`${error.name}: ${error.message}`, ...where].join(' ');
}
