import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framingRefusal } from '../../../../src/daemon/http/request-framing.ts';

const HOST = ['Host', 'x'];

for (const [what, version, rawHeaders, wanted] of [
  ['a host', [1, 1], HOST, undefined],
  ['an empty host', [1, 1], ['Host', ''], undefined],
  ['a host with a port', [1, 1], ['HOST', '[::1]:4151'], undefined],
  ['no host', [1, 1], [], '400 Bad Request: missing required Host header'],
  ['no host in HTTP/1.0', [1, 0], [], undefined],
  ['two hosts', [1, 1], [...HOST, 'host', 'x'], '400 Bad Request'],
  ['a space in the host', [1, 1], ['Host', 'a b'], '400 Bad Request: malformed Host header'],
  ['a slash in the host', [1, 0], ['Host', 'a/b'], '400 Bad Request: malformed Host header'],
  ['chunks', [1, 1], [...HOST, 'Transfer-Encoding', 'Chunked'], undefined],
  [
    'two encodings',
    [1, 1],
    [...HOST, 'transfer-encoding', 'gzip, chunked'],
    'Unsupported transfer encoding',
  ],
  [
    'two fields of encodings',
    [1, 1],
    [...HOST, 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'],
    'Unsupported transfer encoding',
  ],
  [
    'chunks in HTTP/1.0',
    [1, 0],
    [...HOST, 'Transfer-Encoding', 'chunked'],
    '400 Bad Request: Transfer-Encoding in HTTP/1.0',
  ],
  ['no version', [0, 9], [], '400 Bad Request'],
  ['the largest length', [1, 1], [...HOST, 'Content-Length', '9223372036854775807'], undefined],
  [
    'a larger length',
    [1, 1],
    [...HOST, 'content-length', '9223372036854775808'],
    '400 Bad Request',
  ],
  ['HTTP/2.0', [2, 0], HOST, '505 HTTP Version Not Supported: unsupported protocol version'],
] as const) {
  test(`framingRefusal: ${what} is ${wanted ?? 'clear'}`, () => {
    const [httpVersionMajor, httpVersionMinor] = version;
    const request = {
      httpVersionMajor,
      httpVersionMinor,
      rawHeaders: [...rawHeaders],
      method: 'GET',
    };

    const refusal = framingRefusal(request);

    assert.equal(refusal?.body, wanted);
    assert.equal(refusal?.headers.at(-1), wanted && 'close');
  });
}
