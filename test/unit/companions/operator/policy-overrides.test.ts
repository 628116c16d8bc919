import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  overridesOf,
  type ShownPolicy,
} from '../../../../src/companions/operator/policy-overrides.ts';
import { type Random, seededRandom } from '../../../support/seeded-random.ts';

function policy(name: string, pattern: string, ...keys: readonly string[]): ShownPolicy {
  const definition = Object.fromEntries(keys.map((key) => [key, 1]));
  return { name, pattern, priority: 0, source: 'run time', definition };
}

/** The names by key, as short as they can be compared. */
function named(own: ShownPolicy, policies: readonly ShownPolicy[]): Record<string, string[]> {
  const entries = Object.entries(overridesOf(own, policies));
  return Object.fromEntries(entries.map(([key, by]) => [key, by.map(({ name }) => name)]));
}

test('overridesOf: earlier policies that define a key and may match the same names', () => {
  const own = policy('own', 'orders:*', 'max-depth', 'message-ttl', 'burst');

  const names = named(own, [
    policy('one', 'orders', 'max-depth'),
    policy('two', '*:billing', 'max-depth', 'message-ttl'),
    policy('elsewhere', 'prices:*', 'max-depth'),
    policy('other-key', 'orders:*', 'max-bytes'),
    own,
    policy('later', 'orders:*', 'burst'),
  ]);

  assert.deepEqual(names, { 'max-depth': ['one', 'two'], 'message-ttl': ['two'] });
});

test('overridesOf: a policy that is not in the list has none before it', () => {
  assert.deepEqual(named(policy('own', '*', 'burst'), [policy('one', '*', 'burst')]), {});
});

test('overridesOf: patterns meet exactly if some name matches both', () => {
  const random = seededRandom(7);
  // Two globs of three characters meet in four at most: without an asterisk three, with one two of each.
  const texts = textsUpTo(4);
  for (let round = 0; round < 500; round++) {
    const [one, other] = [globFrom(random), globFrom(random)];
    const own = policy('own', one, 'burst');

    const names = named(own, [policy('earlier', other, 'burst'), own]);

    const isExpected = texts.some((text) => matches(one, text) && matches(other, text));
    assert.deepEqual(names, isExpected ? { burst: ['earlier'] } : {}, `${one} and ${other}`);
  }
});

function textsUpTo(length: number): string[] {
  const texts = [''];
  for (let at = 0; texts[at].length < length; at++) texts.push(`${texts[at]}a`, `${texts[at]}b`);
  return texts;
}

function globFrom(random: Random): string {
  return Array.from({ length: random(4) }, () => 'ab?*'[random(4)]).join('');
}

function matches(glob: string, text: string): boolean {
  return new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text);
}
