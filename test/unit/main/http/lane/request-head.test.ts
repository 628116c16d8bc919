import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FOREIGN,
  INCOMPLETE,
  RequestHead,
} from '../../../../../src/main/http/lane/request-head.ts';

const LINE = 'POST /pub?topic=t HTTP/1.1\r\n';
const HOST = 'Host: x\r\n';
const LENGTH = 'Content-Length: 5\r\n';
const USUAL = `${LINE}${HOST}${LENGTH}\r\n`;

function makeHead(): RequestHead {
  return new RequestHead((host) => host !== 'foreign');
}

function read(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return makeHead().read(bytes, 0, bytes.length);
}

for (const [text, wanted] of [
  [USUAL, { isMany: false, rawQuery: 'topic=t', host: 'x', length: 5, isLast: false }],
  [
    'POST /mpub?topic=a%23ephemeral&binary=true HTTP/1.1\r\nCONTENT-LENGTH:0\r\nhost:[::1]:4151\r\n\r\n',
    {
      isMany: true,
      rawQuery: 'topic=a%23ephemeral&binary=true',
      host: '[::1]:4151',
      length: 0,
      isLast: false,
    },
  ],
  [
    `${LINE}${HOST}User-Agent: a b/1 (c)\r\nAccept:\r\nConnection: Close\r\nTransfer-Encoding: Chunked\r\n\r\n`,
    { isMany: false, rawQuery: 'topic=t', host: 'x', length: -1, isLast: true },
  ],
] as const) {
  test(`RequestHead: reads ${JSON.stringify(text)}`, () => {
    const head = makeHead();
    const bytes = Buffer.from(`${text}tail`);

    const end = head.read(bytes, 0, bytes.length);

    const { isMany, rawQuery, host, length, isLast } = head;
    assert.equal(end, text.length);
    assert.deepEqual({ isMany, rawQuery, host, length, isLast }, wanted);
  });

  test(`RequestHead: every part of ${JSON.stringify(text)} is incomplete`, () => {
    const ends = Array.from(text, (_, size) => read(text.slice(0, size)));

    assert.deepEqual(new Set(ends), new Set([INCOMPLETE]));
  });
}

for (const text of [
  'GET /pub?topic=t HTTP/1.1\r\n',
  'post /pub?topic=t HTTP/1.1\r\n',
  'POST  /pub?topic=t HTTP/1.1\r\n',
  'POST /pub HTTP/1.1\r\n',
  'POST /pub/?topic=t HTTP/1.1\r\n',
  'POST /pub?topic=t#x HTTP/1.1\r\n',
  'POST /pub?topic=t  HTTP/1.1\r\n',
  'POST /pub?topic=t HTTP/1.0\r\n',
  'POST /pub?topic=t HTTP/1.1\n',
  'POST /pub?topic=\xff HTTP/1.1\r\n',
  '\r\nPOST /pub?topic=t HTTP/1.1\r\n',
  `${LINE}${LENGTH}\r\n`,
  `${LINE}${HOST}\r\n`,
  `${LINE}${HOST}${HOST}`,
  `${LINE}Host:\r\n`,
  `${LINE}Host: a b\r\n`,
  `${LINE}Host: foreign\r\n${LENGTH}\r\n`,
  `${LINE}${LENGTH}${LENGTH}`,
  `${LINE}Content-Length: 5, 5\r\n`,
  `${LINE}Content-Length: +5\r\n`,
  `${LINE}Content-Length: 5 \r\n`,
  `${LINE}Content-Length:\r\n`,
  `${LINE}Content-Length: 1234567890\r\n`,
  `${LINE}${LENGTH}Transfer-Encoding: chunked\r\n`,
  `${LINE}Transfer-Encoding: chunked\r\n${LENGTH}`,
  `${LINE}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`,
  `${LINE}Transfer-Encoding: gzip, chunked\r\n`,
  `${LINE}Transfer-Encoding: identity\r\n`,
  `${LINE}Transfer-Encoding: \x0bchunked\r\n`,
  `${LINE}Connection: upgrade\r\n`,
  `${LINE}Connection: keep-alive\r\nConnection: close\r\n`,
  `${LINE}Proxy-Connection: close\r\n`,
  `${LINE}Upgrade: websocket\r\n`,
  `${LINE}Expect: 100-continue\r\n`,
  `${LINE}Origin: http://x\r\n`,
  `${LINE}Sec-Fetch-Site: none\r\n`,
  `${LINE}TE: trailers\r\n`,
  `${LINE}X: a\r\n b`,
  `${LINE} X: a\r\n`,
  `${LINE}X : a\r\n`,
  `${LINE}: a\r\n`,
  `${LINE}X: a\rb`,
  `${LINE}X: a\nb`,
  `${LINE}X: a\tb\r\n`,
  `${LINE}X: a\x00b\r\n`,
  `${LINE}X: \x7f\r\n`,
  `${LINE}X: \xff\r\n`,
  `${LINE}${HOST}${LENGTH}\rx`,
  `${LINE}X: ${'y'.repeat(4096)}`,
]) {
  test(`RequestHead: ${JSON.stringify(text.slice(0, 100))} is foreign`, () => {
    assert.equal(read(text), FOREIGN);
  });
}

test('RequestHead: knows the last head again, and the next one that differs', () => {
  const head = makeHead();
  const other = USUAL.replace('topic=t', 'topic=u');
  const bytes = Buffer.from(USUAL + USUAL + other);

  const queries = [0, USUAL.length, 2 * USUAL.length].map((at) => {
    const end = head.read(bytes, at, bytes.length);
    return [end - at, head.rawQuery];
  });

  assert.deepEqual(queries, [
    [USUAL.length, 'topic=t'],
    [USUAL.length, 'topic=t'],
    [other.length, 'topic=u'],
  ]);
});

test('RequestHead: does not know a head again after a foreign one', () => {
  const head = makeHead();
  const wrong = Buffer.from(`${LINE}Host: y\r\nExpect: x\r\n`);

  head.read(Buffer.from(USUAL), 0, USUAL.length);
  const ends = [head.read(wrong, 0, wrong.length), head.read(Buffer.from(USUAL), 0, USUAL.length)];

  assert.deepEqual([...ends, head.host], [FOREIGN, USUAL.length, 'x']);
});
