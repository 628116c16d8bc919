/**
 * Writes the log to standard error.
 *
 * A reader that stalls must not block the broker, and one that exits must not end it. Lines that the system does not
 * accept at once wait in the stream, up to a bound. Lines that cannot be written are dropped, and the next one that
 * can be written tells how many were lost and why. The log ends only when its reader is gone or its descriptor is
 * closed; a full volume may have room again later.
 *
 * Thread: main.
 */

import { fstatSync, writeSync } from 'node:fs';
import { errorText } from '../shared/error-text.ts';
import type { LogSink } from './log.ts';

/** Most bytes that wait for a reader that stalls. */
const PENDING_BYTES_MAX = 1024 * 1024;
/** How many times a synchronous write to a full pipe is tried before its line is dropped. */
const SYNC_ATTEMPTS_MAX = 1000;
const UNREAD = 'stderr was not read';
/** After these errors no later write can succeed: the reader is gone, or the descriptor is closed. */
const FINAL_CODES: ReadonlySet<unknown> = new Set(['EPIPE', 'EBADF']);

/** The part of `process.stderr` that is used. */
export interface LogStream {
  readonly fd: number;
  readonly writableLength: number;
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Writes bytes to a descriptor; returns how many. Errors: throws the system's error. */
export type WriteBytes = (fd: number, bytes: Buffer) => number;

export class StderrSink implements LogSink {
  readonly #stream: LogStream;
  readonly #writeBytes: WriteBytes;
  /**
   * - `stream`: lines go to the stream, which buffers what the system does not accept at once.
   * - `descriptor`: lines go directly to a file, or bypass a stream that has failed.
   * - `closed`: nothing can be written any more.
   */
  #way: 'stream' | 'descriptor' | 'closed';
  /** Lines lost since the last one that was written, and the reason for the last loss. */
  #lostCount = 0;
  #lostWhy = '';
  /** Whether the last write ended within a line. */
  #isInLine = false;

  constructor(stream: LogStream, writeBytes: WriteBytes = writeSync) {
    this.#stream = stream;
    this.#writeBytes = writeBytes;
    // A file accepts everything at once, and Node's file stream stops at its first error.
    this.#way = isFile(stream.fd) ? 'descriptor' : 'stream';
    // Without a listener the error of a closed pipe would end the process.
    stream.on('error', (error) => this.#onStreamError(error));
  }

  write(line: string): void {
    if (this.#way === 'closed') return;
    if (this.#way === 'descriptor') {
      this.#writeNow(line, 1);
      return;
    }
    if (this.#stream.writableLength > PENDING_BYTES_MAX) {
      this.#lose(UNREAD);
      return;
    }
    this.#stream.write(this.#lossLine() + line);
    this.#lostCount = 0;
  }

  writeSync(line: string): void {
    if (this.#way !== 'closed') this.#writeNow(line, SYNC_ATTEMPTS_MAX);
  }

  #onStreamError(error: Error): void {
    if (isFinal(error)) {
      this.#way = 'closed';
      return;
    }
    if (this.#way === 'stream') this.#way = 'descriptor';
    this.#lose(errorText(error));
  }

  #writeNow(line: string, attemptsMax: number): void {
    let rest = Buffer.from((this.#isInLine ? '\n' : '') + this.#lossLine() + line, 'utf8');
    let why = UNREAD;
    for (let attempts = 0; attempts < attemptsMax && rest.length > 0; ) {
      const written = this.#tryWrite(rest);
      if (this.#way === 'closed') return;
      if (typeof written === 'string') {
        why = written;
        break;
      }
      if (written === 0) attempts += 1;
      rest = rest.subarray(written);
      if (written > 0) this.#isInLine = rest.length > 0;
    }
    if (rest.length === 0) this.#lostCount = 0;
    else this.#lose(why);
  }

  /** The number of bytes written, 0 if there is no room now, or the reason why writing failed. */
  #tryWrite(bytes: Buffer): number | string {
    try {
      return this.#writeBytes(this.#stream.fd, bytes);
    } catch (error) {
      if (isFinal(error)) this.#way = 'closed';
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      return isFull ? 0 : errorText(error);
    }
  }

  #lose(why: string): void {
    this.#lostCount += 1;
    this.#lostWhy = why;
  }

  #lossLine(): string {
    if (this.#lostCount === 0) return '';
    return `(lines of the log that were lost: ${this.#lostCount}, ${this.#lostWhy})\n`;
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FINAL_CODES.has(error.code);
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    // A closed descriptor.
    return false;
  }
}
