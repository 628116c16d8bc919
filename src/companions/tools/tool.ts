/**
 * What the tools share: flags in Go's syntax, a configuration file, `--help`, `--version`, fatal errors in the
 * originals' format, and signals.
 *
 * Thread: main.
 * Source: nsq `apps/*`, Go's `flag` and `log`. Differs in reading a configuration file, and in that `--help` goes to
 * standard output.
 */

import { availableParallelism, hostname } from 'node:os';
import { NsqError } from '../../client/client.ts';
import { EndSignals } from '../../daemon/end-signals.ts';
import { parseConfigFile } from '../../daemon/options/config-file.ts';
import { parseFlags } from '../../daemon/options/flags.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { boolean, text } from '../../daemon/options/option-kinds.ts';
import {
  completeValues,
  type Machine,
  type Option,
  option,
  rowsOf,
} from '../../daemon/options/option-table.ts';
import { usage } from '../../daemon/options/usage.ts';
import { NSQD_VERSION, RINGMQ_VERSION } from '../../daemon/version.ts';
import { type Clock, SystemClock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { readGivenTextSync } from '../../shared/given-file.ts';
import {
  BAD_USAGE_CODE,
  type CommandContext,
  type Companion,
  DONE_CODE,
  REFUSED_CODE,
} from '../companion.ts';

/** Options by their names in the program. */
type ToolTable = Readonly<Record<string, Option<unknown>>>;

/** The values of a table. */
export type ToolValues<Table> = {
  // The value's type is that of the row; what a program hands in does not matter here.
  readonly [Name in keyof Table]: Table[Name] extends {
    readonly kind: { spell(value: infer T): string };
  }
    ? T
    : never;
};

/** A tool. */
type Tool<Table extends ToolTable> = {
  readonly name: string;
  /** The program that it replaces, if there is one. */
  readonly original?: string;
  /** One sentence about what it does, without a full stop. */
  readonly does: string;
  /** Example command lines. */
  readonly examples: readonly string[];
  readonly table: Table;
  /** Whether words other than flags are an error, as in the original. */
  readonly refusesWords?: true;
  /** Whether a hang-up ends it cleanly, too. */
  readonly endsByHangUp?: true;
  /** Resolves with the exit code. Errors: rejects with a `Fatal`. */
  readonly run: (call: ToolCall<Table>) => Promise<number>;
};

/** One use of a tool. */
export type ToolCall<Table> = {
  readonly values: ToolValues<Table>;
  readonly context: CommandContext;
  readonly clock: Clock;
  /** Resolves at the first signal that asks for the end. */
  readonly stopped: Promise<unknown>;
  /** Prints a line to standard error, as Go's `log` does. */
  readonly log: (line: string) => void;
};

/** An error that ends a tool. Its text is printed. */
export class Fatal extends Error {}

const OWN_TABLE = {
  configFile: option(text, 'General', 'config', '', 'path to a TOML file with options'),
  isVersion: option(boolean, 'General', 'version', false, 'print version string'),
};

/** Exit code of a tool that ends at once because of a second signal. */
const INTERRUPTED_CODE = 130;
const END_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Makes a program of a tool. */
export function tool<Table extends ToolTable>(setup: Tool<Table>): Companion {
  const table = { ...OWN_TABLE, ...setup.table };
  return async (words, context) => {
    const clock = new SystemClock();
    const machine = { hostname: hostname(), parallelism: availableParallelism() };
    const log = (line: string): void => context.stderr(`${goTime(clock)} ${line}\n`);
    const parsed = parse(words, table, machine, setup.refusesWords === true);
    if (parsed === 'help') {
      context.stdout(helpOf(setup, table, machine));
      return DONE_CODE;
    }
    if (parsed === 'version') {
      context.stdout(versionOf(setup));
      return DONE_CODE;
    }
    if (parsed instanceof InvalidValue) {
      const hint = `ringmq ${setup.name} --help shows how to use it`;
      context.stderr(`${parsed.why}\n${hint}\n`);
      return BAD_USAGE_CODE;
    }
    try {
      if (parsed instanceof Fatal) throw parsed;
      const names = setup.endsByHangUp === true ? [...END_SIGNALS, 'SIGHUP' as const] : END_SIGNALS;
      const signals = new EndSignals(clock, names);
      void signals.second.then(() => process.exit(INTERRUPTED_CODE));
      const values = parsed as ToolValues<Table>;
      try {
        return await setup.run({ values, context, clock, stopped: signals.first, log });
      } finally {
        signals.close();
      }
    } catch (error) {
      if (!(error instanceof Fatal || error instanceof NsqError)) throw error;
      log(errorText(error));
      return REFUSED_CODE;
    }
  };
}

/** A check of durations. */
export function positive(ms: number, name: string): string | undefined {
  return ms > 0 ? undefined : `${name} should be positive`;
}

/** The client's name as brokers show it. */
export function userAgentOf(original: string): string {
  return `${original}/${NSQD_VERSION} ringmq/${RINGMQ_VERSION}`;
}

function parse(
  words: readonly string[],
  table: ToolTable,
  machine: Machine,
  refusesWords: boolean,
): Readonly<Record<string, unknown>> | 'help' | 'version' | InvalidValue | Fatal {
  const rows = rowsOf(table);
  const { flags, rest } = parseFlags(words, rows);
  if (flags === 'help' || flags instanceof InvalidValue) return flags;
  if (refusesWords && rest.length > 0) return new Fatal(`unknown arguments: [${rest.join(' ')}]`);
  if (flags.get('isVersion') === true) return 'version';
  const given = new Map<string, unknown>();
  const file = flags.get('configFile');
  if (typeof file === 'string' && file !== '') {
    const read = readConfig(file, table);
    if (read instanceof Fatal) return read;
    for (const [name, value] of read) given.set(name, value);
  }
  for (const [name, value] of flags) given.set(name, value);
  const values = completeValues(rows, given, machine);
  return values instanceof InvalidValue ? new Fatal(values.why) : values;
}

function readConfig(file: string, table: ToolTable): ReadonlyMap<string, unknown> | Fatal {
  try {
    const config = parseConfigFile(readGivenTextSync(file), rowsOf(table));
    if (config instanceof InvalidValue) return new Fatal(`--config ${file}: ${config.why}`);
    const [warning] = config.warnings;
    return warning === undefined ? config.values : new Fatal(`--config ${file}: ${warning}`);
  } catch (error) {
    return new Fatal(`--config ${file}: ${errorText(error)}`);
  }
}

function versionOf({ name, original }: Pick<Tool<ToolTable>, 'name' | 'original'>): string {
  const version = original === undefined ? RINGMQ_VERSION : NSQD_VERSION;
  return `${original ?? `ringmq ${name}`} v${version}\n`;
}

function helpOf<Table extends ToolTable>(
  { name, original, does, examples }: Tool<Table>,
  table: ToolTable,
  machine: Machine,
): string {
  const lines = examples.map((line) => `  ringmq ${name} ${line}\n`).join('');
  const names = original === name ? '' : `, and runs as ringmq ${original} too`;
  const place = original === undefined ? '' : `It replaces ${original}${names}.\n`;
  const introduction = `${does}.\n${place}\nUsage:\n  ringmq ${name} [flags]\n\nExamples:\n${lines}`;
  const codes = '\nExit codes: 0 done, 1 failed, 2 an unknown or invalid flag.\n';
  return usage(introduction, rowsOf(table).values(), machine) + codes;
}

/** Shape: as Go's `log` prints it, `YYYY/MM/DD HH:MM:SS`, local time. */
function goTime(clock: Clock): string {
  const time = new Date(Number(clock.unixNs() / 1_000_000n));
  const pad = (value: number): string => value.toString().padStart(2, '0');
  const day = `${time.getFullYear()}/${pad(time.getMonth() + 1)}/${pad(time.getDate())}`;
  return `${day} ${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}
