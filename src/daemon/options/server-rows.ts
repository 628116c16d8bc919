/**
 * Rows that the option tables of server programs share.
 *
 * Thread: any.
 */

import { LOG_FORMATS } from '../log.ts';
import { oneOf } from './option-checks.ts';
import { logLevel, text } from './option-kinds.ts';
import { option } from './option-table.ts';

/** The longest time that one timer can wait. Units: ms. */
export const TIME_MS_MAX = 2 ** 31 - 1;
export const COUNT_MAX = 2 ** 31 - 1;
/** Who may use a part of the HTTP API. */
export const HTTP_ACCESS = ['off', 'loopback', 'always'];

/** Level, prefix and format of the log. `original`: the program of nsq. */
export function logRows(original: string) {
  return {
    logLevel: option(
      logLevel,
      'Program',
      'log-level',
      'info',
      'lowest level that is logged: debug, info, warn, error or fatal',
    ),
    logPrefix: option(text, 'Program', 'log-prefix', `[${original}] `, 'prefix of every log line'),
    logFormat: option(
      text,
      'Program',
      'log-format',
      'text',
      `format of the log: text, as ${original} writes it, or json, one object per line`,
      oneOf(LOG_FORMATS),
    ),
  };
}

/** The log's file. */
export const LOG_FILE = option(
  text,
  'Program',
  'log-file',
  '',
  'file that the log is appended to, reopened on SIGHUP; empty means standard error',
);

/** Who may take profiles. */
export const DEBUG_HTTP = option(
  text,
  'Network',
  'debug-http',
  'loopback',
  'who may use /debug/pprof, which shows memory contents and can stall the program: off, loopback or always',
  oneOf(HTTP_ACCESS),
);
