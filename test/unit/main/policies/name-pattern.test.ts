import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import { NamePattern } from '../../../../src/main/policies/name-pattern.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

function pattern(text: string): NamePattern {
  const parsed = NamePattern.parse(text);
  if (parsed instanceof InvalidValue) throw new Error(parsed.why);
  return parsed;
}

for (const [text, topic, channel, expected] of [
  ['orders', 'orders', null, true],
  ['orders', 'orders', 'any', true],
  ['orders', 'orders2', null, false],
  ['*', 'orders', 'c', true],
  ['ord*', 'ord', null, true],
  ['*ers', 'orders', null, true],
  ['o*d*s', 'orders', null, true],
  ['o*d*x', 'orders', null, false],
  ['order?', 'orders', null, true],
  ['order?', 'order', null, false],
  ['orders:*', 'orders', null, false],
  ['orders:*', 'orders', 'c', true],
  ['*:slow', 'x', 'slow', true],
  ['*:slow', 'x', 'slower', false],
  ['*#ephemeral', 'x#ephemeral', null, true],
  ['Orders', 'orders', null, false],
] as const) {
  const name = channel === null ? topic : `${topic}:${channel}`;
  test(`NamePattern: ${text} ${expected ? 'matches' : 'does not match'} ${name}`, () => {
    assert.equal(pattern(text).matches(topic, channel), expected);
  });
}

for (const [text, why] of [
  ['', /names no topic/],
  [':c', /names no topic/],
  ['t:', /names no channel/],
  ['t:c:d', /more than one colon/],
  ['a b', /letters, digits/],
  ['a/b', /letters, digits/],
  ['x'.repeat(65), /longer than any name/],
] as const) {
  test(`NamePattern: ${JSON.stringify(text.slice(0, 8))} is refused`, () => {
    const parsed = NamePattern.parse(text);

    assert.ok(parsed instanceof InvalidValue);
    assert.match(parsed.why, why);
  });
}

test('NamePattern: agrees with a regular expression on random names', (t) => {
  const seed = freshSeed();
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const word = (letters: string): string =>
    Array.from({ length: 1 + random(8) }, () => letters.charAt(random(letters.length))).join('');
  for (let i = 0; i < 5000; i++) {
    const text = word('ab*?');
    const name = word('ab');
    const source = text.replaceAll('*', '.*').replaceAll('?', '.');

    assert.equal(
      pattern(text).matches(name, null),
      new RegExp(`^${source}$`).test(name),
      `${text} and ${name}`,
    );
  }
});

test('NamePattern: tells patterns of channels from those of topics', () => {
  const seen = ['t', 't:*', 't:c*', 't:**'].map((text) => {
    const { isForChannels, hasAllChannels } = pattern(text);
    return [isForChannels, hasAllChannels];
  });

  assert.deepEqual(seen, [
    [false, true],
    [true, true],
    [true, false],
    [true, true],
  ]);
  assert.ok(pattern('t:c').matchesTopic('t'));
});
