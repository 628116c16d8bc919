/**
 * What the server commands do with their command line: parse it, answer one that starts no server, and create the log
 * that the options describe.
 *
 * Thread: main.
 */

import os from 'node:os';
import { Logger, type LogLevel } from '../daemon/log.ts';
import { type LogFile, openLogFile } from '../daemon/log-file.ts';
import { configText } from '../daemon/options/config-text.ts';
import {
  parseProgramLine,
  type ServerCommand,
  type ServerProgram,
} from '../daemon/options/program-line.ts';
import { StderrSink } from '../daemon/stderr-sink.ts';
import { SystemClock } from '../shared/clock.ts';
import { readGivenTextSync } from '../shared/given-file.ts';
import { type CommandContext, DONE_CODE } from './companion.ts';

/** The start failed, or a bug ended the server. */
export const FAILED_CODE = 1;

/** Without a handler, USR1 makes Node open its inspector, through which every user of the machine can run code. */
const IGNORED_SIGNALS: readonly NodeJS.Signals[] = ['SIGUSR1', 'SIGUSR2'];

/** The options of a server's log. */
export type LogOptions = {
  readonly logPrefix: string;
  readonly logFormat: string;
  readonly logLevel: LogLevel;
};

/** A command line that starts the server. */
export type ServerStart<T> = Extract<ServerCommand<T>, { readonly configPath: string }>;

/** Reads the words with this machine's names and files. */
export function parseServerLine<T extends object>(
  words: readonly string[],
  program: ServerProgram<T>,
): ServerCommand<T> {
  return parseProgramLine(words, program, {
    hostname: os.hostname(),
    parallelism: os.availableParallelism(),
    readFile: readGivenTextSync,
  });
}

/** Carries out a command line. Resolves with the exit code. */
export async function runServerLine<T extends object>(
  command: ServerCommand<T>,
  { original, optionRows }: Pick<ServerProgram<T>, 'original' | 'optionRows'>,
  { stdout, stderr }: Pick<CommandContext, 'stdout' | 'stderr'>,
  serve: (start: ServerStart<T>) => Promise<number>,
): Promise<number> {
  switch (command.kind) {
    case 'print':
      stderr(command.stderr);
      stdout(command.stdout);
      return command.exitCode;
    case 'help':
      stdout(command.text);
      return DONE_CODE;
    case 'fatal':
      serverLogger(original).fatal(command.reason);
      return FAILED_CODE;
    case 'check':
      for (const warning of command.warnings) stderr(`warning: ${warning}\n`);
      stdout('the configuration is valid\n');
      return DONE_CODE;
    case 'show':
      stdout(configText(optionRows, command.options));
      return DONE_CODE;
    case 'run':
      return serve(command);
  }
}

/** The log that the options describe. Before they are known it has the original's prefix. */
function serverLogger(original: string, options?: LogOptions, file: LogFile | null = null): Logger {
  return new Logger({
    prefix: options?.logPrefix ?? `[${original}] `,
    format: options?.logFormat === 'json' ? 'json' : 'text',
    level: options?.logLevel ?? 'info',
    sink: file ?? new StderrSink(process.stderr),
    clock: new SystemClock(),
  });
}

/** The log that the options ask for, which may go to a file; undefined if that cannot be opened, which is logged. */
export function openServerLog(
  original: string,
  options: LogOptions & { readonly logFile: string },
): { readonly logger: Logger; readonly file: LogFile | null } | undefined {
  const { logFile: name } = options;
  const file = openLogFile(name);
  if (typeof file === 'string') {
    serverLogger(original).fatal(`failed to open log file ${name} - ${file}`);
    return undefined;
  }
  return { logger: serverLogger(original, options, file), file };
}

/** Makes Node ignore the signals on which it would act. */
export function ignoreSignals(): void {
  for (const name of IGNORED_SIGNALS) process.on(name, () => undefined);
}
