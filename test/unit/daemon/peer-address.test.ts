import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidValue } from '../../../src/daemon/options/invalid-value.ts';
import { parsePeerAddress } from '../../../src/daemon/peer-address.ts';

for (const [text, address] of [
  ['host:4160', { host: 'host', port: 4160 }],
  [' host:4160 ', { host: 'host', port: 4160 }],
  ['[::1]:65535', { host: '::1', port: 65535 }],
  [':8125', { host: 'localhost', port: 8125 }],
  ['', 'is empty'],
  ['host', 'has no port'],
  ['host:0', 'has port 0, which no server has'],
] as const) {
  test(`parsePeerAddress: ${JSON.stringify(text)}`, () => {
    const wanted = typeof address === 'string' ? new InvalidValue(address) : address;

    assert.deepStrictEqual(parsePeerAddress(text), wanted);
  });
}
