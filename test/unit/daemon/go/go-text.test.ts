import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { formatRfc3339, goJson, goQuote } from '../../../../src/daemon/go/go-text.ts';

const QUOTED: readonly (readonly [string, readonly number[] | string, string])[] = [
  ['nothing', '', '""'],
  ['plain text', 'a topic', '"a topic"'],
  ['quotes and backslashes', 'a"b\\c', '"a\\"b\\\\c"'],
  ['an apostrophe', "it's", '"it\'s"'],
  ['the short escapes', [7, 8, 12, 10, 13, 9, 11], '"\\a\\b\\f\\n\\r\\t\\v"'],
  ['other control bytes', [0, 1, 0x1b, 0x7f], '"\\x00\\x01\\x1b\\x7f"'],
  ['printable Unicode', 'é日本😀', '"é日本😀"'],
  ['spaces other than the plain one', '\u00a0\u2003\u2028', '"\\u00a0\\u2003\\u2028"'],
  ['unprintable characters', '\u0085\u200b\ufeff', '"\\u0085\\u200b\\ufeff"'],
  ['unprintable characters beyond 16 bits', '\u{e0001}', '"\\U000e0001"'],
  ['an invalid byte', [0xff], '"\\xff"'],
  ['a sequence cut short', [0x61, 0xe6, 0x97], '"a\\xe6\\x97"'],
  ['an overlong sequence', [0xc0, 0x80, 0xe0, 0x80, 0x80], '"\\xc0\\x80\\xe0\\x80\\x80"'],
  ['a surrogate', [0xed, 0xa0, 0x80], '"\\xed\\xa0\\x80"'],
  ['more than Unicode has', [0xf4, 0x90, 0x80, 0x80], '"\\xf4\\x90\\x80\\x80"'],
  ['a replacement character that is really there', [0xef, 0xbf, 0xbd], '"\ufffd"'],
];

for (const [what, text, quoted] of QUOTED) {
  test(`goQuote: quotes ${what}`, () => {
    assert.equal(goQuote(typeof text === 'string' ? text : Uint8Array.from(text)), quoted);
  });
}

test('goQuote: tells valid from invalid UTF-8 as a decoder does', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const hasEscapedByte = /(?<!\\)(\\\\)*\\x[89a-f]/.test(goQuote(bytes));
      return hasEscapedByte === !isUtf8(bytes);
    }),
  );
});

test('goJson: is compact and escapes what HTML would misread', () => {
  const value = { message: '<a> & "b" \u2028\u2029', count: 1, list: [true, null, 0.95] };

  assert.equal(
    goJson(value),
    '{"message":"\\u003ca\\u003e \\u0026 \\"b\\" \\u2028\\u2029","count":1,"list":[true,null,0.95]}',
  );
});

/** Any characters. (fast-check's own kind of them begins with two seconds of tables.) */
const TEXT = fc
  .array(fc.oneof(fc.nat(0xff), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })))
  .map((codePoints) => String.fromCodePoint(...codePoints));

test('goJson: means the same as any JSON', () => {
  fc.assert(fc.property(TEXT, (text) => JSON.parse(goJson(text)) === text));
});

for (const [zone, text] of [
  ['UTC', '2026-11-21T19:23:40Z'],
  ['Europe/Berlin', '2026-11-21T20:23:40+01:00'],
  ['Asia/Kolkata', '2026-11-22T00:53:40+05:30'],
  ['America/St_Johns', '2026-11-21T15:53:40-03:30'],
] as const) {
  test(`formatRfc3339: writes the time in ${zone}`, (t) => {
    useZone(t, zone);

    assert.equal(formatRfc3339(Date.UTC(2026, 10, 21, 19, 23, 40, 999)), text);
  });
}

function useZone(t: TestContext, zone: string): void {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  t.after(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
}

function isUtf8(bytes: Uint8Array): boolean {
  return Buffer.from(Buffer.from(bytes).toString('utf8'), 'utf8').equals(bytes);
}
