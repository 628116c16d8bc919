/**
 * Decides which JSON messages pass, and with which fields.
 *
 * Thread: any (pure).
 * Source: nsq_to_nsq `shouldPassMessage`, `filterMessage`, and Go's `encoding/json` for the bytes of the result.
 */

/** The conditions. Shape: empty texts and lists are no condition. */
export type JsonFilterSetup = {
  readonly requiredField: string;
  readonly requiredValue: string;
  readonly fields: readonly string[];
};

/** The outcome for a message: it passes with a body, is dropped, is not a JSON object, or lacks the field. */
export type Filtered = Buffer | 'dropped' | 'no object' | 'no field';

type JsonObject = Readonly<Record<string, unknown>>;

export class JsonFilter {
  readonly #setup: JsonFilterSetup;
  /** NaN if the value is not a number. */
  readonly #requiredNumber: number;

  constructor(setup: JsonFilterSetup) {
    this.#setup = setup;
    const { requiredValue } = setup;
    this.#requiredNumber = requiredValue.trim() === '' ? Number.NaN : Number(requiredValue);
  }

  filter(body: Buffer): Filtered {
    const { requiredField, requiredValue, fields } = this.#setup;
    if (requiredField === '' && fields.length === 0) return body;
    const object = parseObject(body);
    if (object === null) return 'no object';
    if (requiredField !== '') {
      if (!Object.hasOwn(object, requiredField))
        return requiredValue === '' ? 'dropped' : 'no field';
      if (requiredValue !== '' && !this.#isRequired(object[requiredField])) return 'dropped';
    }
    if (fields.length === 0) return body;
    const kept = fields.filter((field) => Object.hasOwn(object, field));
    return Buffer.from(goJson(Object.fromEntries(kept.map((field) => [field, object[field]]))));
  }

  #isRequired(value: unknown): boolean {
    if (typeof value === 'string') return value === this.#setup.requiredValue;
    return typeof value === 'number' && value === this.#requiredNumber;
  }
}

/** Null if it is not an object. As in Go, `null` is an object without fields. */
function parseObject(body: Buffer): JsonObject | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (value === null) return {};
    return typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** As Go writes it: fields sorted by name, and characters escaped that are special in HTML or JavaScript. */
function goJson(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => sorted(part));
  return text.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function sorted(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
}
