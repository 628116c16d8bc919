import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remoteHost, socketAddress } from '../../../src/daemon/remote-host.ts';

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

for (const [remoteAddress, remotePort, text] of [
  ['127.0.0.1', 5000, '127.0.0.1:5000'],
  ['::ffff:10.0.0.1', 5000, '10.0.0.1:5000'],
  ['::1', 5000, '[::1]:5000'],
  [undefined, undefined, '@'],
] as const) {
  test(`socketAddress: ${remoteAddress} and ${remotePort} are "${text}"`, () => {
    assert.equal(socketAddress({ remoteAddress, remotePort }), text);
  });
}
