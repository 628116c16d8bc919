/**
 * The parameters of a request's query string. If a parameter is repeated, the first value counts.
 *
 * Thread: any.
 * Source: Go's `url.ParseQuery`; nsqd refuses the whole query on any error.
 */

const SPACE = 0x20;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

export class Query {
  /** The raw text: only the parameters that are read get decoded. */
  readonly #raw: string;

  private constructor(raw: string) {
    this.#raw = raw;
  }

  /**
   * Parses the text after the `?`. Shape: `raw` has a character per byte, as in Node's URLs.
   * Errors: undefined if there is a semicolon or an invalid escape.
   */
  static parse(raw: string): Query | undefined {
    for (let at = 0; at < raw.length; at += 1) {
      const code = raw.charCodeAt(at);
      if (code === SEMICOLON) return undefined;
      if (code !== PERCENT) continue;
      if (Number.isNaN(escapedByte(raw, at))) return undefined;
      at += 2;
    }
    return new Query(raw);
  }

  /** The first value of this name, which is ASCII; undefined if it is missing. */
  get(name: string): string | undefined {
    const raw = this.#raw;
    for (let from = 0; from < raw.length; ) {
      const nameEnd = endOfName(raw, from, name);
      const found = raw.indexOf('&', nameEnd === -1 ? from : nameEnd);
      const end = found === -1 ? raw.length : found;
      // An empty text between two ampersands is not a parameter.
      if (nameEnd !== -1 && end > from) {
        return unescapePercent(raw.slice(nameEnd + 1, end).replaceAll('+', ' '));
      }
      from = end + 1;
    }
    return undefined;
  }
}

/** The end of the parameter name that begins at `from`, if it is this one; -1 if not. */
function endOfName(raw: string, from: number, name: string): number {
  let at = from;
  for (let index = 0; index < name.length; index += 1) {
    let code = raw.charCodeAt(at);
    if (code === AMPERSAND || code === EQUALS) return -1;
    if (code === PLUS) code = SPACE;
    if (code === PERCENT) {
      code = escapedByte(raw, at);
      at += 2;
    }
    if (code !== name.charCodeAt(index)) return -1;
    at += 1;
  }
  const isEnd = at >= raw.length || raw[at] === '&' || raw[at] === '=';
  return isEnd ? at : -1;
}

/** The byte of `%hh`; NaN if it is not a valid escape. */
function escapedByte(raw: string, at: number): number {
  return hexDigit(raw.charCodeAt(at + 1)) * 16 + hexDigit(raw.charCodeAt(at + 2));
}

/**
 * Decodes `%hh`. Shape: takes a character per byte and decodes the bytes as UTF-8, with U+FFFD for invalid ones; no
 * valid name contains it.
 * Errors: undefined if a `%` is not followed by two hex digits.
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
