import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinHostPort, parsePeerAddress } from '../../../src/daemon/peer-address.ts';

for (const [text, address] of [
  ['host:4160', { host: 'host', port: 4160 }],
  ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
  ['[::1]:65535', { host: '::1', port: 65535 }],
  [':8125', { host: 'localhost', port: 8125 }],
  ['', undefined],
  ['host', undefined],
  ['host:', undefined],
  ['host:0', undefined],
  ['host:65536', undefined],
  ['host:name', undefined],
  ['::1:4160', undefined],
  ['[::1]', undefined],
  ['http://host:4160', undefined],
] as const) {
  test(`parsePeerAddress: ${JSON.stringify(text)}`, () => {
    assert.deepStrictEqual(parsePeerAddress(text), address);
  });
}

test('joinHostPort: puts brackets around IPv6', () => {
  assert.equal(joinHostPort('host', 80), 'host:80');
  assert.equal(joinHostPort('::1', 80), '[::1]:80');
});
