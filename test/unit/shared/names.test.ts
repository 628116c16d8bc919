import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEphemeral, parseChannelName, parseTopicName } from '../../../src/shared/names.ts';
import { channelNamed, topicNamed } from '../../support/names.ts';

const VALID = ['a', 'Z9._-', '.', 'x'.repeat(64), 'a#ephemeral', `${'x'.repeat(54)}#ephemeral`];
const INVALID = [
  '',
  'x'.repeat(65),
  `${'x'.repeat(55)}#ephemeral`,
  '#ephemeral',
  'a#',
  'a#ephemera',
  'a#ephemeral#ephemeral',
  'a b',
  'a\n',
  'ä',
  'a/b',
  'a:b',
];

for (const name of VALID) {
  test(`names: "${name}" is valid`, () => {
    assert.deepStrictEqual([parseTopicName(name), parseChannelName(name)], [name, name]);
  });
}

for (const name of INVALID) {
  test(`names: ${JSON.stringify(name)} is not valid`, () => {
    assert.deepStrictEqual([parseTopicName(name), parseChannelName(name)], [undefined, undefined]);
  });
}

test('names: the suffix makes a topic or channel ephemeral', () => {
  const names = [topicNamed('a#ephemeral'), topicNamed('ephemeral'), channelNamed('c#ephemeral')];

  assert.deepStrictEqual(names.map(isEphemeral), [true, false, true]);
});
