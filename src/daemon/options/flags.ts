/**
 * The command line, in the syntax of Go's `flag` package.
 *
 * Shape: `-name=value`, `--name=value`, `-name value`, `--name value`; a switch takes its value only after `=`.
 * Flags end at the first other word or at `--`; what follows is ignored, as nsqd does.
 * Thread: any.
 * Source: Go's `flag.FlagSet.parseOne`.
 */

import { goQuote } from '../go/go-text.ts';
import { InvalidValue } from './invalid-value.ts';
import { suggestion } from './nearest-word.ts';
import type { Option, OptionRows } from './option-table.ts';

/** The values of flags by option name, or a request for help. */
type FlagValues = ReadonlyMap<string, unknown> | 'help' | InvalidValue;

/** The flags, and the words after them, which are ignored. */
export type ParsedFlags = { readonly flags: FlagValues; readonly rest: readonly string[] };

/** Parses the words after the program's name, up to the first invalid one. */
export function parseFlags(words: readonly string[], rows: OptionRows): ParsedFlags {
  const byFlag = new Map([...rows].map(([name, row]) => [row.flag, { name, row }]));
  const values = new Map<string, unknown>();
  const refuse = (why: string): ParsedFlags => ({ flags: new InvalidValue(why), rest: [] });
  let index = 0;
  while (index < words.length) {
    const word = words[index];
    if (!word.startsWith('-') || word === '-' || word === '--') break;
    index += 1;

    const { flag, attached } = splitFlag(word);
    if (flag === '' || flag.startsWith('-')) return refuse(`bad flag syntax: ${word}`);
    const known = byFlag.get(flag);
    if (known === undefined) {
      if (flag === 'help' || flag === 'h') return { flags: 'help', rest: [] };
      const hint =
        suggestion(flag, [...byFlag.keys(), 'help'], '-') || partHint(flag, byFlag.keys());
      return refuse(`flag provided but not defined: -${flag}${hint}`);
    }

    const { name, row } = known;
    let text = attached;
    if (text === undefined && row.kind.isSwitch) text = 'true';
    if (text === undefined) {
      if (index === words.length) return refuse(`flag needs an argument: -${flag}`);
      text = words[index];
      index += 1;
    }
    const value = row.kind.parseFlag(text, values.get(name));
    if (value instanceof InvalidValue) return refuse(badValue(row, text, value));
    values.set(name, value);
  }
  return { flags: values, rest: words.slice(index) };
}

/** A flag of another program of nsq may be this one with a word more, or less. */
function partHint(flag: string, known: Iterable<string>): string {
  const near = [...known].filter((one) => flag.endsWith(`-${one}`) || one.startsWith(`${flag}-`));
  return near.length === 0 ? '' : `; did you mean ${near.map((one) => `-${one}`).join(' or ')}?`;
}

/** A value after the first "=" is attached; otherwise the next word may be the value. */
function splitFlag(word: string): { flag: string; attached: string | undefined } {
  const body = word.slice(word.startsWith('--') ? 2 : 1);
  const equals = body.indexOf('=');
  if (equals < 0) return { flag: body, attached: undefined };
  return { flag: body.slice(0, equals), attached: body.slice(equals + 1) };
}

function badValue(row: Option<unknown>, text: string, { why }: InvalidValue): string {
  if (row.kind.isSwitch) return `invalid boolean value ${goQuote(text)} for -${row.flag}: ${why}`;
  return `invalid value ${goQuote(text)} for flag -${row.flag}: ${why}`;
}
