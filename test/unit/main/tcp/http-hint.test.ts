import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpHint, isHttp } from '../../../../src/main/tcp/http-hint.ts';

for (const [text, wanted] of [
  ['GET /ping HTTP/1.1', true],
  ['POST /pub?topic=t', true],
  ['DELETE / HTTP/1.1', true],
  ['  V2', false],
  ['  V1', false],
  ['get ', false],
] as const) {
  test(`isHttp: ${JSON.stringify(text)} is ${wanted}`, () => {
    assert.equal(isHttp(Buffer.from(`x${text}`), 1), wanted);
  });
}

for (const [port, where] of [
  [4151, 'HTTP is on port 4151'],
  [0, 'HTTP is switched off'],
  [-1, 'HTTP is on a unix socket'],
] as const) {
  test(`httpHint: behind nsqd's frame stands a line that says: ${where}`, () => {
    const bytes = httpHint(port);
    const frameBytes = 4 + bytes.readUInt32BE(0);
    const behind = bytes.subarray(frameBytes);

    assert.equal(bytes.toString('latin1', 8, frameBytes), 'E_BAD_PROTOCOL');
    assert.equal(behind.toString(), `\0\nThis port speaks NSQ's TCP protocol; ${where}\n`);
    // To a client of the protocol it is the begin of a frame that never comes to its end.
    assert.ok(behind.readUInt32BE(0) > behind.length);
  });
}
