/**
 * The log: one line per event, in nsqd's format, on a sink that never fails.
 *
 * Texts may contain bytes from clients and peers. Line ends and terminal control characters are therefore escaped in
 * every text, so that no one can forge a log line.
 *
 * Shape: `<prefix>YYYY/MM/DD HH:MM:SS.uuuuuu LEVEL: text\n`, local time.
 * Thread: main.
 * Source: nsq `internal/lg`.
 */

import type { Clock } from '../shared/clock.ts';
import { jsonLine } from './log-json.ts';

/** Levels, the most verbose first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/** The severity of a line. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The forms of a line. */
export const LOG_FORMATS = ['text', 'json'] as const;

/** The form of a line. */
type LogFormat = (typeof LOG_FORMATS)[number];

/** The word for each level in a line. */
const LEVEL_WORDS: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'FATAL',
};

/** The destination of lines. Neither method throws: a broker does not end because its log cannot be written. */
export interface LogSink {
  /** Queues a line. */
  write(line: string): void;
  /** Writes a line before it returns, so that the process may exit right after. */
  writeSync(line: string): void;
}

/** Receives log entries, escaped. It does not throw. */
export interface LogEntries {
  write(level: LogLevel, text: string): void;
}

/** A log of lines on a sink. */
interface LineSetup {
  /** Precedes every line, unescaped. */
  readonly prefix: string;
  /** As nsqd writes it, which is the default, or as JSON, without the prefix. */
  readonly format?: LogFormat;
  readonly sink: LogSink;
  readonly clock: Pick<Clock, 'unixNs'>;
}

/** The level of a `Logger`, and where its entries go: to `entries`, or as lines to a sink. */
export type LoggerSetup = { readonly level: LogLevel } & (
  | LineSetup
  | { readonly entries: LogEntries }
);

/** Passes on the entries of its level and above. */
export class Logger {
  readonly #entries: LogEntries;
  #level: LogLevel;
  /** Another receiver of the entries. */
  #tail: LogEntries | null = null;

  constructor(setup: LoggerSetup) {
    this.#entries = 'entries' in setup ? setup.entries : new Lines(setup);
    this.#level = setup.level;
  }

  /** The lowest level that is written. */
  get level(): LogLevel {
    return this.#level;
  }

  /** Changes the lowest level that is written. */
  setLevel(level: LogLevel): void {
    this.#level = level;
  }

  /** From now on passes every entry to this receiver too. */
  copyTo(tail: LogEntries): void {
    this.#tail = tail;
  }

  /** Whether a line of this level would be written; for callers whose text is expensive to build. */
  isWritten(level: LogLevel): boolean {
    return logLevelNumber(level) >= logLevelNumber(this.#level);
  }

  debug(text: string): void {
    if (this.isWritten('debug')) this.#write('debug', text);
  }

  info(text: string): void {
    if (this.isWritten('info')) this.#write('info', text);
  }

  warn(text: string): void {
    if (this.isWritten('warn')) this.#write('warn', text);
  }

  error(text: string): void {
    if (this.isWritten('error')) this.#write('error', text);
  }

  /** Writes the last line before the process ends. The caller ends the process. */
  fatal(text: string): void {
    this.#write('fatal', text);
  }

  #write(level: LogLevel, text: string): void {
    const safe = escaped(text);
    this.#entries.write(level, safe);
    this.#tail?.write(level, safe);
  }
}

/** Entries as lines in nsqd's format. */
class Lines implements LogEntries {
  readonly #setup: LineSetup;

  constructor(setup: LineSetup) {
    this.#setup = setup;
  }

  write(level: LogLevel, text: string): void {
    const { prefix, format, sink, clock } = this.#setup;
    const unixNs = clock.unixNs();
    const line =
      format === 'json'
        ? jsonLine(level, unixNs, text)
        : `${prefix}${timestamp(unixNs)} ${LEVEL_WORDS[level]}: ${text}\n`;
    if (level === 'fatal') sink.writeSync(line);
    else sink.write(line);
  }
}

/** Control characters, line and paragraph separators, and bidirectional controls. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const EVERY_UNSAFE = new RegExp(UNSAFE, 'gu');
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const BYTE_MAX = 0xff;

function escaped(text: string): string {
  return UNSAFE.test(text) ? text.replace(EVERY_UNSAFE, escapeOf) : text;
}

/** Shape: `\xhh`, or `\uhhhh` beyond a byte, as in Go. */
function escapeOf(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return code > BYTE_MAX ? `\\u${digits.padStart(4, '0')}` : `\\x${digits.padStart(2, '0')}`;
}

/** Parses a level's name, in any case; undefined for other names. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const lower = text.toLowerCase();
  return LOG_LEVELS.find((level) => level === lower);
}

/** nsqd's number for the level: 1 for debug to 5 for fatal. */
export function logLevelNumber(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level) + 1;
}

/** Local time, cut to the microsecond, as Go's logger writes it. */
function timestamp(unixNs: bigint): string {
  const micros = Number(unixNs / 1000n);
  const time = new Date(Math.floor(micros / 1000));
  const day = `${pad(time.getFullYear(), 4)}/${pad(time.getMonth() + 1, 2)}/${pad(time.getDate(), 2)}`;
  const clock = `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}`;
  return `${day} ${clock}.${pad(micros % 1_000_000, 6)}`;
}

function pad(value: number, width: number): string {
  return value.toString().padStart(width, '0');
}
