import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText, parseListenAddress } from '../../../src/daemon/listen-address.ts';

const CASES = [
  ['0.0.0.0:4150', { host: '0.0.0.0', port: 4150 }, '0.0.0.0:4150'],
  ['localhost:0', { host: 'localhost', port: 0 }, 'localhost:0'],
  [':4150', { host: '::', port: 4150 }, ':::4150'],
  ['[::1]:4150', { host: '::1', port: 4150 }, '::1:4150'],
  ['[]:4150', { host: '::', port: 4150 }, ':::4150'],
  ['host:65535', { host: 'host', port: 65535 }, 'host:65535'],
  ['host:65536', { path: 'host:65536' }, 'host:65536'],
  ['::1:4150', { path: '::1:4150' }, '::1:4150'],
  ['/run/ringmq.sock', { path: '/run/ringmq.sock' }, '/run/ringmq.sock'],
  ['host', { path: 'host' }, 'host'],
  ['host:', { path: 'host:' }, 'host:'],
  ['host:http', { path: 'host:http' }, 'host:http'],
] as const;

for (const [text, address, shown] of CASES) {
  test(`listen address: "${text}"`, () => {
    const parsed = parseListenAddress(text);

    assert.deepStrictEqual([parsed, addressText(parsed)], [address, shown]);
  });
}
