import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, spellAddress } from '../../../../../scripts/bench/wire/address.ts';

test('address: host and port, an IPv6 host in brackets', () => {
  const texts = ['localhost:4150', '10.0.0.1:1', '[::1]:65535'];

  const parsed = texts.map(parseAddress);
  assert.deepStrictEqual(parsed, [
    { host: 'localhost', port: 4150 },
    { host: '10.0.0.1', port: 1 },
    { host: '::1', port: 65_535 },
  ]);
  assert.deepStrictEqual(
    parsed.map((address) => address && spellAddress(address)),
    texts,
  );
});

test('address: anything else is none', () => {
  const texts = ['', 'localhost', ':4150', 'localhost:0', 'localhost:65536', '::1:4150', 'a:b'];

  assert.deepStrictEqual(
    texts.map(parseAddress),
    texts.map(() => undefined),
  );
});
