import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brokerChannels } from '../../../../src/main/stats/broker-channels.ts';
import { Authorization } from '../../../../src/main/tcp/authorization.ts';
import { CLOSED, NEXT, type Step, WAIT } from '../../../../src/main/tcp/command-handler.ts';
import { ConsumerCommands } from '../../../../src/main/tcp/consumer-commands.ts';
import type { TopicMap } from '../../../../src/main/topics/topic-map.ts';
import * as records from '../../../../src/shared/records.ts';
import { optionsWith } from '../../../support/broker-turns.ts';
import { MainRings } from '../../../support/main-rings.ts';
import { channelNamed, topicNamed } from '../../../support/names.ts';
import { publisherOn } from '../../../support/publisher-side.ts';
import { RecordingPort } from '../../../support/recording-port.ts';

const ID = '0123456789abcdef';
/** The same as the words of a record. */
const ID_HIGH = 0x0123_4567;
const ID_LOW = 0x89ab_cdef;
const OPTIONS = {
  maxRdyCount: 50,
  maxReqTimeoutMs: 60_000,
  maxMsgTimeoutMs: 900_000,
  maxChannelConsumers: 2,
};

type Side = {
  readonly rings: MainRings;
  readonly port: RecordingPort;
  readonly topics: TopicMap;
  readonly commands: ConsumerCommands;
  /** What the pump was sent. */
  readonly sentToPump: () => unknown[];
};

function setUp(given: Parameters<typeof publisherOn>[1] = {}): Side {
  const rings = new MainRings();
  const { topics } = publisherOn(rings, given);
  const port = new RecordingPort();
  const options = optionsWith(OPTIONS);
  const commands = new ConsumerCommands(port, topics, options, new Authorization(port, null));
  const sentToPump = (): unknown[] => {
    rings.handle.flush();
    return rings.takeCommands();
  };
  return { rings, port, topics, commands, sentToPump };
}

/** A client that has subscribed to channel `c` of topic `t`. */
function setUpSubscribed(): Side {
  const side = setUp();
  assert.equal(side.commands.onSub(['SUB', 't', 'c']), NEXT);
  assert.deepStrictEqual(side.port.sent(), ['OK']);
  side.sentToPump();
  return side;
}

/** Lets the pump answer the barrier that is next. */
function answerBarrier({ rings, sentToPump }: Side): void {
  const [[type, token]] = sentToPump() as number[][];
  assert.equal(type, records.BARRIER);
  rings.handle.onAnswer(token, null);
}

/** Sends commands until the pump's ring has no room. */
function fillRing({ rings }: Side): void {
  while (rings.handle.hasCommandRoom()) rings.handle.setReady(99, 1);
}

test('ConsumerCommands: SUB creates topic and channel, and tells the pump how to deliver', () => {
  const { port, topics, commands, sentToPump } = setUp();
  port.client.delivery = {
    msgTimeoutMs: 5000,
    sampleRate: 25,
    topologyRegion: '',
    topologyZone: '',
  };
  // A later IDENTIFY does not count.
  port.client.settings.sampleRate = 99;

  assert.equal(commands.onSub(['SUB', 't', 'c']), NEXT);

  assert.deepStrictEqual(port.sent(), ['OK']);
  assert.equal(port.client.state.state, 'subscribed');
  const channel = topics.get(topicNamed('t'))?.channels.get(channelNamed('c'));
  assert.deepStrictEqual([...(channel?.members ?? [])], [port.member]);
  assert.deepStrictEqual(sentToPump().at(-1), {
    do: 'subscribe',
    topic: channel?.topic.number,
    channel: channel?.number,
    consumer: port.member.number,
    msgTimeoutMs: 5000,
    sampleRate: 25,
    locality: 'global',
  });
});

test('ConsumerCommands: a message timeout above the maximum is lowered to it', () => {
  const { port, commands, sentToPump } = setUp();
  port.client.settings.msgTimeoutMs = 900_001;
  commands.onSub(['SUB', 't', 'c']);

  const [request] = sentToPump().slice(-1) as { msgTimeoutMs: number }[];
  assert.equal(request.msgTimeoutMs, 900_000);
});

test('ConsumerCommands: SUB is refused when the channel has its most consumers', () => {
  const { port, commands, topics } = setUp();
  const topic = topics.getOrCreate(topicNamed('t'));
  const { members } = topics.getOrCreateChannel(topic, channelNamed('c'));
  for (const number of [7, 8]) members.add({ number, destroy: () => undefined });

  assert.equal(commands.onSub(['SUB', 't', 'c']), CLOSED);
  assert.deepStrictEqual(port.sent(), [
    'E_SUB_FAILED SUB failed consumers for t:c exceeds limit of 2',
  ]);
  assert.equal(port.client.state.state, 'init');
});

test('ConsumerCommands: SUB waits for a later turn when this one has created enough, but not for a channel that exists', () => {
  const { port, commands, topics } = setUp();
  topics.getOrCreateChannel(topics.getOrCreate(topicNamed('old')), channelNamed('c'));
  while (topics.creations.tryTake());

  assert.equal(commands.onSub(['SUB', 'new', 'c']), WAIT);
  assert.equal(commands.onSub(['SUB', 'old', 'new']), WAIT);
  assert.equal(topics.get(topicNamed('new')), undefined);
  assert.equal(port.ringWaits, 2);
  assert.equal(commands.onSub(['SUB', 'old', 'c']), NEXT);
});

test('ConsumerCommands: SUB of a replicated topic is answered when the store has the channel', async () => {
  const side = setUp({ store: 'nats' });
  const { rings, port, commands } = side;
  const words = ['SUB', 't', 'c'];
  assert.equal(commands.onSub(words), WAIT);
  assert.deepStrictEqual([port.awaited.length, port.sent()], [1, []]);
  // The client is read on for another reason.
  assert.equal(commands.onSub(words), WAIT);
  assert.equal(port.awaited.length, 1);

  takeUntilStored(rings);
  rings.handle.onReply(rings.nextControl().token, { error: null });
  await port.awaited[0];

  assert.equal(commands.onSub(words), NEXT);
  assert.deepStrictEqual(port.sent(), ['OK']);
});

test('ConsumerCommands: SUB fails with the reason why the store has no channel', async () => {
  const { rings, port, commands } = setUp({ store: 'nats' });
  const words = ['SUB', 't', 'c'];
  commands.onSub(words);
  takeUntilStored(rings);
  rings.handle.onReply(rings.nextControl().token, { error: 'no quorum' });
  await port.awaited[0];

  assert.equal(commands.onSub(words), CLOSED);
  assert.deepStrictEqual(port.sent(), ['E_SUB_FAILED SUB failed no quorum']);
});

/** Takes the requests before `whenStored`: those that create topic and channel, and `subscribe`. */
function takeUntilStored(rings: MainRings): void {
  rings.handle.flush();
  assert.deepStrictEqual(
    rings.takeCommands(3).map((request) => ('do' in request ? request.do : 'no request')),
    ['createTopic', 'createChannel', 'subscribe'],
  );
}

describe('ConsumerCommands: what reaches the pump', () => {
  const consumer = 1;
  const cases: readonly (readonly [string, (commands: ConsumerCommands) => Step, number[]])[] = [
    ['RDY 0', (it) => it.onRdy(['RDY', '0']), [records.READY, consumer, 0]],
    ['RDY 50', (it) => it.onRdy(['RDY', '50']), [records.READY, consumer, 50]],
    ['RDY, which means 1', (it) => it.onRdy(['RDY']), [records.READY, consumer, 1]],
    ['FIN', (it) => it.onFin(['FIN', ID]), [records.FINISH, consumer, ID_HIGH, ID_LOW]],
    [
      'FIN as words',
      (it) => it.onFinish(ID_HIGH, ID_LOW),
      [records.FINISH, consumer, ID_HIGH, ID_LOW],
    ],
    [
      'REQ',
      (it) => it.onReq(['REQ', ID, '1500']),
      [records.REQUEUE, consumer, ID_HIGH, ID_LOW, 1500],
    ],
    [
      'REQ beyond the longest delay',
      (it) => it.onReq(['REQ', ID, '60001']),
      [records.REQUEUE, consumer, ID_HIGH, ID_LOW, 60_000],
    ],
    [
      // In ns this is negative, as Go's durations wrap.
      'REQ whose delay overflows',
      (it) => it.onReq(['REQ', ID, '9223372036855']),
      [records.REQUEUE, consumer, ID_HIGH, ID_LOW, 0],
    ],
    ['TOUCH', (it) => it.onTouch(['TOUCH', ID]), [records.TOUCH, consumer, ID_HIGH, ID_LOW]],
  ];
  for (const [name, run, record] of cases) {
    test(name, () => {
      const { port, commands, sentToPump } = setUpSubscribed();

      assert.equal(run(commands), NEXT);
      assert.deepStrictEqual(sentToPump(), [record]);
      assert.deepStrictEqual(port.sent(), []);
    });

    test(`${name}, when the ring is full`, () => {
      const side = setUpSubscribed();
      fillRing(side);

      assert.equal(run(side.commands), WAIT);
      assert.equal(side.port.ringWaits, 1);
    });
  }
});

describe('ConsumerCommands: what waits while a response is pending', () => {
  const commands: readonly (readonly [string, (commands: ConsumerCommands) => Step])[] = [
    ['FIN', (it) => it.onFin(['FIN', ID])],
    ['FIN of an id that no message has', (it) => it.onFin(['FIN', 'no id has 16 hex'])],
    ['REQ', (it) => it.onReq(['REQ', ID, '0'])],
    ['TOUCH', (it) => it.onTouch(['TOUCH', ID])],
  ];
  for (const [name, run] of commands) {
    test(name, () => {
      const { port, commands, sentToPump } = setUpSubscribed();
      const settle = port.respondLater();

      assert.equal(run(commands), WAIT);
      assert.deepStrictEqual(sentToPump(), []);
      settle(Buffer.alloc(8));
      assert.equal(run(commands), NEXT);
    });
  }

  test('but not RDY', () => {
    const { port, commands } = setUpSubscribed();
    port.respondLater();

    assert.equal(commands.onRdy(['RDY', '1']), NEXT);
  });
});

describe('ConsumerCommands: an id that no message can have', () => {
  const unknown = '0123456789abcdeX';
  const commands: readonly (readonly [string, (commands: ConsumerCommands) => Step])[] = [
    ['FIN', (it) => it.onFin(['FIN', unknown])],
    ['REQ', (it) => it.onReq(['REQ', unknown, '0'])],
    ['TOUCH', (it) => it.onTouch(['TOUCH', unknown])],
  ];
  for (const [name, run] of commands) {
    const refusal = `E_${name}_FAILED ${name} ${unknown} failed ID not in flight`;

    test(`${name} is refused without asking the pump`, () => {
      const { port, commands, sentToPump } = setUpSubscribed();

      assert.equal(run(commands), NEXT);
      assert.deepStrictEqual([port.sent(), sentToPump()], [[refusal], []]);
    });

    test(`${name} is refused after earlier commands, which the pump may refuse too`, () => {
      const side = setUpSubscribed();
      side.commands.onFin(['FIN', ID]);
      side.sentToPump();

      assert.equal(run(side.commands), NEXT);
      assert.deepStrictEqual(side.port.sent(), []);
      answerBarrier(side);
      assert.deepStrictEqual(side.port.sent(), [refusal]);
    });
  }
});

describe('ConsumerCommands: a response waits until earlier commands cannot be refused any more', () => {
  const commands: readonly (readonly [string, (commands: ConsumerCommands) => Step])[] = [
    ['FIN', (it) => it.onFinish(ID_HIGH, ID_LOW)],
    ['REQ', (it) => it.onReq(['REQ', ID, '0'])],
    ['TOUCH', (it) => it.onTouch(['TOUCH', ID])],
  ];
  for (const [name, run] of commands) {
    test(name, () => {
      const side = setUpSubscribed();
      run(side.commands);
      side.sentToPump();
      side.port.responses.respondOk();

      assert.deepStrictEqual(side.port.sent(), []);
      answerBarrier(side);
      assert.deepStrictEqual(side.port.sent(), ['OK']);
    });
  }

  test('but not after RDY, which the pump never refuses', () => {
    const { port, commands } = setUpSubscribed();
    commands.onRdy(['RDY', '1']);
    port.responses.respondOk();

    assert.deepStrictEqual(port.sent(), ['OK']);
  });
});

test('ConsumerCommands: CLS is answered when the pump sends no more, and messages can still be finished', async () => {
  const { rings, port, commands, sentToPump } = setUpSubscribed();
  assert.equal(commands.onCls(), NEXT);
  rings.handle.flush();
  const { token } = rings.nextControl();
  assert.deepStrictEqual(sentToPump(), [{ do: 'stopConsumer', consumer: 1 }]);
  assert.deepStrictEqual(port.sent(), []);

  rings.handle.onReply(token, { error: null });
  await Promise.resolve();

  assert.deepStrictEqual(port.sent(), ['CLOSE_WAIT']);
  assert.equal(commands.onRdy(['RDY', 'ignored']), NEXT);
  assert.equal(commands.onFin(['FIN', ID]), NEXT);
  assert.deepStrictEqual(sentToPump(), [[records.FINISH, 1, ID_HIGH, ID_LOW]]);
  assert.equal(commands.onCls(), CLOSED);
});

test('ConsumerCommands: FIN and REQ are told to subscribers in the process', (t) => {
  const events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);
  for (const channel of [brokerChannels.finish, brokerChannels.requeue]) {
    channel.subscribe(listen);
    t.after(() => channel.unsubscribe(listen));
  }
  const { commands } = setUpSubscribed();
  commands.onFinish(ID_HIGH, ID_LOW);
  commands.onReq(['REQ', ID, '20']);
  commands.onTouch(['TOUCH', ID]);

  const about = { topic: 't', channel: 'c', client: 'host:4150', id: ID };
  assert.deepStrictEqual(events, [about, { ...about, delayMs: 20 }]);
});
