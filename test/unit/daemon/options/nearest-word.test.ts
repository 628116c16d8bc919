import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceHint, suggestion } from '../../../../src/daemon/options/nearest-word.ts';

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

for (const [word, choices, meant] of [
  ['warning', ['debug', 'info', 'warn', 'error', 'fatal'], 'warn'],
  ['err', ['debug', 'info', 'warn', 'error', 'fatal'], 'error'],
  ['trace', ['debug', 'info', 'warn', 'error', 'fatal'], undefined],
  ['verify', ['', 'require', 'require-verify'], 'require-verify'],
  ['DROP', ['reject', 'drop-oldest'], 'drop-oldest'],
  ['in', ['info', 'interval'], undefined],
  ['', ['info'], undefined],
] as const) {
  test(`choiceHint: of ${choices.join(', ')}, ${JSON.stringify(word)} means ${meant}`, () => {
    const wanted = meant === undefined ? '' : `; did you mean ${meant}?`;

    assert.equal(choiceHint(word, choices), wanted);
  });
}
