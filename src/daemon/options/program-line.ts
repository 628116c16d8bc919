/**
 * Turns the words after a server program's name into complete options: flags, then the configuration file, then
 * defaults. The program provides its table of options.
 *
 * Thread: main, at start-up.
 * Source: nsqd `apps/nsqd/main.go`, go-options `Resolve`.
 */

import { systemErrorText } from '../system-error.ts';
import { productLine } from '../version.ts';
import { type ConfigFile, parseConfigFile } from './config-file.ts';
import { parseFlags } from './flags.ts';
import { InvalidValue } from './invalid-value.ts';
import { boolean, text } from './option-kinds.ts';
import { type Machine, type OptionRows, option } from './option-table.ts';
import { usage } from './usage.ts';

/** The flags of every server program that are not options. */
// biome-ignore format: a table is read row by row
export const SERVER_FLAGS = {
  config: option(text, 'Program', 'config', '', 'configuration file, in TOML'),
  version: option(boolean, 'Program', 'version', false, 'print the version and exit'),
  checkConfig: option(boolean, 'Program', 'check-config', false,
    'check flags and configuration file, print what is wrong or has no effect, and exit'),
  printConfig: option(boolean, 'Program', 'print-config', false,
    'print all options as a configuration file, with the values that flags and file set, and exit'),
  verbose: option(boolean, 'Deprecated', 'verbose', false, 'no effect; see -log-level'),
} as const;

/** A program with options of type `T`. */
export type ServerProgram<T extends object> = {
  /** The original that it replaces, as its log names it. */
  readonly original: string;
  /** The first lines of its help. */
  readonly introduction: string;
  /** The original's own version line. */
  readonly versionLine: string;
  /** The flags that are not options. */
  readonly flagRows: OptionRows;
  readonly optionRows: OptionRows;
  /** Keys of a configuration file that are not options. */
  readonly otherKeys: readonly string[];
  readonly complete: (given: ReadonlyMap<string, unknown>, machine: Machine) => T | InvalidValue;
  /** Valid settings without effect, one sentence each. */
  readonly warnings: (options: T, machine: Machine) => readonly string[];
};

/** A text for the terminal, after which the program ends. */
export type Printed = {
  readonly kind: 'print';
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
};

/** What the program does next. */
export type ServerCommand<T> =
  | {
      /** Run with the options, or check or print the options that the program would start with. */
      readonly kind: 'run' | 'check' | 'show';
      readonly options: T;
      /** Empty if there is no file. */
      readonly configPath: string;
      /** The other keys of the file. */
      readonly others: ReadonlyMap<string, unknown>;
      /** Settings without effect, one sentence each. */
      readonly warnings: readonly string[];
    }
  | Printed
  /** The help, on the stream where people and programs expect that of the original. */
  | { readonly kind: 'help'; readonly text: string }
  /** The text for a FATAL line of the log; the exit code is 1. */
  | { readonly kind: 'fatal'; readonly reason: string };

/** The environment of the command line. */
export interface LineContext extends Machine {
  /** Reads a text file. Errors: throws, with the reason as the message. */
  readFile(path: string): string;
}

const BAD_USAGE_CODE = 2;

/** Decides by the words. A bad flag ends with 2, a bad value of an option with 1. */
export function parseProgramLine<T extends object>(
  words: readonly string[],
  program: ServerProgram<T>,
  context: LineContext,
): ServerCommand<T> {
  const { original, versionLine, flagRows, optionRows, otherKeys } = program;
  const { flags, rest } = parseFlags(words, new Map([...flagRows, ...optionRows]));
  if (flags === 'help') return { kind: 'help', text: usageOf(program, context) };
  if (flags instanceof InvalidValue) {
    // Printed twice, because the usage in between is longer than a screen.
    return refused(
      `${flags.why}\n${usageOf(program, context)}\n${flags.why} (see the usage above)`,
    );
  }
  if (flags.get('version') === true) {
    // Programs read the original's line from standard output; people see both.
    return { ...printed(`${versionLine}\n`), stderr: `${productLine()}\n` };
  }

  const path = String(flags.get('config') ?? SERVER_FLAGS.config.initial);
  const config = readConfig(path, optionRows, otherKeys, context);
  if (config instanceof InvalidValue) {
    return { kind: 'fatal', reason: `failed to load config file ${path} - ${config.why}` };
  }
  const options = program.complete(new Map([...config.values, ...flags]), context);
  if (options instanceof InvalidValue) {
    return { kind: 'fatal', reason: `failed to instantiate ${original} - ${options.why}` };
  }
  const warnings = [
    ...config.warnings.map((warning) => `config file ${path}: ${warning}`),
    ...strayWarnings(rest),
    ...program.warnings(options, context),
  ];
  return { kind: taskOf(flags), options, configPath: path, others: config.others, warnings };
}

/** The whole text of `--help`. */
export function usageOf<T extends object>(
  { introduction, flagRows, optionRows }: ServerProgram<T>,
  machine: Machine,
): string {
  return usage(introduction, [...flagRows.values(), ...optionRows.values()], machine);
}

/** The contents of a file; an empty path means no file. Errors: returns what is wrong with it. */
function readConfig(
  path: string,
  optionRows: OptionRows,
  otherKeys: readonly string[],
  context: Pick<LineContext, 'readFile'>,
): ConfigFile | InvalidValue {
  if (path === '') return { values: new Map(), others: new Map(), warnings: [] };
  const toml = readText(path, context);
  return toml instanceof InvalidValue ? toml : parseConfigFile(toml, optionRows, otherKeys);
}

function readText(path: string, context: Pick<LineContext, 'readFile'>): string | InvalidValue {
  try {
    return context.readFile(path);
  } catch (error) {
    return new InvalidValue(systemErrorText(error));
  }
}

/** The output on success. */
export function printed(stdout: string): Printed {
  return { kind: 'print', stdout, stderr: '', exitCode: 0 };
}

/** The output for an invalid command line. */
export function refused(why: string): Printed {
  return { kind: 'print', stdout: '', stderr: `${why}\n`, exitCode: BAD_USAGE_CODE };
}

function taskOf(flags: ReadonlyMap<string, unknown>): 'run' | 'check' | 'show' {
  if (flags.get('checkConfig') === true) return 'check';
  return flags.get('printConfig') === true ? 'show' : 'run';
}

/** The originals silently ignore words after the flags: mostly the value of a switch, and all flags after that. */
function strayWarnings([stray, ...others]: readonly string[]): string[] {
  if (stray === undefined || (stray === '--' && others.length === 0)) return [];
  const first = JSON.stringify(stray);
  const all = others.length === 0 ? `${first} is` : `${first} and what follows it are`;
  return [`${all} ignored: a flag begins with "-", and a switch takes its value after "="`];
}
