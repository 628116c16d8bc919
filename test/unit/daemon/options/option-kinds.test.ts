import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text } from '../../../../src/daemon/options/option-kinds.ts';

test('text: a default that is not printable is spelled with escapes', () => {
  assert.equal(text.spell('\n'), '"\\n"');
  assert.equal(text.spell('[nsqd] '), '"[nsqd] "');
});
