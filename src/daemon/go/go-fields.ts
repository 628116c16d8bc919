/**
 * Reads a JSON object into fields of known types, with the rules of Go's `encoding/json`: unknown keys are ignored,
 * known keys match in any case, null is the same as absent, and an integer must be written as one (`1000.0` and `1e3`
 * are invalid).
 *
 * Bound: the caller limits the size and so the time to parse; `FIELDS_BYTES_MAX` is ample for the data that NSQ's
 * programs send about themselves.
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

/** Returns undefined if the bytes are not a JSON object (or null), or a known key has a value of another type. */
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
  // The loop has set every name of the table to a value of its type.
  return fields as GoFields<T>;
}

function emptyValue(type: FieldType): string | boolean | number {
  if (type === 'string') return '';
  return type === 'bool' ? false : 0;
}

/** Shape: `source` is the source text of a JSON value. */
function readValue(source: string, type: FieldType): string | boolean | number | undefined {
  if (type === 'string') return source.startsWith('"') ? String(JSON.parse(source)) : undefined;
  if (type === 'bool') return BOOLEANS.get(source);
  if (!INTEGER.test(source)) return undefined;
  const number = Number(source);
  const isInRange = type === 'int32' ? Math.abs(number) <= INT32_MAX : Number.isSafeInteger(number);
  // The field's own range still rejects large numbers; adding 0 turns -0 into 0.
  return isInRange ? number + 0 : undefined;
}
