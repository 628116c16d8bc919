import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { dpub, identify, line, MAGIC, mpub, pub, sized } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, channelStats, topicStats, until } from '../support/broker-stats.ts';
import { randomChunks, singleBytes } from '../support/chunks.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const RANDOM_CHUNKINGS = 6;
/** Ids that no message has: one that could be, one that could not. */
const UNKNOWN = '0123456789abcdef';
const IMPOSSIBLE = 'not-hexadecimal!';
const NOT_IN_FLIGHT = 'failed ID not in flight';

const broker = await new BrokerSite({ after }).start();
let topicCount = 0;

/** What a client sends, and the answers that it must get, whatever segments the bytes come in. */
type Script = {
  readonly name: string;
  readonly bytes: (topic: string) => readonly Buffer[];
  readonly answers: readonly string[];
};

const SCRIPTS: readonly Script[] = [
  {
    name: 'every command',
    bytes: (topic) => [
      MAGIC,
      identify({ client_id: 'pipeline', heartbeat_interval: 30_000 }),
      line('NOP'),
      pub(topic, 'one'),
      mpub(topic, ['two', Buffer.from([10, 13, 0, 255]), 'four']),
      dpub(topic, 3_600_000, 'deferred'),
      line('SUB', topic, 'channel'),
      line('RDY', 0),
      line('FIN', UNKNOWN),
      line('REQ', UNKNOWN, 100),
      line('TOUCH', UNKNOWN),
      pub(topic, 'five'),
      line('TOUCH', IMPOSSIBLE),
      line('FIN', IMPOSSIBLE),
      mpub(topic, ['six']),
      line('FIN', UNKNOWN),
      line('CLS'),
      line('RDY', 5),
      line('REQ', IMPOSSIBLE, 0),
      pub(topic, 'seven'),
      line('SUB', topic, 'another'),
    ],
    answers: [
      'OK',
      'OK',
      'OK',
      'OK',
      'OK',
      `error: E_FIN_FAILED FIN ${UNKNOWN} ${NOT_IN_FLIGHT}`,
      `error: E_REQ_FAILED REQ ${UNKNOWN} ${NOT_IN_FLIGHT}`,
      `error: E_TOUCH_FAILED TOUCH ${UNKNOWN} ${NOT_IN_FLIGHT}`,
      'OK',
      `error: E_TOUCH_FAILED TOUCH ${IMPOSSIBLE} ${NOT_IN_FLIGHT}`,
      `error: E_FIN_FAILED FIN ${IMPOSSIBLE} ${NOT_IN_FLIGHT}`,
      'OK',
      `error: E_FIN_FAILED FIN ${UNKNOWN} ${NOT_IN_FLIGHT}`,
      'CLOSE_WAIT',
      `error: E_REQ_FAILED REQ ${IMPOSSIBLE} ${NOT_IN_FLIGHT}`,
      'OK',
      'error: E_INVALID cannot SUB in current state',
    ],
  },
  {
    name: 'a carriage return, spare words and empty words',
    bytes: (topic) => [
      MAGIC,
      Buffer.from(`PUB ${topic} spare words\r\n`),
      sized('body\r\n'),
      Buffer.from('NOP \n'),
      Buffer.from(`SUB ${topic}  channel\n`),
    ],
    answers: ['OK', 'error: E_BAD_CHANNEL SUB channel name "" is not valid'],
  },
  {
    name: 'a message that is too big',
    bytes: (topic) => [MAGIC, pub(topic, 'fits'), line('PUB', topic), Buffer.from([0, 16, 0, 1])],
    answers: ['OK', 'error: E_BAD_MESSAGE PUB message too big 1048577 > 1048576'],
  },
  {
    name: 'a batch with a bad message',
    bytes: (topic) => [MAGIC, mpub(topic, ['good', ''])],
    answers: ['error: E_BAD_MESSAGE MPUB invalid message(1) body size 0'],
  },
  {
    name: 'an unknown command',
    bytes: (topic) => [MAGIC, pub(topic, 'before'), line('pub', topic)],
    answers: ['OK', 'error: E_INVALID invalid command pub'],
  },
  {
    name: 'another protocol',
    bytes: () => [Buffer.from('  V1')],
    answers: ['error: E_BAD_PROTOCOL'],
  },
];

for (const { name, bytes, answers } of SCRIPTS) {
  test(`commands in any segments: ${name}`, LIMIT, async (t) => {
    const seed = freshSeed();
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    const ways: ((whole: Buffer) => Buffer[])[] = [(whole) => [whole], singleBytes];
    for (let i = 0; i < RANDOM_CHUNKINGS; i++) ways.push((whole) => randomChunks(whole, random));

    const heard = [];
    for (const way of ways) heard.push(await play(t, way(Buffer.concat(bytes(nextTopic())))));

    for (const texts of heard) assert.deepEqual(texts, answers);
  });
}

test('half-close after a publish gives its OK, then the end', LIMIT, async (t) => {
  const topic = nextTopic();
  const client = await WireClient.connect(t, broker, pub(topic, 'last words'));
  client.halfClose();

  assert.deepEqual(await client.textsToEnd(), ['OK']);
  assert.equal((await topicStats(broker, topic))?.message_count, 1);
});

test('half-close with everything in one segment still gives every answer', LIMIT, async (t) => {
  const topic = nextTopic();
  const commands = Array.from({ length: 1000 }, (_, index) => pub(topic, `message ${index}`));
  const client = await WireClient.connect(t, broker, ...commands);
  client.halfClose();

  assert.deepEqual(
    await client.textsToEnd(),
    Array.from({ length: 1000 }, () => 'OK'),
  );
});

test('half-close while answers wait for the disk gives them all', LIMIT, async (t) => {
  const onDisk = await new BrokerSite(t).start({ flags: ['--mem-queue-size=0'] });
  const commands = Array.from({ length: 200 }, (_, index) => pub('disk', `message ${index}`));
  const client = await WireClient.connect(t, onDisk, ...commands);
  client.halfClose();

  assert.deepEqual(
    await client.textsToEnd(),
    Array.from({ length: 200 }, () => 'OK'),
  );
});

test(
  'half-close after CLS gives CLOSE_WAIT, and the FIN before it has been done',
  LIMIT,
  async (t) => {
    const topic = nextTopic();
    const client = await subscribe(t, topic, pub(topic, 'to be finished'));
    const { id } = await client.nextMessage();

    client.send(line('FIN', id), line('CLS'));
    client.halfClose();

    assert.deepEqual(await client.textsToEnd(), ['CLOSE_WAIT']);
    const stats = await until(
      () => channelStats(broker, topic, 'channel'),
      (channel) => channel?.client_count === 0,
    );
    assert.deepEqual([stats?.in_flight_count, stats?.depth], [0, 0]);
  },
);

const CUT_OFF: readonly (readonly [string, (topic: string) => Buffer, string[]])[] = [
  ['a line', (topic) => Buffer.from(`PUB ${topic}`), []],
  [
    'the size of a body',
    (topic) => pub(topic, 'body').subarray(0, -6),
    ['error: E_BAD_MESSAGE PUB failed to read message body size'],
  ],
  [
    'a body',
    (topic) => pub(topic, 'body').subarray(0, -1),
    ['error: E_BAD_MESSAGE PUB failed to read message body'],
  ],
  [
    'a batch',
    (topic) => mpub(topic, ['one', 'two']).subarray(0, -5),
    ['error: E_BAD_MESSAGE MPUB failed to read message(1) body size'],
  ],
  [
    'an IDENTIFY',
    () => identify({ client_id: 'x' }).subarray(0, -1),
    ['error: E_BAD_BODY IDENTIFY failed to read body'],
  ],
];

for (const [where, bytes, answers] of CUT_OFF) {
  test(`half-close inside ${where} ends the connection`, LIMIT, async (t) => {
    const client = await WireClient.connect(t, broker, bytes(nextTopic()));
    client.halfClose();

    assert.deepEqual(await client.textsToEnd(), answers);
  });
}

test(
  'an error that ends the connection arrives although more was sent behind it',
  LIMIT,
  async (t) => {
    const client = await WireClient.connect(t, broker, line('PUB', 'bad!'), Buffer.alloc(2 ** 20));

    assert.deepEqual(await client.textsToEnd(), [
      'error: E_BAD_TOPIC PUB topic name "bad!" is not valid',
    ]);
  },
);

test('a line that never ends closes the connection without a frame', LIMIT, async (t) => {
  const client = await WireClient.connect(t, broker, Buffer.alloc(20_000, 'x'));

  assert.deepEqual(await client.textsToEnd(), []);
});

const RESET_IN: readonly ((topic: string) => Buffer)[] = [
  () => identify({ client_id: 'reset', feature_negotiation: true }),
  () => Buffer.concat([line('AUTH'), sized('secret')]),
  (topic) => line('SUB', topic, 'channel'),
  (topic) => pub(topic, 'body'),
  (topic) => mpub(topic, ['one', 'two']),
  (topic) => dpub(topic, 1000, 'later'),
  () => line('RDY', 100),
  () => line('FIN', UNKNOWN),
  () => line('REQ', UNKNOWN, 0),
  () => line('TOUCH', UNKNOWN),
  () => line('NOP'),
  () => line('CLS'),
];

test('clients that are reset anywhere in a command disturb nobody', LIMIT, async (t) => {
  const quiet = nextTopic();
  const bystander = await subscribe(t, quiet);
  const noisy = nextTopic();
  let cuts = 0;

  for (const command of RESET_IN) {
    const bytes = command(noisy);
    for (let cut = 0; cut <= bytes.length; cut++, cuts++) {
      const client = await WireClient.connect(t, broker);
      // Half of them are consumers whose subscription was confirmed.
      if (cut % 2 === 1) {
        client.send(line('SUB', noisy, 'channel'), line('RDY', 10));
        await client.nextText();
      }
      await client.sendWhole(bytes.subarray(0, cut));
      client.reset();
    }
    bystander.send(pub(quiet, `after ${cuts}`));
    assert.deepEqual(new Set(await bystander.texts(2)), new Set(['OK', `message: after ${cuts}`]));
  }
  await until(
    () => channelStats(broker, noisy, 'channel'),
    (channel) => channel?.client_count === 0,
  );

  assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
  assert.doesNotMatch(broker.log, /FATAL/);
});

/** Sends the chunks one by one and returns the answers, to the end. */
async function play(t: TestContext, chunks: readonly Buffer[]): Promise<string[]> {
  const client = await WireClient.connectSilently(t, broker.tcpPort);
  for (const chunk of chunks) await client.sendWhole(chunk);
  return await client.textsToEnd();
}

/** A consumer that is ready for many, on the channel `channel`; what was sent first is answered. */
async function subscribe(t: TestContext, topic: string, ...first: Buffer[]): Promise<WireClient> {
  const client = await WireClient.connect(t, broker, ...first, line('SUB', topic, 'channel'));
  for (let i = 0; i <= first.length; i++) assert.equal(await client.nextText(), 'OK');
  client.send(line('RDY', 100));
  return client;
}

function nextTopic(): string {
  topicCount++;
  return `topic-${topicCount}`;
}
