import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statsdPrefix } from '../../../../../src/main/peers/statsd/statsd-prefix.ts';

for (const [prefix, host, complete] of [
  ['nsq.%s', '127.0.0.1', 'nsq.127_0_0_1_4151.'],
  ['nsq.%s.', 'a.b', 'nsq.a_b_4151.'],
  ['%s.x.%s', 'h', 'h_4151.x.h_4151.'],
  ['my.prefix', 'h', 'my.prefix.'],
  ['', 'h', ''],
  ['%s', '$&', '$&_4151.'],
  ['%s', '::1', '[__1]_4151.'],
] as const) {
  test(`statsdPrefix: ${JSON.stringify(prefix)} at ${host}`, () => {
    assert.equal(statsdPrefix(prefix, host, 4151), complete);
  });
}
