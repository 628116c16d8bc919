import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuthState } from '../../../../src/main/auth/auth-state.ts';
import { Authorization } from '../../../../src/main/tcp/authorization.ts';
import { CLOSED, NEXT, WAIT } from '../../../../src/main/tcp/command-handler.ts';
import { BatchCommands, ClientPublisher } from '../../../../src/main/tcp/publish-commands.ts';
import type { TopicMap } from '../../../../src/main/topics/topic-map.ts';
import { optionsWith } from '../../../support/broker-turns.ts';
import { MainRings, sized } from '../../../support/main-rings.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { topicNamed } from '../../../support/names.ts';
import { publisherOn } from '../../../support/publisher-side.ts';
import { RecordingPort } from '../../../support/recording-port.ts';

const OPTIONS = optionsWith({ maxMsgSize: 100, maxBodySize: 1000 });
const NO_SERVERS = { query: () => Promise.reject(new Error('no server')) };

function setUp(
  options = OPTIONS,
  auth: AuthState | null = null,
): { rings: MainRings; port: RecordingPort; topics: TopicMap; commands: BatchCommands } {
  const rings = new MainRings();
  const { publisher, topics } = publisherOn(rings);
  const port = new RecordingPort(auth);
  const authorization = new Authorization(port, auth);
  const publishing = new ClientPublisher(port, topics, publisher, authorization);
  return {
    rings,
    port,
    topics,
    commands: new BatchCommands(port, publishing, options),
  };
}

test('BatchCommands: publishes all messages as one batch and answers once', () => {
  const { rings, port, commands } = setUp();
  const bytes = sized(['one', 'two']);

  const checks = [
    commands.onMpub(['MPUB', 't']) === commands,
    commands.onSize(4 + bytes.length),
    commands.onCount(2),
    commands.onMessageSize(0, 3, 7),
    commands.onMessageSize(1, 3, 14),
  ];
  const step = commands.onBatch(bytes, 0, bytes.length, 2);
  rings.handle.flush();

  assert.deepStrictEqual([checks, step, port.sent()], [Array(5).fill(true), NEXT, ['OK']]);
  assert.deepStrictEqual(
    rings.takePublishes().map(({ bodies }) => bodies),
    [['one', 'two']],
  );
});

test('BatchCommands: creates the topic before the body has arrived', () => {
  const { topics, commands } = setUp();

  commands.onMpub(['MPUB', 't']);

  assert.ok(topics.get(topicNamed('t')) !== undefined);
});

describe('BatchCommands: a line that is refused', () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['MPUB'], 'E_INVALID MPUB insufficient number of parameters'],
    [['MPUB', 'a b'], 'E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "a b" is not valid'],
  ];
  for (const [words, answer] of cases) {
    test(words.join(' '), () => {
      const { port, commands } = setUp();

      const step = commands.onMpub(words);

      assert.deepStrictEqual([step, port.sent()], [CLOSED, [answer]]);
    });
  }

  test('without AUTH, before a topic is created', () => {
    const { port, topics, commands } = setUp(OPTIONS, new AuthState(NO_SERVERS, new ManualClock()));

    const step = commands.onMpub(['MPUB', 't']);

    assert.deepStrictEqual(
      [step, port.sent(), topics.get(topicNamed('t'))],
      [CLOSED, ['E_AUTH_FIRST AUTH required before MPUB'], undefined],
    );
  });
});

describe('BatchCommands: numbers of the body', () => {
  type Check = (commands: BatchCommands) => boolean;
  const cases: readonly (readonly [string, Check, readonly string[]])[] = [
    ['size 1000', (c) => c.onSize(1000), []],
    ['size 1001', (c) => c.onSize(1001), ['E_BAD_BODY MPUB body too big 1001 > 1000']],
    ['size 0', (c) => c.onSize(0), ['E_BAD_BODY MPUB invalid body size 0']],
    // (1000 - 4) / 5 messages of one byte
    ['count 199', (c) => c.onCount(199), []],
    ['count 200', (c) => c.onCount(200), ['E_BAD_BODY MPUB invalid message count 200']],
    ['count 0', (c) => c.onCount(0), ['E_BAD_BODY MPUB invalid message count 0']],
    ['count -1', (c) => c.onCount(-1), ['E_BAD_BODY MPUB invalid message count -1']],
    ['message of 100', (c) => c.onMessageSize(0, 100, 104), []],
    [
      'message of 101',
      (c) => c.onMessageSize(3, 101, 105),
      ['E_BAD_MESSAGE MPUB message too big 101 > 100'],
    ],
    [
      'message of 0',
      (c) => c.onMessageSize(3, 0, 4),
      ['E_BAD_MESSAGE MPUB invalid message(3) body size 0'],
    ],
    ['996 bytes of messages', (c) => c.onMessageSize(9, 90, 996), []],
    [
      '997 bytes of messages',
      (c) => c.onMessageSize(9, 90, 997),
      ['E_BAD_BODY MPUB body too big 1001 > 1000'],
    ],
  ];
  for (const [what, check, answers] of cases) {
    test(what, () => {
      const { port, commands } = setUp();
      commands.onMpub(['MPUB', 't']);

      const isAllowed = check(commands);

      assert.deepStrictEqual([isAllowed, port.sent()], [answers.length === 0, answers]);
    });
  }
});

test('BatchCommands: every 4096 messages cost a share of the turn', () => {
  const { port, commands } = setUp(optionsWith({}));
  commands.onMpub(['MPUB', 't']);
  const { cost } = port;

  for (let index = 0; index < 3 * 4096 - 1; index++) commands.onMessageSize(index, 1, 5);

  assert.equal(port.cost - cost, 2 * 1024);
});

test('BatchCommands: the ninth new topic of a turn waits for the next one', () => {
  const { port, commands } = setUp(optionsWith({}));

  const steps = Array.from({ length: 9 }, (_, index) => commands.onMpub(['MPUB', `t${index}`]));
  const existing = commands.onMpub(['MPUB', 't0']);

  const waiting = steps.map((step) => step === WAIT);
  assert.deepEqual([waiting.indexOf(true), existing, port.ringWaits], [8, commands, 1]);
});

test('BatchCommands: input that ends is answered by what is missing', () => {
  const { commands } = setUp();
  const places = ['size', 'count', 'message size', 'message body'] as const;

  const texts = places.map((place) => commands.cutOff(place, 7).data.toString());

  assert.deepStrictEqual(texts, [
    'E_BAD_BODY MPUB failed to read body size',
    'E_BAD_BODY MPUB failed to read message count',
    'E_BAD_MESSAGE MPUB failed to read message(7) body size',
    'E_BAD_MESSAGE MPUB failed to read message body',
  ]);
});
