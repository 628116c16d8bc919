/**
 * Writes the log to a file. `reopen` opens the file again after its name was moved, as by `logrotate`.
 *
 * Bound: none of its own; lines that cannot be written are dropped and counted, as on standard error.
 * Thread: main.
 */

import { closeSync, openSync } from 'node:fs';
import { errorText } from '../shared/error-text.ts';
import type { Logger, LogSink } from './log.ts';
import { StderrSink } from './stderr-sink.ts';

/** The owner reads and writes it, the group reads it. */
const MODE = 0o640;

export class LogFile implements LogSink {
  readonly #path: string;
  #fd: number;
  #sink: StderrSink;

  /** Appends to the file. Errors: throws if it cannot be opened. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'a', MODE);
    this.#sink = sinkOf(this.#fd);
  }

  write(line: string): void {
    this.#sink.write(line);
  }

  writeSync(line: string): void {
    this.#sink.writeSync(line);
  }

  /** Opens the file of that name. Returns null, or the reason why it cannot; then the previous file stays open. */
  reopen(): string | null {
    try {
      const fd = openSync(this.#path, 'a', MODE);
      this.#sink = sinkOf(fd);
      closeSync(this.#fd);
      this.#fd = fd;
      return null;
    } catch (error) {
      return errorText(error);
    }
  }
}

/** The file; null for an empty name, which means no file; or why the file cannot be opened. */
export function openLogFile(name: string): LogFile | null | string {
  if (name === '') return null;
  try {
    return new LogFile(name);
  } catch (error) {
    return errorText(error);
  }
}

/** After `logrotate` the log continues in a new file. */
export function reopenOnHangUp(file: LogFile, logger: Logger): void {
  process.on('SIGHUP', () => {
    const error = file.reopen();
    if (error === null) logger.info('log file reopened');
    else logger.error(`failed to reopen log file, the old one stays in use - ${error}`);
  });
}

/** A file is written through its descriptor; no stream is needed. */
function sinkOf(fd: number): StderrSink {
  return new StderrSink({ fd, writableLength: 0, write: () => false, on: () => undefined });
}
