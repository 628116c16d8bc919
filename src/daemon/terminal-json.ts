/**
 * JSON that may be shown on a terminal: texts of clients and peers cannot control it, and cannot change the order in
 * which the rest of a line appears.
 *
 * Thread: any.
 */

/** Control characters beyond ASCII, separators of lines and paragraphs, bidirectional controls. */
const UNESCAPED = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const HEX_DIGITS = 4;

/** A value as JSON, indented by `indent` spaces; 0 puts it on one line. It parses to the same value. */
export function terminalJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(UNESCAPED, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(HEX_DIGITS, '0')}`;
}
