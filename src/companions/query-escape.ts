/**
 * Escapes a text or bytes for the query of an address.
 *
 * Thread: any (pure). Source: Go's `url.QueryEscape`, which works on bytes.
 */

const UNRESERVED = /[A-Za-z0-9\-_.~]/;
const HEX_BASE = 16;

/** A text is escaped as UTF-8. */
export function queryEscape(value: string | Buffer): string {
  let escaped = '';
  for (const byte of typeof value === 'string' ? Buffer.from(value) : value) {
    const character = String.fromCharCode(byte);
    if (UNRESERVED.test(character)) escaped += character;
    else if (character === ' ') escaped += '+';
    else escaped += `%${byte.toString(HEX_BASE).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
