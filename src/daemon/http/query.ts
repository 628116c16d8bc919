/**
 * The parameters of a request's query string. Of a parameter that is given twice the first value counts.
 *
 * Thread: any.
 * Source: Go's `url.ParseQuery`, of which nsqd takes any error to be a refusal of the whole.
 */

const PERCENT = 0x25;
const AMPERSAND = 0x26;
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const ASCII_MAX = 0x7f;

export class Query {
  /** Names and values in turn: there are few, so looking through them is faster than a map. */
  readonly #parts: readonly string[];

  private constructor(parts: readonly string[]) {
    this.#parts = parts;
  }

  /**
   * Reads what stands behind the `?`. Shape: `raw` has a character per byte, as Node hands URLs over.
   * Errors: undefined when there is a semicolon or an escape that is none.
   */
  static parse(raw: string): Query | undefined {
    const parts: string[] = [];
    let from = 0;
    let isEscaped = false;
    for (let at = 0; at <= raw.length; at += 1) {
      const code = at === raw.length ? AMPERSAND : raw.charCodeAt(at);
      if (code === SEMICOLON) return undefined;
      if (code === PERCENT || code === PLUS || code > ASCII_MAX) isEscaped = true;
      if (code !== AMPERSAND) continue;
      if (at > from && !addPart(parts, raw.slice(from, at), isEscaped)) return undefined;
      from = at + 1;
      isEscaped = false;
    }
    return new Query(parts);
  }

  /** The first value with this name; undefined when there is none. */
  get(name: string): string | undefined {
    for (let index = 0; index < this.#parts.length; index += 2) {
      if (this.#parts[index] === name) return this.#parts[index + 1];
    }
    return undefined;
  }
}

/** Adds one `name=value`. Errors: false when an escape in it is none. */
function addPart(parts: string[], part: string, isEscaped: boolean): boolean {
  const equals = part.indexOf('=');
  const name = equals === -1 ? part : part.slice(0, equals);
  const value = equals === -1 ? '' : part.slice(equals + 1);
  if (!isEscaped) {
    parts.push(name, value);
    return true;
  }
  const plainName = unescapePercent(name.replaceAll('+', ' '));
  const plainValue = unescapePercent(value.replaceAll('+', ' '));
  if (plainName === undefined || plainValue === undefined) return false;
  parts.push(plainName, plainValue);
  return true;
}

/**
 * Resolves `%hh`. Shape: takes a character per byte and returns the text that these bytes are in UTF-8, with
 * U+FFFD for what is not UTF-8; no valid name contains it.
 * Errors: undefined when a `%` has no two hex digits behind it.
 */
export function unescapePercent(raw: string): string | undefined {
  const bytes = Buffer.from(raw, 'latin1');
  let size = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    let byte = bytes[at];
    if (byte === PERCENT) {
      if (at + 2 >= bytes.length) return undefined;
      byte = hexDigit(bytes[at + 1]) * 16 + hexDigit(bytes[at + 2]);
      if (Number.isNaN(byte)) return undefined;
      at += 2;
    }
    bytes[size] = byte;
    size += 1;
  }
  return bytes.toString('utf8', 0, size);
}

/** The value of a hex digit, NaN for any other character. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const upper = code & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : Number.NaN;
}
