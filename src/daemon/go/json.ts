/**
 * Reads JSON from outside: from a client, a peer or a file.
 *
 * A scan checks the depth before the text is parsed, so that neither the parser nor code that traverses the value
 * overflows the stack. It uses no reviver, which would recurse and be called for every value.
 *
 * Thread: any (pure). Source: Go's `encoding/json`, which has the same bound.
 */

/** Deepest nesting of objects and lists. Source: Go's `maxNestingDepth`. */
export const JSON_DEPTH_MAX = 10_000;

/** A member of an object, with the source text of its value. */
export type JsonMember = { readonly key: string; readonly source: string };

const QUOTE = 0x22;
const COMMA = 0x2c;
const LIST_START = 0x5b;
const BACKSLASH = 0x5c;
const LIST_END = 0x5d;
const OBJECT_START = 0x7b;
const OBJECT_END = 0x7d;

/** Parses a text. Errors: returns undefined if it is not JSON or is nested too deeply; no JSON value is undefined. */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The members of the object in a text, in order, including duplicates. The text must be known to be valid JSON whose
 * value is an object; the result for any other text is meaningless.
 */
export function jsonMembers(text: string): JsonMember[] {
  const members: JsonMember[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    const keyStart = text.indexOf('"', at);
    if (keyStart === -1) return members;
    const keyEnd = stringEnd(text, keyStart);
    const key = unquote(text.slice(keyStart, keyEnd));
    const valueStart = text.indexOf(':', keyEnd) + 1;
    const valueEnd = memberEnd(text, valueStart);
    members.push({ key, source: text.slice(valueStart, valueEnd).trim() });
    at = valueEnd + 1;
  }
}

/** Whether a text is nested deeper than `JSON_DEPTH_MAX`, if it is JSON at all. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at) - 1;
        break;
      case LIST_START:
      case OBJECT_START:
        if (++depth > JSON_DEPTH_MAX) return true;
        break;
      case LIST_END:
      case OBJECT_END:
        depth--;
        break;
    }
  }
  return false;
}

/** The end of a member's value: the comma after it, or the end of its object. */
function memberEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at) - 1;
        break;
      case LIST_START:
      case OBJECT_START:
        depth++;
        break;
      case LIST_END:
      case OBJECT_END:
        if (depth-- === 0) return at;
        break;
      case COMMA:
        if (depth === 0) return at;
        break;
    }
  }
  return text.length;
}

/** The position after the closing quote of the string that begins at `start`; the text's length if it is not closed. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return text.length;
}

/** The value of a JSON string. */
function unquote(source: string): string {
  // A complete string of a valid text parses to a string.
  return source.includes('\\') ? (JSON.parse(source) as string) : source.slice(1, -1);
}

/** Whether a parsed value is an object, and neither an array nor null. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
