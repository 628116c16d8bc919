/**
 * nsqd's configuration file: TOML with one flat table of keys. Keys that no option has are ignored, as nsqd does.
 *
 * Thread: any.
 * Source: go-options `Resolve`; differs in taking what makes nsqd misread or crash (integers among floats) sanely, and
 * in refusing an integer for a boolean.
 */

import { parse, TomlError } from 'smol-toml';
import { OPTION_ROWS } from '../../main/options/options.ts';
import { Refused } from './refused.ts';

/** Reads a file's text. Returns values by the names of options. */
export function parseConfigFile(toml: string): ReadonlyMap<string, unknown> | Refused {
  const table = parseToml(toml);
  if (table instanceof Refused) return table;

  const values = new Map<string, unknown>();
  for (const [name, { key, kind }] of OPTION_ROWS) {
    if (!Object.hasOwn(table, key)) continue;
    const value = kind.parseConfig(table[key]);
    if (value instanceof Refused) {
      return new Refused(`invalid value ${spell(table[key])} for ${key}: ${value.why}`);
    }
    values.set(name, value);
  }
  return values;
}

function parseToml(toml: string): Readonly<Record<string, unknown>> | Refused {
  try {
    // Integers as bigint: where milliseconds are meant, `5` and `5.0` are not the same.
    return parse(toml, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Behind the first line of the message stands a drawing of the place, which a log line cannot hold.
    return new Refused(
      `line ${error.line}, column ${error.column}: ${error.message.split('\n', 1)[0]}`,
    );
  }
}

/** A value as an error shows it. */
function spell(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? Number(part) : part));
}
