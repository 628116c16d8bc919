import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggestion } from '../../../../src/daemon/options/nearest-word.ts';

const KNOWN = ['start', 'help', 'version', 'mem_queue_size', 'max-rdy-count', 'require-verify'];

for (const [word, nearest] of [
  ['strat', 'start'],
  ['stats', 'start'],
  ['Versoin', 'version'],
  ['mem-queue-sise', 'mem_queue_size'],
  ['memqueuesize', 'mem_queue_size'],
  ['max_rdy', undefined],
  ['rdy-count', undefined],
  ['require_verify', 'require-verify'],
  ['put', undefined],
  ['', undefined],
  ['x'.repeat(100), undefined],
] as const) {
  test(`suggestion: near ${JSON.stringify(word)} is ${nearest}`, () => {
    const wanted = nearest === undefined ? '' : `; did you mean ${nearest}?`;

    assert.equal(suggestion(word, KNOWN), wanted);
  });
}

test('suggestion: what stands before every word stands before the nearest', () => {
  assert.equal(suggestion('hlep', KNOWN, '--'), '; did you mean --help?');
});
