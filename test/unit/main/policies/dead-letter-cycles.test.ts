import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contradictionOf } from '../../../../src/main/policies/dead-letter-cycles.ts';
import { type Policy, parsePolicy } from '../../../../src/main/policies/policy.ts';
import { PolicySet } from '../../../../src/main/policies/policy-set.ts';

/** What is wrong with policies, each of a pattern, a topic for dead letters, and a priority. */
function checked(...all: readonly (readonly [string, string, number?])[]): string | undefined {
  const policies = all.map(([pattern, target, priority = 0], index): Policy => {
    const parsed = parsePolicy(`p${index}`, { pattern, priority, 'dead-letter': target });
    assert.ok(typeof parsed === 'object' && 'definition' in parsed);
    return parsed;
  });
  return contradictionOf(new PolicySet(policies));
}

test('dead letters: a topic that gives to another, or a chain of them, is no cycle', () => {
  assert.equal(checked(['orders', 'dead']), undefined);
  assert.equal(checked(['a', 'b'], ['b', 'c'], ['c', 'd']), undefined);
});

test('dead letters: a topic that gives to itself is named, with what ends it', () => {
  assert.equal(
    checked(['*', 'dead']),
    'dead letters of topic dead would go to dead itself; ' +
      'a policy for dead with dead-letter="" and a higher priority ends that',
  );
});

test('dead letters: a policy of higher priority without dead letters ends the cycle', () => {
  assert.equal(checked(['*', 'dead'], ['dead', '', 1]), undefined);
  assert.notEqual(checked(['*', 'dead'], ['dead', '', -1]), undefined);
});

test('dead letters: a policy of some channels does not end the cycle of others', () => {
  assert.notEqual(checked(['*', 'dead'], ['dead:one', '', 1]), undefined);
});

test('dead letters: a cycle over several topics is told in its order', () => {
  assert.match(
    checked(['a', 'b'], ['b', 'c'], ['c', 'a']) ?? '',
    /^dead letters would go round: (b -> c -> a -> b|c -> a -> b -> c|a -> b -> c -> a); /,
  );
});

test('dead letters: a cycle is found behind a topic that is not part of it', () => {
  assert.match(checked(['a', 'b'], ['b', 'c'], ['c', 'b']) ?? '', /b -> c -> b|c -> b -> c/);
});
