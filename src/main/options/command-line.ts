/**
 * Turns the words of the command line into complete options: flags first, then the configuration file, then defaults.
 *
 * Thread: main, at start-up.
 * Source: nsqd `apps/nsqd/main.go`, go-options `Resolve`.
 */

import { COMPANIONS, companionOf } from '../../daemon/command-table.ts';
import { suggestion } from '../../daemon/options/nearest-word.ts';
import { rowsOf } from '../../daemon/options/option-table.ts';
import {
  type LineContext,
  parseProgramLine,
  printed,
  refused,
  type ServerCommand,
  type ServerProgram,
  usageOf,
} from '../../daemon/options/program-line.ts';
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

/** The contents of a configuration file besides options. Shape: `path` is empty if there is no file. */
type ConfigTables = { readonly path: string; readonly policies: unknown };

/** The options in force, and what accompanies them. */
type Configured = {
  readonly options: Options;
  readonly config: ConfigTables;
  /** Settings that have no effect, one sentence each. */
  readonly warnings: readonly string[];
};

/** The program's next step. */
export type Command =
  | (Configured & { readonly kind: 'run' })
  /** Checks or prints the configuration instead of starting the broker. */
  | (Configured & { readonly kind: 'check' | 'show' })
  | Exclude<ServerCommand<Options>, { readonly options: Options }>;

/** The table of a configuration file that holds policies. */
const POLICY_KEY = 'policy';
/** The possible first words, besides flags. */
const COMMANDS = ['start', 'help', 'version', 'bench', ...Object.keys(COMPANIONS)];

const PROGRAM: ServerProgram<Options> = {
  original: 'nsqd',
  introduction: INTRODUCTION,
  versionLine: versionLine(),
  flagRows: rowsOf(PROGRAM_FLAGS),
  optionRows: OPTION_ROWS,
  otherKeys: [POLICY_KEY],
  complete: completeOptions,
  warnings: (options, { hostname }) => optionWarnings(options, hostname),
};

/** Interprets the words after the program's name. A bad command or flag exits with 2, a bad option value with 1. */
export function parseCommandLine(words: readonly string[], context: LineContext): Command {
  const [first = '', ...others] = words;
  if (words.length === 0 || first.startsWith('-')) return parseStart(words, context);
  switch (first) {
    case 'start':
      return isBare(others[0])
        ? refused(`${JSON.stringify(others[0])} after start is no flag: a flag begins with "-"`)
        : parseStart(others, context);
    case 'nsqd':
      return parseStart(others, context);
    case 'help':
      return { kind: 'help', text: usageOf(PROGRAM, context) };
    case 'version':
      return printed(`${productLine()}\n${versionLine()}\n`);
    default:
      if (!COMMANDS.includes(first) && companionOf(first) === undefined)
        return refused(unknownCommand(first));
      return refused(`${first} is a command of the ringmq program: ringmq ${first} --help`);
  }
}

/** Whether a word is there and is no flag. */
function isBare(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith('-');
}

/** One help line for each operator command. */
function companionLines(): string {
  const rows = Object.entries(COMPANIONS).map(
    ([name, { words, does }]) => [`ringmq ${name} ${words}`.trimEnd(), does] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, does]) => `  ${left.padEnd(width)}   ${does}`).join('\n');
}

function parseStart(words: readonly string[], context: LineContext): Command {
  const command = parseProgramLine(words, PROGRAM, context);
  if (!('options' in command)) return command;
  const { kind, options, configPath: path, others, warnings } = command;
  return { kind, options, config: { path, policies: others.get(POLICY_KEY) }, warnings };
}

function unknownCommand(word: string): string {
  const hint = suggestion(word, COMMANDS);
  const list = `The commands are ${COMMANDS.join(', ')}; without one the broker starts.`;
  return `unknown command ${JSON.stringify(word)}${hint}\n${list}`;
}
