/**
 * nsqd's configuration file: TOML with one flat table of keys. Keys that no option has are ignored, as in nsqd, with a
 * warning.
 *
 * Thread: any.
 * Source: go-options `Resolve`; differs in taking what makes nsqd misread or crash (integers among floats) sanely, and
 * in refusing an integer for a boolean.
 */

import { parse, TomlError } from 'smol-toml';
import { InvalidValue } from './invalid-value.ts';
import { suggestion } from './nearest-word.ts';
import type { OptionRows } from './option-table.ts';

/** What a file says. */
export type ConfigFile = {
  /** By the names of options. */
  readonly values: ReadonlyMap<string, unknown>;
  /** One sentence for each key that no option has. */
  readonly warnings: readonly string[];
};

/** Reads a file's text. Errors: says what is wrong with it, and in which line. */
export function parseConfigFile(toml: string, rows: OptionRows): ConfigFile | InvalidValue {
  const table = parseToml(toml);
  if (table instanceof InvalidValue) return table;

  const values = new Map<string, unknown>();
  const known = new Set<string>();
  for (const [name, { key, kind }] of rows) {
    known.add(key);
    if (!Object.hasOwn(table, key)) continue;
    const value = hasZeroByte(table[key])
      ? new InvalidValue('must have no zero byte')
      : kind.parseConfig(table[key]);
    if (value instanceof InvalidValue) {
      const place = lineText(toml, key);
      return new InvalidValue(
        `${place}invalid value ${spell(table[key])} for ${key}: ${value.why}`,
      );
    }
    values.set(name, value);
  }
  const warnings = Object.keys(table)
    .filter((key) => !known.has(key))
    .map((key) => unknownKey(toml, key, table[key], rows));
  return { values, warnings };
}

function unknownKey(toml: string, key: string, value: unknown, rows: OptionRows): string {
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
  const why = isTable
    ? 'options stand in no table, so that those in it are ignored'
    : `no option has this key, so that it is ignored${nearestKey(key, rows)}`;
  return `${lineText(toml, key)}${JSON.stringify(key)}: ${why}`;
}

/** The key that was meant, perhaps; one that follows from a flag, although its option has another, counts as that. */
function nearestKey(key: string, rows: OptionRows): string {
  const options = [...rows.values()];
  const meant = options.find(({ flag }) => flag.replaceAll('-', '_') === key);
  return suggestion(
    meant?.key ?? key,
    options.map((row) => row.key),
  );
}

function parseToml(toml: string): Readonly<Record<string, unknown>> | InvalidValue {
  try {
    // Integers as bigint: where milliseconds are meant, `5` and `5.0` are not the same.
    return parse(toml, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const begin = unclosedLine(toml, error);
    if (begin !== undefined) {
      return new InvalidValue(`line ${begin}: the list or table that begins here is not closed`);
    }
    // After its first line the message draws the place, which a log line cannot hold.
    const [reason] = error.message.replace('Invalid TOML document: ', '').split('\n', 1);
    return new InvalidValue(`line ${error.line}, column ${error.column}: ${reason}`);
  }
}

/** Where a list or table begins that is still open at the next key or at the end; undefined if that is not it. */
function unclosedLine(toml: string, { line, message }: TomlError): number | undefined {
  const lines = toml.split('\n');
  const next = lines[line - 1] ?? '';
  const isAtEnd = next.trim() === '';
  const isAtKey = message.includes('end of structure') && /^\s*["'\w-]+\s*=/.test(next);
  if (!isAtEnd && !isAtKey) return undefined;
  const begin = lines.slice(0, line - 1).findLastIndex((text) => /=\s*[[{]/.test(text));
  return begin === -1 ? undefined : begin + 1;
}

/** Where a key stands, as the begin of a sentence; empty where it is written in no plain way. */
function lineText(toml: string, key: string): string {
  const names = new Set([key, `"${key}"`, `'${key}'`]);
  const index = toml.split('\n').findIndex((line) => {
    const [, table, name] = /^\s*(?:\[+\s*([^\]]*?)\s*\]|([^=]*?)\s*[=.])/.exec(line) ?? [];
    return names.has((table ?? name ?? '').split('.', 1)[0]);
  });
  return index === -1 ? '' : `line ${index + 1}: `;
}

/** No path, address or name has one, and the system takes none. */
function hasZeroByte(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasZeroByte);
  return typeof value === 'string' && value.includes('\0');
}

/** A value as an error shows it. */
function spell(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? Number(part) : part));
}
