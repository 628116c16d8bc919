import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuthState } from '../../../../src/main/auth/auth-state.ts';
import { Authorization } from '../../../../src/main/tcp/authorization.ts';
import { CLOSED, NEXT } from '../../../../src/main/tcp/command-handler.ts';
import { ClientPublisher, PublishCommands } from '../../../../src/main/tcp/publish-commands.ts';
import { optionsWith } from '../../../support/broker-turns.ts';
import { MainRings, sized } from '../../../support/main-rings.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { publisherOn } from '../../../support/publisher-side.ts';
import { RecordingPort } from '../../../support/recording-port.ts';

const OPTIONS = optionsWith({ maxMsgSize: 10_000, maxReqTimeoutMs: 60_000 });
const NO_SERVERS = { query: () => Promise.reject(new Error('no server')) };

function setUp(auth: AuthState | null = null): {
  rings: MainRings;
  port: RecordingPort;
  commands: PublishCommands;
} {
  const rings = new MainRings();
  const { publisher, topics } = publisherOn(rings);
  const port = new RecordingPort(auth);
  const authorization = new Authorization(port, auth);
  const publishing = new ClientPublisher(port, topics, publisher, authorization);
  return { rings, port, commands: new PublishCommands(port, publishing, OPTIONS) };
}

test('PublishCommands: PUB and DPUB publish their bodies, DPUB with its delay', () => {
  const { rings, port, commands } = setUp();
  const bytes = sized(['body']);

  const steps = [
    [commands.onPub(['PUB', 't']) === commands, commands.onSize(4), commands.onBody(bytes, 4, 4)],
    [
      commands.onDpub(['DPUB', 't', '50']) === commands,
      commands.onSize(4),
      commands.onBody(bytes, 4, 4),
    ],
    [commands.onPub(['PUB', 't']) === commands, commands.onSize(4), commands.onBody(bytes, 4, 4)],
  ];
  rings.handle.flush();

  assert.deepStrictEqual(
    [steps, port.sent()],
    [
      [
        [true, true, NEXT],
        [true, true, NEXT],
        [true, true, NEXT],
      ],
      ['OK', 'OK', 'OK'],
    ],
  );
  assert.deepStrictEqual(
    rings.takePublishes().map(({ bodies, deferMs }) => [bodies, deferMs]),
    [
      [['body'], 0],
      [['body'], 50],
      [['body'], 0],
    ],
  );
});

describe('PublishCommands: a line that is refused', () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['PUB'], 'E_INVALID PUB insufficient number of parameters'],
    [['PUB', 'a b'], 'E_BAD_TOPIC PUB topic name "a b" is not valid'],
    [['DPUB', 't'], 'E_INVALID DPUB insufficient number of parameters'],
    // as in nsqd, the topic is checked before the delay
    [['DPUB', 'a b', 'x'], 'E_BAD_TOPIC DPUB topic name "a b" is not valid'],
    [['DPUB', 't', 'x'], 'E_INVALID DPUB could not parse timeout x'],
    [['DPUB', 't', '-1'], 'E_INVALID DPUB could not parse timeout -1'],
    [['DPUB', 't', '60001'], 'E_INVALID DPUB timeout 60001 out of range 0-60000'],
    // as a duration of Go's this is negative
    [['DPUB', 't', '9223372036855'], 'E_INVALID DPUB timeout 9223372036855 out of range 0-60000'],
  ];
  for (const [words, answer] of cases) {
    test(words.join(' '), () => {
      const { port, commands } = setUp();

      const step = words[0] === 'PUB' ? commands.onPub(words) : commands.onDpub(words);

      assert.deepStrictEqual([step, port.sent()], [CLOSED, [answer]]);
    });
  }
});

describe('PublishCommands: the size of a body', () => {
  const cases: readonly (readonly [number, readonly string[]])[] = [
    [1, []],
    [10_000, []],
    [10_001, ['E_BAD_MESSAGE DPUB message too big 10001 > 10000']],
    [0, ['E_BAD_MESSAGE DPUB invalid message body size 0']],
    [-1, ['E_BAD_MESSAGE DPUB invalid message body size -1']],
  ];
  for (const [size, answers] of cases) {
    test(`${size}`, () => {
      const { port, commands } = setUp();
      commands.onDpub(['DPUB', 't', '1']);

      const isAllowed = commands.onSize(size);

      assert.deepStrictEqual([isAllowed, port.sent()], [answers.length === 0, answers]);
    });
  }
});

test('PublishCommands: without AUTH a large body is refused before it is read, a small one after', () => {
  const { port, commands } = setUp(new AuthState(NO_SERVERS, new ManualClock()));
  const bytes = sized(['body']);
  commands.onPub(['PUB', 't']);

  const small = [commands.onSize(4096), port.sent(), commands.onBody(bytes, 4, 4), port.sent()];
  const large = [commands.onSize(4097), port.sent()];

  const refusal = ['E_AUTH_FIRST AUTH required before PUB'];
  assert.deepStrictEqual(
    [small, large],
    [
      [true, [], CLOSED, refusal],
      [false, refusal],
    ],
  );
});

test('PublishCommands: input that ends is answered by what is missing', () => {
  const { commands } = setUp();
  commands.onDpub(['DPUB', 't', '1']);

  const texts = (['size', 'body'] as const).map((place) => commands.cutOff(place).data.toString());

  assert.deepStrictEqual(texts, [
    'E_BAD_MESSAGE DPUB failed to read message body size',
    'E_BAD_MESSAGE DPUB failed to read message body',
  ]);
});
