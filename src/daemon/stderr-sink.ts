/**
 * The log's way to standard error.
 *
 * A reader that stalls must not stop the broker, and one that has gone must not end it. Lines that the system
 * does not take at once wait in the stream, up to a bound; beyond it lines are dropped, and their number is
 * written as soon as there is room again.
 *
 * Thread: main.
 */

import { writeSync } from 'node:fs';
import type { LogSink } from './log.ts';

/** Bytes that may wait for a reader that stalls. */
const PENDING_BYTES_MAX = 1024 * 1024;
/** How often a synchronous write is tried on a pipe that is full, before its line is given up. */
const SYNC_ATTEMPTS_MAX = 1000;

/** What is needed of `process.stderr`. */
export interface LogStream {
  readonly fd: number;
  readonly writableLength: number;
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export class StderrSink implements LogSink {
  readonly #stream: LogStream;
  /** False once a write has failed: nobody will read there again. */
  #isOpen = true;
  /** Lines dropped since the last line that was written. */
  #droppedCount = 0;

  constructor(stream: LogStream) {
    this.#stream = stream;
    // Without a listener the error of a closed pipe would end the process.
    stream.on('error', () => {
      this.#isOpen = false;
    });
  }

  write(line: string): void {
    if (!this.#isOpen) return;
    if (this.#stream.writableLength > PENDING_BYTES_MAX) {
      this.#droppedCount += 1;
      return;
    }
    if (this.#droppedCount > 0) {
      this.#stream.write(
        `(${this.#droppedCount} lines of the log were dropped: nobody read them)\n`,
      );
      this.#droppedCount = 0;
    }
    this.#stream.write(line);
  }

  writeSync(line: string): void {
    let rest = Buffer.from(line, 'utf8');
    for (let attempt = 0; attempt < SYNC_ATTEMPTS_MAX && rest.length > 0; attempt += 1) {
      const written = tryWriteSync(this.#stream.fd, rest);
      if (written === 'gone') return;
      rest = rest.subarray(written);
    }
  }
}

/** Bytes that were written, 0 when there was no room just now. */
function tryWriteSync(fd: number, bytes: Buffer): number | 'gone' {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    // Everything but a full pipe means that no later attempt can succeed, and there is no other place to say so.
    return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? 0 : 'gone';
  }
}
