import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  runFinish,
  runMove,
  runPeek,
  runPurge,
  runRequeue,
} from '../../../../src/companions/operator/message-commands.ts';
import { runWords, uniformBroker } from '../../../support/operator.ts';

const ID = '18aba57102a69000';
const OTHER_ID = '18aba57102a69001';
const WORK = JSON.stringify({ done: 1, not_found: [], cursor: null });

for (const [companion, words, request, text] of [
  [
    runFinish,
    ['t:c', ID, '--yes'],
    `/message/finish?topic=t&channel=c&id=${ID}`,
    '1 message is finished\n',
  ],
  [
    runRequeue,
    ['t:c', '--state=deferred', '--delay=5'],
    '/message/requeue?topic=t&channel=c&state=deferred&delay=5',
    '1 message is requeued\n',
  ],
  [runPurge, ['t', '--yes'], '/messages/purge?topic=t&all=true', '1 message is dropped\n'],
  [
    runMove,
    ['t', 'u', ID, ID],
    `/messages/move?from=t&to=u&id=${ID}%2C${ID}`,
    '1 message is moved\n',
  ],
  [runMove, ['t:c', 'u', '--token=x'], '/messages/move?from=t%3Ac&to=u', '1 message is moved\n'],
] as const) {
  test(`ringmq: a command for messages asks for ${request}`, async (t) => {
    const { address, asked } = await uniformBroker(t, 200, WORK);

    const outcome = await runWords(companion, words, { env: { RINGMQ_HTTP: address } });

    assert.deepEqual(outcome, { code: 0, stdout: text, stderr: '' });
    assert.deepEqual(
      asked.map(({ method, path }) => [method, path]),
      [['POST', request]],
    );
  });
}

for (const [words, stdout] of [
  [['t:c', ID, OTHER_ID, '--yes'], '1 message is finished\n'],
  [
    ['t:c', ID, OTHER_ID, '--yes', '--json'],
    `${JSON.stringify({ done: 1, not_found: [OTHER_ID] }, null, 2)}\n`,
  ],
] as const) {
  test(`ringmq finish ${words.join(' ')}: an id that is not there is named, and is no success`, async (t) => {
    const work = JSON.stringify({ done: 1, not_found: [OTHER_ID], cursor: null });
    const { address } = await uniformBroker(t, 200, work);

    const outcome = await runWords(runFinish, words, { env: { RINGMQ_HTTP: address } });

    assert.deepEqual(outcome, { code: 1, stdout, stderr: `${OTHER_ID} is not there\n` });
  });
}

test('ringmq peek: shows a line for each message, and nothing that a terminal obeys', async (t) => {
  const message = { id: ID, state: 'ready', published: 'now', attempts: 2, size: 3 };
  const messages = [{ ...message, body: 'a\u001b[2J"\u009b\u202e' }];
  const { address } = await uniformBroker(t, 200, JSON.stringify({ messages, cursor: null }));

  const outcome = await runWords(runPeek, ['t:c'], { env: { RINGMQ_HTTP: address } });

  assert.deepEqual(outcome.stdout.split('\n'), [
    'ID                STATE  PUBLISHED  ATTEMPTS  SIZE  BODY',
    `${ID}  ready  now        2         3     a\\u001b[2J"\\u009b\\u202e`,
    '',
  ]);
});

test('ringmq peek: one message as JSON has nothing that a terminal obeys', async (t) => {
  const consumer = { client_id: 'a\u009b2J', hostname: '\u202e', remote_address: 'x' };
  const message = { id: ID, state: 'in-flight', body: '\u009b', consumer };
  const { address } = await uniformBroker(t, 200, JSON.stringify(message));

  const { stdout } = await runWords(runPeek, ['t:c', ID], { env: { RINGMQ_HTTP: address } });

  assert.doesNotMatch(stdout, /[\u007f-\u009f\u202e]/);
  assert.deepEqual(JSON.parse(stdout), message);
});

test('ringmq peek: says where it ends before the messages do', async (t) => {
  const message = { id: ID, state: 'ready', published: 'now', attempts: 2, size: 1, body: 'a' };
  const { address } = await uniformBroker(
    t,
    200,
    JSON.stringify({ messages: [message], cursor: '7' }),
  );
  const env = { RINGMQ_HTTP: address };

  const text = await runWords(runPeek, ['t:c', '--limit=1'], { env });
  const json = await runWords(runPeek, ['t:c', '--limit=2', '--json'], { env });

  assert.equal(text.stderr, '1 message is shown, there may be more: --limit shows them\n');
  assert.equal(json.stderr, '2 messages are shown, there may be more: --limit shows them\n');
  assert.deepEqual(JSON.parse(json.stdout), [message, message]);
});

test('ringmq finish and purge: destroy nothing that is not confirmed', async (t) => {
  const { address, asked } = await uniformBroker(t, 200, WORK);
  const env = { RINGMQ_HTTP: address };

  const outcomes = [
    await runWords(runFinish, ['t:c', ID], { env }),
    await runWords(runPurge, ['t'], { env }),
    await runWords(runPurge, ['t:c', '--match=x'], { env }),
  ];

  assert.deepEqual([outcomes.map(({ code }) => code), asked], [[4, 4, 4], []]);
  assert.deepEqual(
    outcomes.map(({ stderr }) => stderr.split(';')[0]),
    [
      'this finishes 1 message of t:c',
      'this drops all messages that wait in t',
      'this drops all messages of t:c that match',
    ],
  );
});

test('ringmq: a channel that is written as a word of its own is shown as it should be', async () => {
  const peek = await runWords(runPeek, ['orders', 'billing']);
  const requeue = await runWords(runRequeue, ['orders', 'billing']);

  for (const { code, stderr } of [peek, requeue]) {
    assert.equal(code, 2);
    assert.match(
      stderr,
      /"billing" is not an id, which has 16 hex digits; a channel is written orders:billing\n/,
    );
  }
});

test('ringmq: a topic without its channel is told apart from its channels', async (t) => {
  const { address } = await uniformBroker(t, 200, '{"messages":[],"cursor":null}');
  const env = { RINGMQ_HTTP: address };

  const ofTopic = await runWords(runPeek, ['orders'], { env });
  const ofChannel = await runWords(runPeek, ['orders:billing'], { env });
  const requeue = await runWords(runRequeue, ['orders', ID]);

  assert.equal(
    ofTopic.stdout,
    'there are no such messages in the topic itself; "ringmq ls orders" shows its channels\n',
  );
  assert.equal(ofChannel.stdout, 'there are no messages\n');
  assert.equal(requeue.code, 2);
  assert.match(requeue.stderr, /^requeue needs a channel: orders:CHANNEL is expected\n/);
});

for (const [companion, words, wrong] of [
  [
    runRequeue,
    ['t:c'],
    'ids, --state, --since or --match select the messages; all of them: --state=in-flight,deferred',
  ],
  [runMove, ['t:c'], 'SOURCE TOPIC is expected'],
  [runMove, ['t:c', 'u', 'v'], '"v" is not an id, which has 16 hex digits'],
  [runMove, ['t', 'u:c'], 'messages move to a topic, which has no ":", got "u:c"'],
  [
    runMove,
    ['t/c', 'u'],
    '"t/c" is not a valid name; a topic is written TOPIC, a channel TOPIC:CHANNEL',
  ],
  [runPeek, ['t:'], '"t:" is not a valid name; a topic is written TOPIC, a channel TOPIC:CHANNEL'],
  [runPeek, ['t', '--mach=x'], 'unknown flag --mach; did you mean --match?'],
  [runPeek, ['t', '-n', '5'], 'unknown flag -n'],
] as const) {
  test(`ringmq: ${wrong}`, async (t) => {
    const { address, asked } = await uniformBroker(t, 200, WORK);

    const { code, stderr } = await runWords(companion, words, { env: { RINGMQ_HTTP: address } });

    assert.deepEqual([code, stderr.split('\n')[0], asked], [2, wrong, []]);
  });
}
