/**
 * The kinds of options that sub-commands take, the parser of a command line for a table of them, and the help that is
 * derived from the table.
 */

import { parseArgs } from 'node:util';
import { type HostPort, splitHostPort } from '../../src/daemon/host-port.ts';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { wrapWords } from '../../src/daemon/options/wrap-words.ts';

/** An invalid argument, with a message for the user. */
export class ArgumentError extends Error {}

/** One option. */
export type Option<T> = {
  /** The placeholder after the flag; null for a switch. */
  readonly word: string | null;
  readonly initial: T;
  readonly help: string;
  /** The text of the help about the default, if any. */
  readonly initialText: string;
  /** Errors: throws an `ArgumentError` that begins with `flag`. */
  parse(text: string, flag: string): T;
};

/** Options by their names in camelCase; the flags are the same names in kebab-case. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of all options of a table. */
export type OptionValues<T extends OptionTable> = {
  readonly [Name in keyof T]: T[Name] extends Option<infer Value> ? Value : never;
};

const MULTIPLES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

/** A whole number, at least `min`; `2M` is 2000000. */
export function count(initial: number, min: number, help: string): Option<number> {
  return {
    word: 'N',
    initial,
    initialText: String(initial),
    help,
    parse: (text, flag) => parseCount(text, flag, min),
  };
}

/** A required option of this kind. */
export function optionalCount(min: number, help: string): Option<number | null> {
  return { ...count(0, min, help), initial: null, initialText: '' };
}

/** Different whole numbers of at least `min`, separated by commas: `1,2,4`. */
export function counts(
  initial: readonly number[],
  min: number,
  help: string,
): Option<readonly number[]> {
  return {
    word: 'N,N,…',
    initial,
    initialText: initial.join(','),
    help,
    parse: (text, flag) => {
      const values = text.split(',').map(parseNumber);
      if (values.every((value) => Number.isSafeInteger(value) && value >= min)) {
        return [...new Set(values)];
      }
      throw new ArgumentError(
        `${flag} takes whole numbers from ${min} with commas between, got "${text}"`,
      );
    },
  };
}

/** A number that may have a fraction, at least `min`; `1.5k` is 1500. */
export function amount(initial: number, min: number, help: string): Option<number> {
  return {
    word: 'X',
    initial,
    initialText: String(initial),
    help,
    parse: (text, flag) => parseAmount(text, flag, min),
  };
}

/** A required option of this kind. */
export function optionalAmount(min: number, help: string): Option<number | null> {
  return { ...amount(0, min, help), initial: null, initialText: '' };
}

/** A share of a whole, from 0 to less than 1. */
export function share(initial: number, help: string): Option<number> {
  return {
    word: 'SHARE',
    initial,
    initialText: String(initial),
    help,
    parse: (text, flag) => {
      const value = Number(text);
      if (text.trim() !== '' && value >= 0 && value < 1) return value;
      throw new ArgumentError(`${flag} takes a number from 0 to less than 1, got "${text}"`);
    },
  };
}

/** A switch, off by default. */
export function toggle(help: string): Option<boolean> {
  return { word: null, initial: false, initialText: '', help, parse: () => true };
}

/** Any non-empty text. */
export function optionalText(word: string, help: string): Option<string | null> {
  return {
    word,
    initial: null,
    initialText: '',
    help,
    parse: (text, flag) => {
      if (text.trim() === '') throw new ArgumentError(`${flag} takes ${word}, got ""`);
      return text;
    },
  };
}

/** One of a few words, the first by default. */
export function choice<T extends string>(words: readonly T[], help: string): Option<T> {
  return {
    word: words.join('|'),
    initial: words[0],
    initialText: words[0],
    help,
    parse: (text, flag) => {
      const found = words.find((word) => word === text);
      if (found !== undefined) return found;
      throw new ArgumentError(`${flag} takes one of ${words.join(', ')}, got "${text}"`);
    },
  };
}

/** The address of a server. */
export function optionalAddress(help: string): Option<HostPort | null> {
  return {
    word: 'HOST:PORT',
    initial: null,
    initialText: '',
    help,
    parse: (text, flag) => {
      const address = splitHostPort(text);
      const isServer =
        !(address instanceof InvalidValue) && address.host !== '' && address.port > 0;
      if (isServer) return address;
      throw new ArgumentError(`${flag} takes host:port, got "${text}"`);
    },
  };
}

/** A regular expression that ignores case. */
export function optionalPattern(help: string): Option<RegExp | null> {
  return {
    word: 'REGEX',
    initial: null,
    initialText: '',
    help,
    parse: (text, flag) => {
      try {
        return new RegExp(text, 'i');
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new ArgumentError(`${flag}: ${why}`);
      }
    },
  };
}

function parseCount(text: string, flag: string, min: number): number {
  const value = parseNumber(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new ArgumentError(`${flag} takes a whole number from ${min}, got "${text}"`);
}

function parseAmount(text: string, flag: string, min: number): number {
  const value = parseNumber(text);
  if (Number.isFinite(value) && value >= min) return value;
  throw new ArgumentError(`${flag} takes a number from ${min}, got "${text}"`);
}

/** Digits, with an optional fraction and multiple; NaN for anything else. */
function parseNumber(text: string): number {
  const [, digits = '', unit = ''] = /^([0-9][0-9_]*(?:\.[0-9]+)?)([kMG]?)$/.exec(text) ?? [];
  if (digits === '') return Number.NaN;
  // 2.3M is not exactly a whole number in floating point
  return Number((Number(digits.replaceAll('_', '')) * MULTIPLES[unit]).toPrecision(15));
}

/** The column at which the help's texts begin. */
const HELP_COLUMN = 29;
const LINE_MAX = 100;

/** Parses the words. Errors: throws an `ArgumentError` for unknown and invalid words. */
export function readOptions<T extends OptionTable>(
  table: T,
  words: readonly string[],
): OptionValues<T> {
  const names = namesByFlag(table);
  const given = parseWords(table, names, words);
  const values: Record<string, unknown> = {};
  for (const [flag, name] of names) {
    const option = table[name];
    const text = given[flag];
    values[name] = text === undefined ? option.initial : option.parse(String(text), `--${flag}`);
  }
  // each name of the table has a value of its option's kind
  return values as OptionValues<T>;
}

/** The words that belong to options of the table, in one spelling and in the table's order. */
export function wordsOf(
  names: readonly string[],
  table: OptionTable,
  words: readonly string[],
): string[] {
  const given = parseWords(table, namesByFlag(table), words);
  return names.flatMap((name) => {
    const flag = flagOf(name);
    const text = given[flag];
    if (text === undefined) return [];
    return text === true ? [`--${flag}`] : [`--${flag}`, String(text)];
  });
}

/** The flag of an option's name: `inFlight` becomes `in-flight`. */
function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** One or more lines for each option. */
export function describeOptions(table: OptionTable): string {
  return Object.entries(table)
    .map(([name, option]) => describe(flagOf(name), option))
    .join('\n');
}

function describe(flag: string, option: Option<unknown>): string {
  const word = option.word === null ? '' : ` ${option.word}`;
  const left = `  --${flag}${word}`;
  const initial = option.initialText === '' ? '' : ` (default ${option.initialText})`;
  const words = `${option.help}${initial}`.split(' ');
  const lines = wrapWords(words, LINE_MAX - HELP_COLUMN);
  const indent = ' '.repeat(HELP_COLUMN);
  const first = left.length < HELP_COLUMN ? left.padEnd(HELP_COLUMN) : `${left}\n${indent}`;
  return `${first}${lines.join(`\n${indent}`)}`;
}

function namesByFlag(table: OptionTable): ReadonlyMap<string, string> {
  return new Map(Object.keys(table).map((name) => [flagOf(name), name]));
}

function parseWords(
  table: OptionTable,
  names: ReadonlyMap<string, string>,
  words: readonly string[],
): Readonly<Record<string, string | boolean | undefined>> {
  const options = Object.fromEntries(
    [...names].map(([flag, name]) => {
      const type = table[name].word === null ? ('boolean' as const) : ('string' as const);
      return [flag, { type }];
    }),
  );
  try {
    return parseArgs({ args: [...words], options, allowPositionals: false }).values;
  } catch (cause) {
    throw new ArgumentError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
