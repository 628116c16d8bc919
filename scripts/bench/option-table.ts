/**
 * From the words of a command line to the values of a table of options, and the help that is made from the table.
 */

import { parseArgs } from 'node:util';
import { ArgumentError, type Option, type OptionTable, type OptionValues } from './option-kinds.ts';

/** Where the help's texts begin. */
const HELP_COLUMN = 29;
const LINE_MAX = 100;

/** Reads the words. Errors: throws an `ArgumentError` for what the table does not know, or not so. */
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
  // each name of the table has got a value of its option's kind
  return values as OptionValues<T>;
}

/** Of the words, those that belong to some of the table's options, spelt in one way and in the table's order. */
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

/** The flag of an option's name: `inFlight` is `in-flight`. */
function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A line or more for each option. */
export function describeOptions(table: OptionTable): string {
  return Object.entries(table)
    .map(([name, option]) => describe(flagOf(name), option))
    .join('\n');
}

function describe(flag: string, option: Option<unknown>): string {
  const word = option.word === null ? '' : ` ${option.word}`;
  const left = `  --${flag}${word}`;
  const initial = option.initialText === '' ? '' : ` (default ${option.initialText})`;
  const lines = wrap(`${option.help}${initial}`, LINE_MAX - HELP_COLUMN);
  const indent = ' '.repeat(HELP_COLUMN);
  const first = left.length < HELP_COLUMN ? left.padEnd(HELP_COLUMN) : `${left}\n${indent}`;
  return `${first}${lines.join(`\n${indent}`)}`;
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
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
