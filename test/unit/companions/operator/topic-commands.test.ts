import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPublish } from '../../../../src/companions/operator/publish-command.ts';
import { runReplay } from '../../../../src/companions/operator/replay-command.ts';
import {
  runCreate,
  runDelete,
  runEmpty,
  runPause,
  runUnpause,
} from '../../../../src/companions/operator/topic-commands.ts';
import { runWords, uniformBroker } from '../../../support/operator.ts';

for (const [companion, words, request, text] of [
  [runCreate, ['t'], '/topic/create?topic=t', 'topic t is created\n'],
  [
    runCreate,
    ['t:c#ephemeral'],
    '/channel/create?topic=t&channel=c%23ephemeral',
    'channel c#ephemeral of t is created\n',
  ],
  [runDelete, ['t', '--yes'], '/topic/delete?topic=t', 'topic t is deleted\n'],
  [runEmpty, ['t:c', '--yes'], '/channel/empty?topic=t&channel=c', 'channel c of t is emptied\n'],
  [runPause, ['t:c'], '/channel/pause?topic=t&channel=c', 'channel c of t is paused\n'],
  [runUnpause, ['t'], '/topic/unpause?topic=t', 'topic t is unpaused\n'],
  [
    runReplay,
    ['t:c'],
    '/channel/create?topic=t&channel=c&from=first',
    'channel c of t begins at first\n',
  ],
  [
    runReplay,
    ['t:c', '--from=120'],
    '/channel/create?topic=t&channel=c&from=120',
    'channel c of t begins at 120\n',
  ],
] as const) {
  test(`an operator's command asks for ${request}`, async (t) => {
    const { address, asked } = await uniformBroker(t, 200, '');

    const outcome = await runWords(companion, words, { env: { RINGMQ_HTTP: address } });

    assert.deepEqual(outcome, { code: 0, stdout: text, stderr: '' });
    assert.deepEqual(
      asked.map(({ method, path }) => [method, path]),
      [['POST', request]],
    );
  });
}

test('ringmq delete and empty ask for the name of what they destroy', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, '');
  const questions: string[] = [];
  const around = {
    env: { RINGMQ_HTTP: address },
    ask: async (question: string) => {
      questions.push(question);
      return 'orders';
    },
  };

  const topic = await runWords(runDelete, ['orders'], around);
  const channel = await runWords(runEmpty, ['orders:billing'], around);

  assert.deepEqual([topic.code, channel.code], [0, 4]);
  assert.deepEqual(questions, [
    'This deletes the topic orders. Type orders to go ahead: ',
    'This drops all waiting messages of the channel billing of orders. Type billing to go ahead: ',
  ]);
  assert.equal(asked.length, 1);
});

test('ringmq publish sends a word, or standard input', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, 'OK');
  const env = { RINGMQ_HTTP: address };

  const word = await runWords(runPublish, ['t', 'hello', '--defer=500'], { env });
  const input = await runWords(runPublish, ['t', '--json'], {
    env,
    readInput: async () => Buffer.from('line\nline\n'),
  });

  assert.equal(word.stdout, 'published to t: 1\n');
  assert.deepEqual(JSON.parse(input.stdout), { topic: 't', published: 1 });
  assert.deepEqual(
    asked.map(({ path, body }) => [path, body]),
    [
      ['/pub?topic=t&defer=500', 'hello'],
      ['/pub?topic=t', 'line\nline\n'],
    ],
  );
});

test('ringmq publish --lines sends many lines in bodies of about a megabyte', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, 'OK');
  const line = `${'x'.repeat(400_000)}\n`;
  const env = { RINGMQ_HTTP: address };
  const readInput = async () => Buffer.from(`${line.repeat(4)}\n\nlast`);

  const { stdout } = await runWords(runPublish, ['t', '--lines'], { env, readInput });
  const mixed = await runWords(runPublish, ['t', 'word', '--lines'], { env, readInput });
  const deferred = await runWords(runPublish, ['t', '--lines', '--defer=1'], { env, readInput });

  assert.equal(stdout, 'published to t: 5\n');
  assert.deepEqual(
    asked.map(({ path, body }) => [path, body.length]),
    [
      ['/mpub?topic=t', 3 * line.length],
      ['/mpub?topic=t', line.length + '\n\nlast'.length],
    ],
  );
  assert.deepEqual([mixed.code, deferred.code], [2, 2]);
});
