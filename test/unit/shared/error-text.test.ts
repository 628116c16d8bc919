import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText } from '../../../src/shared/error-text.ts';

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
