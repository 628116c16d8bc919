/**
 * Texts exactly as a Go program prints them: quoted bytes, JSON, local time.
 *
 * Thread: any.
 */

/** Short escapes that Go's `%q` uses, by code point. */
const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
  [0x0b, '\\v'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

/** What Go prints unescaped: letters, marks, numbers, punctuation, symbols, and of the spaces only the plain one. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Characters that Go's JSON always escapes, so that JSON can be embedded in HTML and scripts. */
const UNSAFE_IN_HTML = /[<>&\u2028\u2029]/g;

/**
 * Quotes any bytes as Go's `%q` does: everything except printable UTF-8 is escaped, invalid bytes one by one.
 *
 * Source: Go's `strconv.Quote`.
 */
export function goQuote(text: Uint8Array | string): string {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  let quoted = '"';
  let index = 0;
  while (index < bytes.length) {
    const size = sequenceBytes(bytes, index);
    quoted += size === 0 ? hexEscape(bytes[index]) : quoteCharacter(codePoint(bytes, index, size));
    index += size === 0 ? 1 : size;
  }
  return `${quoted}"`;
}

/** Compact JSON in Go's spelling: `<`, `>`, `&` and the two Unicode line ends are escaped. */
export function goJson(value: object | string | number | boolean | null): string {
  return JSON.stringify(value).replace(UNSAFE_IN_HTML, (character) =>
    unicodeEscape(character.charCodeAt(0)),
  );
}

/**
 * A moment in local time, to the second: `2026-11-21T19:23:40+01:00`, with `Z` if the offset is zero.
 *
 * Units: `unixMs` in ms since 1970; fractions of a second are cut off.
 */
export function formatRfc3339(unixMs: number): string {
  const time = new Date(unixMs);
  const day = `${pad(time.getFullYear(), 4)}-${pad(time.getMonth() + 1, 2)}-${pad(time.getDate(), 2)}`;
  const clock = `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}`;
  return `${day}T${clock}${zone(-time.getTimezoneOffset())}`;
}

/** Units: `offset` in minutes east of Greenwich. */
function zone(offset: number): string {
  if (offset === 0) return 'Z';
  const minutes = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}`;
}

function pad(value: number, width: number): string {
  return value.toString().padStart(width, '0');
}

function quoteCharacter(point: number): string {
  const short = SHORT_ESCAPES.get(point);
  if (short !== undefined) return short;
  if (point < 0x20 || point === 0x7f) return hexEscape(point);
  const character = String.fromCodePoint(point);
  if (PRINTABLE.test(character)) return character;
  return unicodeEscape(point);
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

function unicodeEscape(point: number): string {
  const hex = point.toString(16);
  return point < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** Length of the UTF-8 sequence that begins here; 0 if none does. */
function sequenceBytes(bytes: Uint8Array, index: number): number {
  const first = bytes[index];
  if (first < 0x80) return 1;
  const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size === 0 || index + size > bytes.length) return 0;
  for (let at = index + 1; at < index + size; at += 1) {
    if ((bytes[at] & 0xc0) !== 0x80) return 0;
  }
  const point = codePoint(bytes, index, size);
  const isOverlong = size === 3 ? point < 0x800 : size === 4 && point < 0x10000;
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  return isOverlong || isSurrogate || point > 0x10ffff ? 0 : size;
}

/** Decodes a sequence of this size. */
function codePoint(bytes: Uint8Array, index: number, size: number): number {
  if (size === 1) return bytes[index];
  let point = bytes[index] & (0x7f >> size);
  for (let at = index + 1; at < index + size; at += 1) point = (point << 6) | (bytes[at] & 0x3f);
  return point;
}
