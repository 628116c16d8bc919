/**
 * nsqd's configuration file: TOML with one flat table of keys. Unknown keys are ignored, as in nsqd, with a warning.
 *
 * Thread: any.
 * Source: go-options `Resolve`; differs in accepting integers among floats, which nsqd misreads or crashes on, and in
 * refusing an integer for a boolean.
 */

import type { TomlError } from 'smol-toml';
import { hideCredentialsIn } from '../credentials.ts';
import { InvalidValue } from './invalid-value.ts';
import { suggestion } from './nearest-word.ts';
import type { Option, OptionRows } from './option-table.ts';
import { tomlPackage } from './toml.ts';

const TOML_EXAMPLE = '"max_msg_size = 1048576"';

/** The contents of a file. */
export type ConfigFile = {
  /** By option name. */
  readonly values: ReadonlyMap<string, unknown>;
  /** The values of keys that are not options' but are known (`otherKeys`). */
  readonly others: ReadonlyMap<string, unknown>;
  /** One sentence for each unknown key. */
  readonly warnings: readonly string[];
};

/** Parses a file's text. `otherKeys` are not for options. Errors: returns what is wrong and in which line. */
export function parseConfigFile(
  toml: string,
  rows: OptionRows,
  otherKeys: readonly string[] = [],
): ConfigFile | InvalidValue {
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
    .filter((key) => !known.has(key) && !otherKeys.includes(key))
    .map((key) => unknownKey(toml, key, table[key], [...rows.values()], otherKeys));
  const others = new Map(otherKeys.map((key) => [key, table[key]]));
  return { values, others, warnings };
}

function unknownKey(
  toml: string,
  key: string,
  value: unknown,
  rows: readonly Option<unknown>[],
  otherKeys: readonly string[],
): string {
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
  const hint = nearestKey(key, rows, otherKeys);
  const why =
    isTable && hint === ''
      ? 'options are not in tables, so those in it are ignored'
      : `no option has this key, so it is ignored${hint}`;
  return `${lineText(toml, key)}${JSON.stringify(key)}: ${why}`;
}

/** Suggests a key. A key derived from a flag's name suggests that option's key, even if the two differ. */
function nearestKey(
  key: string,
  rows: readonly Option<unknown>[],
  otherKeys: readonly string[],
): string {
  const meant = rows.find(({ flag }) => flag.replaceAll('-', '_') === key);
  return suggestion(meant?.key ?? key, [...rows.map((row) => row.key), ...otherKeys]);
}

/** Errors: returns what is wrong, and in which line. */
export function parseToml(toml: string): Readonly<Record<string, unknown>> | InvalidValue {
  try {
    // Integers as bigint: `5` and `5.0` differ where an integer means milliseconds.
    return tomlPackage().parse(toml, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof tomlPackage().TomlError)) throw error;
    const format = otherFormat(toml);
    if (format !== undefined) {
      return new InvalidValue(`the file is ${format}, but must be TOML, such as ${TOML_EXAMPLE}`);
    }
    const begin = unclosedLine(toml, error);
    if (begin !== undefined) {
      return new InvalidValue(`line ${begin}: the list or table that begins here is not closed`);
    }
    // The lines after the first one point at the place, which does not fit a log line.
    const [reason] = error.message.replace('Invalid TOML document: ', '').split('\n', 1);
    return new InvalidValue(`line ${error.line}, column ${error.column}: ${reason}`);
  }
}

/** The format that a file seems to have instead of TOML; undefined if none is obvious. */
function otherFormat(text: string): string | undefined {
  if (/^\s*\{/.test(text)) return 'JSON';
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  return first !== undefined && /^(---\s*$|[\w-]+\s*:(\s|$))/.test(first) ? 'YAML' : undefined;
}

/** The line where an unclosed list or table begins; undefined if the error has another cause. */
function unclosedLine(toml: string, { line, message }: TomlError): number | undefined {
  const lines = toml.split('\n');
  const next = lines[line - 1] ?? '';
  const isAtEnd = next.trim() === '';
  const isAtKey = message.includes('end of structure') && /^\s*["'\w-]+\s*=/.test(next);
  if (!isAtEnd && !isAtKey) return undefined;
  const begin = lines.slice(0, line - 1).findLastIndex((text) => /=\s*[[{]/.test(text));
  return begin === -1 ? undefined : begin + 1;
}

/** The line of a key, as the beginning of a sentence; empty if the key is written in an unusual form. */
function lineText(toml: string, key: string): string {
  const names = new Set([key, `"${key}"`, `'${key}'`]);
  const index = toml.split('\n').findIndex((line) => {
    const [, table, name] = /^\s*(?:\[+\s*([^\]]*?)\s*\]|([^=]*?)\s*[=.])/.exec(line) ?? [];
    return names.has((table ?? name ?? '').split('.', 1)[0]);
  });
  return index === -1 ? '' : `line ${index + 1}: `;
}

/** No path, address or name may contain one. */
function hasZeroByte(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasZeroByte);
  return typeof value === 'string' && value.includes('\0');
}

/** A value as an error shows it: without the passwords of URLs. */
function spell(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return value.toString();
  return hideCredentialsIn(
    JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? Number(part) : part)),
  );
}
