import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ringSizes } from '../../../../src/main/pumps/ring-sizes.ts';
import { MESSAGE_BYTES_MAX } from '../../../../src/shared/limits.ts';

test('ringSizes: at least so much, and twice the largest message', () => {
  const small = ringSizes(1000);
  const large = ringSizes(MESSAGE_BYTES_MAX);

  assert.deepStrictEqual(small, {
    publishes: 2 ** 22,
    commands: 2 ** 20,
    deliveries: 2 ** 22,
    requests: 2 ** 22,
    replies: 2 ** 22,
  });
  assert.deepStrictEqual([large.publishes, large.commands], [2 ** 30, 2 ** 20]);
});
