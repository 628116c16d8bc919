/**
 * The flags of an operator's command: one table, which parses them and prints their help.
 *
 * Thread: any (pure).
 */

import { parseArgs } from 'node:util';
import { suggestion } from '../../daemon/options/nearest-word.ts';
import { errorText } from '../../shared/error-text.ts';
import { BadUsage } from './failures.ts';

/** A flag. Shape: `value` names what follows the `=`; without it the flag is a switch. */
type Flag = {
  readonly value?: string;
  readonly help: string;
  /** Whether it may be given several times. */
  readonly isList?: true;
};

/** Flags by name. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** The values of a table's flags. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly isList: true }
    ? readonly string[]
    : Table[Name] extends { readonly value: string }
      ? string
      : boolean;
};

/** The command line of a command. */
export type ParsedWords<Table extends FlagTable> = {
  readonly words: readonly string[];
  readonly flags: FlagValues<Table>;
};

/** Errors: throws `BadUsage`. */
export function parseWords<Table extends FlagTable>(
  words: readonly string[],
  table: Table,
): ParsedWords<Table> {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value, isList }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: isList === true,
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options,
      allowPositionals: true,
    });
    // Every name is the table's, with a value of its kind.
    return { words: positionals, flags: values as FlagValues<Table> };
  } catch (error) {
    throw new BadUsage(unknownFlag(error, Object.keys(table)) ?? errorText(error));
  }
}

/** What to say about a flag that the table does not have; undefined for another error. */
function unknownFlag(error: unknown, names: readonly string[]): string | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return undefined;
  const [, dashes = '', name = ''] = /'(--?)(.*?)'/.exec(message) ?? [];
  return `unknown flag ${dashes}${name}${suggestion(name, names, '--')}`;
}

/** The whole number of a flag, or its default. Errors: throws `BadUsage`. */
export function integerFlag(
  name: string,
  given: string | undefined,
  initial: number,
  smallest = 0,
): number {
  if (given === undefined) return initial;
  const value = Number(given);
  if (!/^\d+$/.test(given) || value < smallest || !Number.isSafeInteger(value)) {
    throw new BadUsage(`--${name} ${JSON.stringify(given)} is not a whole number from ${smallest}`);
  }
  return value;
}

/** A line of help for each flag. */
export function flagLines(table: FlagTable): string {
  const rows = Object.entries(table).map(
    ([name, { value, help }]) =>
      [`--${name}${value === undefined ? '' : `=${value}`}`, help] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `  ${left.padEnd(width)}   ${help}\n`).join('');
}
