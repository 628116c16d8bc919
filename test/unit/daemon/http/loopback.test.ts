import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback } from '../../../../src/daemon/http/loopback.ts';

for (const [address, wanted] of [
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['::', false],
  ['0.0.0.0', false],
  ['fe80::1', false],
  [undefined, false],
] as const) {
  test(`isLoopback: ${address} is ${wanted}`, () => {
    assert.equal(isLoopback(address), wanted);
  });
}
