/**
 * From the words of the command line to complete options: flags, then the configuration file, then defaults.
 *
 * Thread: main, at start-up.
 * Source: nsqd `apps/nsqd/main.go`, go-options `Resolve`.
 */

import { COMPANIONS } from '../../daemon/command-table.ts';
import { type ConfigFile, parseConfigFile } from '../../daemon/options/config-file.ts';
import { parseFlags } from '../../daemon/options/flags.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { suggestion } from '../../daemon/options/nearest-word.ts';
import { type Machine, type OptionRows, rowsOf } from '../../daemon/options/option-table.ts';
import { usage } from '../../daemon/options/usage.ts';
import { systemErrorText } from '../../daemon/system-error.ts';
import { productLine, versionLine } from '../../daemon/version.ts';
import { optionWarnings } from './option-warnings.ts';
import { completeOptions, OPTION_ROWS, type Options, PROGRAM_FLAGS } from './options.ts';

const INTRODUCTION = `${productLine()}

Usage:
  ringmq [start] [flags]    start the broker
  ringmq help               print this text
  ringmq version            print the versions of RingMQ, of the nsqd that it replaces, and of Node
  ringmq bench [command]    measure this broker or any nsqd

Commands for a running broker and its data; each prints its own --help:
${companionLines()}

Examples:
  ringmq --data-path=/var/lib/ringmq
  ringmq --data-path=/var/lib/ringmq --mem-queue-size=0 --lookupd-tcp-address=10.0.0.1:4160
  ringmq --config=/etc/nsqd.cfg --http-address=127.0.0.1:4151

Write a flag as -name=value, --name=value or -name value. A flag that is listed without a kind of
value is a switch; it takes a value only after "=", as in --snappy=false.

A configuration file sets the same options. Its keys are the names of the flags with "_" for "-",
or the name shown as [key ...]. A flag overrides the file.
`;

/** What may stand on the command line. */
const FLAG_ROWS: OptionRows = new Map([...rowsOf(PROGRAM_FLAGS), ...OPTION_ROWS]);

/** What a configuration file says besides options. Shape: `path` is empty where there is no file. */
type ConfigTables = { readonly path: string; readonly policies: unknown };

/** Options as they are in force, and what belongs to them. */
type Configured = {
  readonly options: Options;
  readonly config: ConfigTables;
  /** What was given and has no effect, a sentence each. */
  readonly warnings: readonly string[];
};

/** What the program does next. */
export type Command =
  | (Configured & { readonly kind: 'run' })
  /** Check, or print, what the broker would start with. */
  | (Configured & { readonly kind: 'check' | 'show' })
  | {
      readonly kind: 'print';
      readonly stdout: string;
      readonly stderr: string;
      readonly exitCode: number;
    }
  /** Help, where people look for it, and where programs look for nsqd's. */
  | { readonly kind: 'help'; readonly text: string }
  /** The text for a FATAL line of the log; the exit code is 1. */
  | { readonly kind: 'fatal'; readonly reason: string };

/** What is around the command line. */
export interface Surroundings extends Machine {
  /** Reads a text file. Errors: throws, with the reason as the message. */
  readFile(path: string): string;
}

const BAD_USAGE_CODE = 2;
/** Under it stand policies in a configuration file. */
const POLICY_KEY = 'policy';
/** What the first word may be, where it is no flag. */
const COMMANDS = ['start', 'help', 'version', 'bench', ...Object.keys(COMPANIONS)];

/**
 * Decides by the words after the program's name. A bad command or flag ends with 2, a bad value of an option with 1.
 */
export function parseCommandLine(words: readonly string[], surroundings: Surroundings): Command {
  const [first = '', ...others] = words;
  if (first === '' || first.startsWith('-')) return parseStart(words, surroundings);
  switch (first) {
    case 'start':
      return parseStart(others, surroundings);
    case 'help':
      return { kind: 'help', text: usage(INTRODUCTION, FLAG_ROWS.values(), surroundings) };
    case 'version':
      return printed(`${productLine()}\n${versionLine()}\n`);
    default:
      if (!COMMANDS.includes(first)) return refused(unknownCommand(first));
      return refused(`${first} is a command of the ringmq program: ringmq ${first} --help`);
  }
}

/** A line of the help for each command of an operator. */
function companionLines(): string {
  const rows = Object.entries(COMPANIONS).map(
    ([name, { words, does }]) => [`ringmq ${name} ${words}`.trimEnd(), does] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, does]) => `  ${left.padEnd(width)}   ${does}`).join('\n');
}

function parseStart(words: readonly string[], surroundings: Surroundings): Command {
  const { flags, rest } = parseFlags(words, FLAG_ROWS);
  if (flags === 'help')
    return { kind: 'help', text: usage(INTRODUCTION, FLAG_ROWS.values(), surroundings) };
  if (flags instanceof InvalidValue) {
    // Said twice: the usage in between is longer than a screen.
    return refused(
      `${flags.why}\n${usage(INTRODUCTION, FLAG_ROWS.values(), surroundings)}\n${flags.why} (see the usage above)`,
    );
  }
  if (flags.get('version') === true) {
    // Programs read nsqd's line from standard output; people see both.
    return { ...printed(`${versionLine()}\n`), stderr: `${productLine()}\n` };
  }

  const path = String(flags.get('config') ?? PROGRAM_FLAGS.config.initial);
  const config = readConfig(path, surroundings);
  if (config instanceof InvalidValue) {
    return { kind: 'fatal', reason: `failed to load config file ${path} - ${config.why}` };
  }
  const options = completeOptions(new Map([...config.values, ...flags]), surroundings);
  if (options instanceof InvalidValue) {
    return { kind: 'fatal', reason: `failed to instantiate nsqd - ${options.why}` };
  }
  const warnings = [
    ...config.warnings.map((warning) => `config file ${path}: ${warning}`),
    ...strayWarnings(rest),
    ...optionWarnings(options, surroundings.hostname),
  ];
  const { others } = config;
  const tables = { path, policies: others.get(POLICY_KEY) };
  return { kind: taskOf(flags), options, config: tables, warnings };
}

function taskOf(flags: ReadonlyMap<string, unknown>): 'run' | 'check' | 'show' {
  if (flags.get('checkConfig') === true) return 'check';
  return flags.get('printConfig') === true ? 'show' : 'run';
}

function printed(stdout: string): Command & { kind: 'print' } {
  return { kind: 'print', stdout, stderr: '', exitCode: 0 };
}

function refused(why: string): Command {
  return { kind: 'print', stdout: '', stderr: `${why}\n`, exitCode: BAD_USAGE_CODE };
}

function unknownCommand(word: string): string {
  const hint = suggestion(word, COMMANDS);
  const list = `The commands are ${COMMANDS.join(', ')}; without one the broker starts.`;
  return `unknown command ${JSON.stringify(word)}${hint}\n${list}`;
}

/** nsqd silently ignores words after the flags: mostly the value of a switch, and all flags after that. */
function strayWarnings([stray, ...others]: readonly string[]): string[] {
  if (stray === undefined || (stray === '--' && others.length === 0)) return [];
  const first = JSON.stringify(stray);
  const all = others.length === 0 ? `${first} is` : `${first} and what is behind it are`;
  return [`${all} ignored: a flag begins with "-", and a switch takes its value behind "="`];
}

/** An empty path means that there is no file. */
function readConfig(
  path: string,
  surroundings: Pick<Surroundings, 'readFile'>,
): ConfigFile | InvalidValue {
  if (path === '') return { values: new Map(), others: new Map(), warnings: [] };
  const text = readText(path, surroundings);
  return text instanceof InvalidValue ? text : parseConfigFile(text, OPTION_ROWS, [POLICY_KEY]);
}

function readText(
  path: string,
  surroundings: Pick<Surroundings, 'readFile'>,
): string | InvalidValue {
  try {
    return surroundings.readFile(path);
  } catch (error) {
    return new InvalidValue(systemErrorText(error));
  }
}
