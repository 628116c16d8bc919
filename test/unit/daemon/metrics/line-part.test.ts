import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  copyWords,
  linePart,
  viewOf,
  WORD_BYTES,
} from '../../../../src/daemon/metrics/line-part.ts';

test('copyWords: copies from any offset to any offset, and at most three bytes more', () => {
  const text = 'abcdefghijklmnop';
  const { view, length } = linePart(text);
  for (let start = 0; start <= length; start++) {
    for (let end = start; end <= length; end++) {
      for (const to of [0, 1, 2, 3, 4]) {
        const target = Buffer.alloc(length + 2 * WORD_BYTES, '.');

        copyWords(view, start, end, viewOf(target), to);

        const copied = target.toString('latin1', to, to + end - start);
        const touched = to + Math.ceil((end - start) / WORD_BYTES) * WORD_BYTES;
        assert.equal(copied, text.slice(start, end));
        assert.equal(target.toString('latin1', 0, to), '.'.repeat(to));
        assert.match(target.toString('latin1', touched), /^\.*$/);
      }
    }
  }
});

test('linePart: UTF-8, with room behind it', () => {
  const { view, length } = linePart('é');

  assert.deepEqual([length, view.byteLength], [2, 2 + WORD_BYTES]);
});
