import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remoteHost } from '../../../src/daemon/remote-host.ts';

for (const [remoteAddress, host] of [
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::1', '::1'],
  [undefined, ''],
] as const) {
  test(`remoteHost: of ${remoteAddress} it is "${host}"`, () => {
    const found = remoteHost({ remoteAddress });

    assert.equal(found, host);
  });
}
