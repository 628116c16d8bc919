/**
 * Reads a JSON object into fields of known types, as strictly and as loosely as Go's `encoding/json` does:
 * unknown keys are ignored, known keys match in any case, null is the same as absent, and an integer must be
 * written as one (`1000.0` and `1e3` are none).
 *
 * Bound: the caller's, for the time that parsing takes; `FIELDS_BYTES_MAX` is ample for anything that NSQ's programs
 * say of themselves.
 *
 * Thread: any. Source: Go's `encoding/json`, nsqd `identifyDataV2`.
 */

import { jsonMembers, parseJson } from './json.ts';

type FieldType = 'string' | 'bool' | 'int' | 'int32';
type FieldTypes = Readonly<Record<string, FieldType>>;
type FieldValue<T extends FieldType> = T extends 'string'
  ? string
  : T extends 'bool'
    ? boolean
    : number;

/** The fields, each of its type. */
export type GoFields<T extends FieldTypes> = { [Name in keyof T]: FieldValue<T[Name]> };

/** Most bytes of such an object: parsing the worst of that size takes main about a millisecond. */
export const FIELDS_BYTES_MAX = 64 * 1024;

const INTEGER = /^-?\d+$/;
const INT32_MAX = 2 ** 31 - 1;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** Returns undefined when the bytes are no JSON object (or null), or a known key has a value of another type. */
export function parseGoFields<T extends FieldTypes>(
  bytes: Buffer,
  types: T,
): GoFields<T> | undefined {
  const text = bytes.toString();
  const parsed = parseJson(text);
  if (parsed === undefined) return undefined;
  const fields: Record<string, string | boolean | number> = {};
  for (const [name, type] of Object.entries(types)) fields[name] = emptyValue(type);
  if (parsed !== null) {
    if (typeof parsed !== 'object' || Array.isArray(parsed)) return undefined;
    for (const { key, source } of jsonMembers(text)) {
      const name = key.toLowerCase();
      if (source === 'null' || !Object.hasOwn(types, name)) continue;
      const read = readValue(source, types[name]);
      if (read === undefined) return undefined;
      fields[name] = read;
    }
  }
  // Every name of the table is set, to a value of its type.
  return fields as GoFields<T>;
}

function emptyValue(type: FieldType): string | boolean | number {
  if (type === 'string') return '';
  return type === 'bool' ? false : 0;
}

/** Shape: `source` is a value of JSON as it is written. */
function readValue(source: string, type: FieldType): string | boolean | number | undefined {
  if (type === 'string') return source.startsWith('"') ? String(JSON.parse(source)) : undefined;
  if (type === 'bool') return BOOLEANS.get(source);
  if (!INTEGER.test(source)) return undefined;
  const number = Number(source);
  const isInRange = type === 'int32' ? Math.abs(number) <= INT32_MAX : Number.isSafeInteger(number);
  // Large numbers are refused by their field's own range all the same; -0 is 0.
  return isInRange ? number + 0 : undefined;
}
