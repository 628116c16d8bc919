import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText, valueText } from '../../../src/shared/error-text.ts';

test('errorText: is the message of an error', () => {
  assert.equal(errorText(new Error('why')), 'why');
});

test('errorText: is that of each error, where one stands for several', () => {
  const errors = [new Error('no IPv6'), new Error('no IPv4')];

  assert.equal(errorText(new AggregateError(errors)), 'no IPv6, no IPv4');
  assert.equal(errorText(new AggregateError(errors, 'no network')), 'no network');
});

test('errorText: is whatever else was thrown', () => {
  assert.equal(errorText('why'), 'why');
});

test('errorText: never throws, whatever was thrown', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const withoutText = Object.assign(new Error('why'), { message: Object.create(null) });

  for (const strange of [Object.create(null), revoked.proxy, withoutText]) {
    assert.equal(errorText(strange), 'an error without a text');
  }
});

test('valueText: shows primitive values, and of others what they are', () => {
  const values = ['a', 7, null, undefined, Symbol('s'), 10n, Object.create(null), () => 1];

  assert.deepEqual(values.map(valueText), [
    'a',
    '7',
    'null',
    'undefined',
    'Symbol(s)',
    '10',
    'the object',
    'the function',
  ]);
});
