import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideCredentials, hideCredentialsIn } from '../../../src/daemon/credentials.ts';

for (const [address, shown] of [
  ['host:4181', 'host:4181'],
  ['http://host/a@b', 'http://host/a@b'],
  ['http://user:pass@host:1/auth', 'http://***@host:1/auth'],
  ['http://user:p@ss@host/auth?x=a@b', 'http://***@host/auth?x=a@b'],
  ['user:pass@host:4181', '***@host:4181'],
  ['ftp://user:pass@host', 'ftp://***@host'],
]) {
  test(`hideCredentials: ${address}`, () => {
    assert.equal(hideCredentials(address), shown);
  });
}

test('hideCredentialsIn: every URL of a text', () => {
  assert.equal(
    hideCredentialsIn('["http://u:p@h/", 5, "https://u:p@q@h", "mail@h", "http://h/@"]'),
    '["http://***@h/", 5, "https://***@h", "mail@h", "http://h/@"]',
  );
});
