/** A message's body: as JSON, as text, and byte by byte. */

import { h, setAttribute, setText } from './dom.js';
import { bytes } from './format.js';

const INDENT = '  ';
/** Deeper levels are not indented further: a body of brackets alone would grow without end. */
const INDENT_LEVELS_MAX = 40;
const TEXT_CHARACTERS_MAX = 512 * 1024;
const HEX_BYTES_MAX = 64 * 1024;
const HEX_ROW = 16;

/**
 * @param {import('./types.d.ts').Message} message
 * @returns {HTMLElement}
 */
export function bodyView({ body, encoding, size }) {
  const data = encoding === 'text' ? new TextEncoder().encode(body) : bytesOf(body);
  const text = encoding === 'text' ? body : new TextDecoder().decode(data);
  const shown = h('pre', { class: 'message-body', tabindex: '0', 'aria-label': 'Body' });
  const note = h('p', { class: 'count' });
  /** @type {Record<string, () => [text: string, note: string]>} */
  const ways = {
    ...(isJson(text) ? { JSON: () => indented(text) } : {}),
    Text: () => [
      text.slice(0, TEXT_CHARACTERS_MAX),
      encoding === 'text'
        ? cutNote(text.length > TEXT_CHARACTERS_MAX)
        : 'Not valid UTF-8: what cannot be shown is replaced.',
    ],
    Hex: () => [
      hexOf(data.subarray(0, HEX_BYTES_MAX)),
      data.length > HEX_BYTES_MAX ? `The first ${bytes(HEX_BYTES_MAX)} of ${bytes(size)}.` : '',
    ],
  };
  /** @type {Map<string, HTMLElement>} */
  const tabs = new Map();
  /** @param {string} way */
  const show = (way) => {
    const [content, remark] = ways[way]();
    setText(shown, content);
    shown.classList.toggle('hex', way === 'Hex');
    setText(note, remark);
    note.hidden = remark === '';
    for (const [name, tab] of tabs) setAttribute(tab, 'aria-pressed', String(name === way));
  };
  for (const way of Object.keys(ways)) {
    tabs.set(way, h('button', { type: 'button', onclick: () => show(way) }, way));
  }
  show(encoding === 'text' ? Object.keys(ways)[0] : 'Hex');
  return h(
    'div',
    { class: 'body-view' },
    h('div', { class: 'tabs', role: 'group', 'aria-label': 'Show the body as' }, ...tabs.values()),
    shown,
    note,
  );
}

/**
 * JSON on lines. The text stays as it is, apart from spaces: reading and writing it again would round long numbers.
 * @param {string} json valid JSON
 * @returns {[text: string, isCut: boolean]}
 */
function indentJson(json) {
  let out = '';
  let depth = 0;
  let last = '';
  const line = () => `\n${INDENT.repeat(Math.min(depth, INDENT_LEVELS_MAX))}`;
  // A string, a bracket, a comma, a colon, or a number or word.
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const isOpened = last === '{' || last === '[';
    const isClosing = token === '}' || token === ']';
    if (isClosing) depth--;
    if (isOpened !== isClosing || last === ',') out += line();
    out += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth++;
    last = token;
    if (out.length > TEXT_CHARACTERS_MAX) return [out.slice(0, TEXT_CHARACTERS_MAX), true];
  }
  return [out, false];
}

/**
 * @param {string} json
 * @returns {[text: string, note: string]}
 */
function indented(json) {
  const [text, isCut] = indentJson(json);
  return [text, cutNote(isCut)];
}

/** @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return false;
  }
}

/**
 * Lines of 16 bytes: where they are, each in hexadecimal, and what of them is ASCII.
 * @param {Uint8Array} data
 */
function hexOf(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += HEX_ROW) {
    const row = [...data.subarray(at, at + HEX_ROW)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = row.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    );
    const place = at.toString(16).padStart(6, '0');
    lines.push(`${place}  ${hex.padEnd(HEX_ROW * 3 - 1)}  ${ascii.join('')}`);
  }
  return lines.join('\n');
}

/** @param {string} base64 */
function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** @param {boolean} isCut */
function cutNote(isCut) {
  return isCut ? `The first ${bytes(TEXT_CHARACTERS_MAX)} of it.` : '';
}
