/**
 * Reads a JSON object into fields of known types, as strictly and as loosely as Go's `encoding/json` does:
 * unknown keys are ignored, known keys match in any case, null is the same as absent, and an integer must be
 * written as one (`1000.0` and `1e3` are none).
 *
 * Thread: any. Source: Go's `encoding/json`, nsqd `identifyDataV2`.
 */

type FieldType = 'string' | 'bool' | 'int' | 'int32';
type FieldTypes = Readonly<Record<string, FieldType>>;
type FieldValue<T extends FieldType> = T extends 'string'
  ? string
  : T extends 'bool'
    ? boolean
    : number;

/** The fields, each of its type. */
export type GoFields<T extends FieldTypes> = { [Name in keyof T]: FieldValue<T[Name]> };

const INTEGER = /^-?\d+$/;
const INT32_MAX = 2 ** 31 - 1;

/** A number as it was written. */
class NumberToken {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** Returns undefined when the bytes are no JSON object (or null), or a known key has a value of another type. */
export function parseGoFields<T extends FieldTypes>(
  bytes: Buffer,
  types: T,
): GoFields<T> | undefined {
  const parsed = parseJson(bytes.toString());
  if (parsed === undefined) return undefined;
  const fields: Record<string, string | boolean | number> = {};
  for (const [name, type] of Object.entries(types)) fields[name] = emptyValue(type);
  if (parsed !== null) {
    if (typeof parsed !== 'object' || Array.isArray(parsed) || parsed instanceof NumberToken) {
      return undefined;
    }
    for (const [key, value] of Object.entries(parsed)) {
      const name = key.toLowerCase();
      if (value === null || !Object.hasOwn(types, name)) continue;
      const read = readValue(value, types[name]);
      if (read === undefined) return undefined;
      fields[name] = read;
    }
  }
  // Every name of the table is set, to a value of its type.
  return fields as GoFields<T>;
}

function parseJson(text: string): unknown {
  const keepNumbers = (_key: string, value: unknown, context: { source?: string }): unknown =>
    typeof value === 'number' && context.source !== undefined
      ? new NumberToken(context.source)
      : value;
  try {
    // The third parameter of a reviver is not in the library's types yet.
    return JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function emptyValue(type: FieldType): string | boolean | number {
  if (type === 'string') return '';
  return type === 'bool' ? false : 0;
}

function readValue(value: unknown, type: FieldType): string | boolean | number | undefined {
  if (type === 'string') return typeof value === 'string' ? value : undefined;
  if (type === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (!(value instanceof NumberToken) || !INTEGER.test(value.source)) return undefined;
  const number = Number(value.source);
  const isInRange = type === 'int32' ? Math.abs(number) <= INT32_MAX : Number.isSafeInteger(number);
  // Large numbers are refused by their field's own range all the same; -0 is 0.
  return isInRange ? number + 0 : undefined;
}
