/**
 * The log: one line per event, in nsqd's format, on a sink that never fails.
 *
 * Clients and peers put bytes of theirs into texts. What ends a line, or has a terminal do something, is therefore
 * escaped in every text: nobody writes a line in the broker's name.
 *
 * Shape: `<prefix>YYYY/MM/DD HH:MM:SS.uuuuuu LEVEL: text\n`, local time.
 * Thread: main.
 * Source: nsq `internal/lg`.
 */

import type { Clock } from '../shared/clock.ts';

/** Levels from chatty to silent. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/** How much a line matters. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The word for each level in a line. */
const LEVEL_WORDS: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'FATAL',
};

/** Where lines go. Neither way of writing throws: a broker does not end because nobody reads its log. */
export interface LogSink {
  /** Takes a line, to be written soon. */
  write(line: string): void;
  /** Writes a line before it returns, so that the process may end right after. */
  writeSync(line: string): void;
}

/** What a `Logger` is made of. */
export interface LoggerSetup {
  /** Stands before every line, as it is. */
  readonly prefix: string;
  readonly level: LogLevel;
  readonly sink: LogSink;
  readonly clock: Pick<Clock, 'unixNs'>;
}

/** Writes lines of at least its level, in nsqd's format. */
export class Logger {
  readonly #prefix: string;
  readonly #sink: LogSink;
  readonly #clock: Pick<Clock, 'unixNs'>;
  #level: LogLevel;

  constructor(setup: LoggerSetup) {
    this.#prefix = setup.prefix;
    this.#level = setup.level;
    this.#sink = setup.sink;
    this.#clock = setup.clock;
  }

  /** The least level that is written. */
  get level(): LogLevel {
    return this.#level;
  }

  /** Changes the least level that is written, from the next line on. */
  setLevel(level: LogLevel): void {
    this.#level = level;
  }

  /** Whether a line of this level would be written; asked where making the text is dear. */
  isWritten(level: LogLevel): boolean {
    return logLevelNumber(level) >= logLevelNumber(this.#level);
  }

  debug(text: string): void {
    if (this.isWritten('debug')) this.#sink.write(this.#line('debug', text));
  }

  info(text: string): void {
    if (this.isWritten('info')) this.#sink.write(this.#line('info', text));
  }

  warn(text: string): void {
    if (this.isWritten('warn')) this.#sink.write(this.#line('warn', text));
  }

  error(text: string): void {
    if (this.isWritten('error')) this.#sink.write(this.#line('error', text));
  }

  /** Writes the last line before the process ends. The caller ends the process; the log does not. */
  fatal(text: string): void {
    this.#sink.writeSync(this.#line('fatal', text));
  }

  #line(level: LogLevel, text: string): string {
    return `${this.#prefix}${timestamp(this.#clock.unixNs())} ${LEVEL_WORDS[level]}: ${escaped(text)}\n`;
  }
}

/** Controls, ends of lines and of paragraphs, and what turns the direction of writing. */
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

/** Reads a level's name, in upper or lower case; undefined for other names. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const lower = text.toLowerCase();
  return LOG_LEVELS.find((level) => level === lower);
}

/** The level as nsqd counts: 1 for debug to 5 for fatal. */
export function logLevelNumber(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level) + 1;
}

/** Local time to the microsecond, what is below cut off, as Go's logger writes it. */
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
