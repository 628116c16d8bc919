import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkedBody } from '../../../../../src/main/http/lane/chunked-body.ts';
import { FOREIGN, INCOMPLETE } from '../../../../../src/main/http/lane/request-head.ts';

const BYTES_MAX = 20;

function read(text: string): number {
  const bytes = Buffer.from(text);
  return new ChunkedBody().read(bytes, 0, bytes.length, BYTES_MAX);
}

for (const [text, wanted] of [
  ['0\r\n\r\n', ''],
  ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
  [
    '00a\r\n0123456789\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n0000\r\n\r\n',
    '0123456789\r\n\r\n\r\n\r\n\r\n',
  ],
] as const) {
  test(`ChunkedBody: reads ${JSON.stringify(text)}`, () => {
    const body = new ChunkedBody();
    const bytes = Buffer.from(`xx${text}yy`);

    const end = body.read(bytes, 2, bytes.length, BYTES_MAX);
    const copy = Buffer.alloc(body.length, '>');
    body.copy(bytes, { fill: (source, from, to, at) => at + source.copy(copy, at, from, to) });

    assert.deepEqual([end, copy.toString()], [2 + text.length, wanted]);
  });

  test(`ChunkedBody: every part of ${JSON.stringify(text)} is incomplete`, () => {
    const ends = Array.from(text, (_, size) => read(text.slice(0, size)));

    assert.deepEqual(new Set(ends), new Set([INCOMPLETE]));
  });
}

for (const text of [
  '\r\n',
  'x\r\n',
  '5 \r\n',
  ' 5\r\n',
  '5;a=b\r\n',
  '0x5\r\n',
  '+5\r\n',
  '5\n',
  '5\rx',
  '000000005\r\n',
  '5\r\nhellox',
  '5\r\nhello\n',
  '0\r\nA: b\r\n\r\n',
  '0\r\n\n',
  '15\r\n',
  'f\r\n012345678901234\r\n6\r\n',
  `${'1\r\nx\r\n'.repeat(65)}`,
]) {
  test(`ChunkedBody: ${JSON.stringify(text.slice(0, 40))} is foreign`, () => {
    assert.equal(read(text), FOREIGN);
  });
}
