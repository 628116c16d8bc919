import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import type { BrokerProcess } from '../../../scripts/kit/broker.ts';
import { dpub, identify, line, mpub, pub } from '../../../src/protocol/commands.ts';
import { BrokerSite, type CleanUp } from '../../support/broker-process.ts';
import { ask, channelStats, topicStats, until } from '../../support/broker-stats.ts';
import { Inbox } from '../../support/inbox.ts';
import { type NsqMessage, openReader } from '../../support/nsqjs.ts';
import { askPolicies, setPolicy } from '../../support/policies.ts';
import { WireClient } from '../../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };

const broker = await new BrokerSite({ after }).start();

/** The counts that policies add to nsqd's. */
type PolicyStats = {
  readonly depth: number;
  readonly dropped_count?: number;
  readonly expired_count?: number;
  readonly attempts_exceeded_count?: number;
  readonly dead_letter_count?: number;
  readonly deduplicated_count?: number;
  readonly throttled?: number;
  readonly policies?: readonly string[];
  readonly expiring?: boolean;
};

test(
  'message-ttl: what is too old is dropped, in memory, deferred and on disk',
  LIMIT,
  async (t) => {
    await setPolicy(broker, 'ttl', { pattern: 'ttl', 'message-ttl': '50ms', 'mem-queue-size': 2 });
    await create('ttl', 'c');
    const client = await WireClient.connect(t, broker, mpub('ttl', ['a', 'b', 'c', 'd', 'e']));
    await client.nextText();
    const { expired_count, policies } = await until(
      () => stats('ttl', 'c'),
      ({ expired_count: count }) => count === 5,
    );
    const { depth } = await stats('ttl', 'c');
    await askPolicies(broker, 'DELETE', '/policy/ttl');
    client.send(pub('ttl', 'fresh'), line('SUB', 'ttl', 'c'), line('RDY', 1));
    assert.deepEqual(await client.texts(2), ['OK', 'OK']);
    const message = await client.nextMessage();

    assert.deepEqual([expired_count, depth, policies], [5, 0, ['ttl']]);
    assert.equal(message.body.toString(), 'fresh');
  },
);

test('message-ttl: the time that a message is deferred does not count', LIMIT, async (t) => {
  await setPolicy(broker, 'later', { pattern: 'later', 'message-ttl': '10s' });
  const client = await WireClient.connect(t, broker, dpub('later', 100, 'a'));
  client.send(line('SUB', 'later', 'c'), line('RDY', 1));
  assert.deepEqual(await client.texts(2), ['OK', 'OK']);

  const message = await client.nextMessage();

  assert.equal(message.body.toString(), 'a');
});

test(
  'max-attempts: the attempt after the last is a dead letter, in an envelope',
  LIMIT,
  async (t) => {
    await setPolicy(broker, 'tries', {
      pattern: 'tries:*',
      'max-attempts': 2,
      'dead-letter': 'dead.tries',
      'dead-letter-envelope': 'json',
    });
    const attempts: number[] = [];
    const publisher = await WireClient.connect(t, broker, pub('tries', '{"id":7}'));
    await publisher.nextText();
    const { reader } = openReader(t, broker, 'tries', 'c', (message) => {
      attempts.push(message.attempts);
      message.requeue(0, false);
    });
    await once(reader, 'ready');
    const dead = new Inbox<NsqMessage>();
    openReader(t, broker, 'dead.tries', 'c', dead.put);

    const [letter] = await dead.atLeast(1);
    const source = await until(
      () => stats('tries', 'c'),
      ({ dead_letter_count: count }) => count === 1,
    );

    const { timestamp, id, ...envelope } = JSON.parse(letter.body.toString());
    assert.deepEqual(envelope, {
      reason: 'attempts',
      topic: 'tries',
      channel: 'c',
      attempts: 2,
      encoding: 'utf-8',
      body: '{"id":7}',
    });
    assert.match(String(id), /^[0-9a-f]{16}$/);
    assert.equal(typeof timestamp, 'number');
    assert.deepEqual(attempts, [1, 2]);
    assert.deepEqual([source.attempts_exceeded_count, source.depth], [1, 0]);
  },
);

test('dead-letter: the body goes as it was, for bytes and text', LIMIT, async (t) => {
  await setPolicy(broker, 'raw', {
    pattern: 'raw',
    'message-ttl': '20ms',
    'dead-letter': 'dead.raw',
  });
  await create('dead.raw', 'c');
  const body = Buffer.from([0, 255, 10, 200]);
  const client = await WireClient.connect(t, broker, pub('raw', body));
  client.send(line('SUB', 'dead.raw', 'c'), line('RDY', 1));
  assert.deepEqual(await client.texts(2), ['OK', 'OK']);

  const message = await client.nextMessage();
  const { expired_count, dead_letter_count } = await until(
    () => stats('raw'),
    ({ dead_letter_count: count }) => count === 1,
  );

  assert.ok(message.body.equals(body));
  assert.deepEqual([expired_count, dead_letter_count], [1, 1]);
});

test(
  'dead-letter: dead letters that their topic refuses stay, and go when it takes them',
  LIMIT,
  async (t) => {
    await setPolicy(broker, 'to-full', {
      pattern: 'from',
      'message-ttl': '1ms',
      'dead-letter': 'full',
    });
    await setPolicy(broker, 'full', { pattern: 'full', 'max-depth': 1 });
    const client = await WireClient.connect(t, broker, pub('full', 'first'));
    client.send(pub('from', 'dead'));
    assert.deepEqual(await client.texts(2), ['OK', 'OK']);
    await broker.logged(/TOPIC\(full\): accepts no dead letters from from/);
    const waiting = await stats('from');
    await setPolicy(broker, 'full', { pattern: 'full', 'max-depth': 2 });
    await broker.logged(/TOPIC\(full\): accepts dead letters again/);
    const gone = await until(
      () => stats('from'),
      ({ depth }) => depth === 0,
    );

    assert.deepEqual([waiting.depth, waiting.dead_letter_count], [1, 0]);
    assert.equal(gone.dead_letter_count, 1);
  },
);

test('when-full: the oldest goes to the dead letters', LIMIT, async (t) => {
  await setPolicy(broker, 'ring', {
    pattern: 'ring',
    'max-depth': 2,
    'when-full': 'dead-letter',
    'dead-letter': 'dead.ring',
  });
  const client = await WireClient.connect(t, broker, mpub('ring', ['a', 'b', 'c', 'd']));
  await client.nextText();
  const left = await until(
    () => stats('ring'),
    ({ dead_letter_count: count }) => count === 2,
  );
  client.send(line('SUB', 'dead.ring', 'c'), line('RDY', 2));
  assert.equal(await client.nextText(), 'OK');
  const messages = [await client.nextMessage(), await client.nextMessage()];

  assert.deepEqual([left.depth, left.dropped_count], [2, 2]);
  assert.deepEqual(
    messages.map(({ body }) => body.toString()),
    ['a', 'b'],
  );
});

test('max-in-flight: over all consumers of a channel', LIMIT, async (t) => {
  await setPolicy(broker, 'window', { pattern: 'window:*', 'max-in-flight': 3 });
  const publisher = await WireClient.connect(t, broker, mpub('window', ['a', 'b', 'c', 'd', 'e']));
  await publisher.nextText();
  const consumers = await Promise.all([0, 1].map(() => subscribe(t, 'window', 'c', 10)));
  const held = await until(
    () => stats('window', 'c'),
    ({ throttled = 0 }) => throttled > 0,
  );
  const inFlight = (await channelStats(broker, 'window', 'c'))?.in_flight_count;
  await setPolicy(broker, 'window', { pattern: 'window:*', 'max-in-flight': 5 });
  await until(
    () => channelStats(broker, 'window', 'c'),
    (channel) => channel?.in_flight_count === 5,
  );

  assert.equal(consumers.length, 2);
  assert.deepEqual([inFlight, held.depth], [3, 2]);
});

test('max-rate: a burst at once, and then one after the other', LIMIT, async (t) => {
  await setPolicy(broker, 'slow', { pattern: 'slow:*', 'max-rate': 20, burst: 2 });
  const bodies = Array.from({ length: 6 }, (_, index) => String(index));
  const publisher = await WireClient.connect(t, broker, mpub('slow', bodies));
  await publisher.nextText();
  const beforeMs = performance.now();
  const consumer = await subscribe(t, 'slow', 'c', 100);
  const received: string[] = [];
  for (const _ of bodies) received.push((await consumer.nextMessage()).body.toString());
  const tookMs = performance.now() - beforeMs;
  const { throttled = 0 } = await stats('slow', 'c');

  assert.deepEqual(received, bodies);
  // Two go at once, and four more at 50 ms each: no load makes that shorter.
  assert.ok(tookMs >= 199, `${tookMs} ms`);
  assert.ok(throttled > 0);
});

test('msg-timeout and requeue-backoff: the next attempt waits', LIMIT, async (t) => {
  await setPolicy(broker, 'patient', {
    pattern: 'patient:*',
    'msg-timeout': '30ms',
    'requeue-backoff': 'exponential(1h,2h)',
  });
  const publisher = await WireClient.connect(t, broker, pub('patient', 'a'));
  await publisher.nextText();
  const consumer = await subscribe(t, 'patient', 'c', 1);
  await consumer.nextMessage();
  const deferred = await until(
    () => channelStats(broker, 'patient', 'c'),
    (channel) => channel?.deferred_count === 1,
  );

  assert.deepEqual([deferred?.timeout_count, deferred?.in_flight_count], [1, 0]);
});

test('msg-timeout: a consumer that negotiates one keeps its own', LIMIT, async (t) => {
  await setPolicy(broker, 'own', { pattern: 'own:*', 'msg-timeout': '1ms' });
  const publisher = await WireClient.connect(t, broker, pub('own', 'a'));
  await publisher.nextText();
  const consumer = await WireClient.connect(t, broker, identify({ msg_timeout: 60_000 }));
  assert.equal(await consumer.nextText(), 'OK');
  consumer.send(line('SUB', 'own', 'c'), line('RDY', 1));
  assert.equal(await consumer.nextText(), 'OK');
  const { id } = await consumer.nextMessage();
  const before = await channelStats(broker, 'own', 'c');
  consumer.send(line('FIN', id));
  const after = await until(
    () => channelStats(broker, 'own', 'c'),
    (channel) => channel?.in_flight_count === 0,
  );

  assert.equal(before?.in_flight_count, 1);
  assert.deepEqual([after?.timeout_count, after?.depth], [0, 0]);
});

test('expires: a channel without consumers is named, and then deleted', LIMIT, async () => {
  await setPolicy(broker, 'orphans', {
    pattern: 'orphans:*',
    expires: '2500ms',
    'warn-after': '1ms',
  });
  await create('orphans', 'c');
  await broker.logged(/TOPIC\(orphans\): channel\(c\) has had no consumer for .*is deleted in/);
  const { expiring } = await stats('orphans', 'c');
  await broker.logged(/TOPIC\(orphans\): channel\(c\) has had no consumer for 3s, deleting/);
  const gone = await until(
    () => channelStats(broker, 'orphans', 'c'),
    (channel) => channel === undefined,
  );

  assert.equal(expiring, true);
  assert.equal(gone, undefined);
});

test('acknowledge=write: what is acknowledged is there after kill -9', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const first = await site.start();
  await setPolicy(first, 'safe', { pattern: 'safe', acknowledge: 'write' });
  const client = await WireClient.connect(t, first, mpub('safe', ['a', 'b']));
  assert.equal(await client.nextText(), 'OK');
  await first.kill();
  const second = await site.start();

  assert.equal((await topicStats(second, 'safe'))?.depth, 2);
});

test(
  'deduplicate: a second publish is acknowledged and dropped, over TCP and HTTP',
  LIMIT,
  async (t) => {
    await setPolicy(broker, 'once', {
      pattern: 'once',
      deduplicate: '1h',
      'deduplicate-key': 'json:id',
    });
    const client = await WireClient.connect(t, broker, pub('once', '{"id":1}'));
    client.send(mpub('once', ['{"id":2}', '{"id":1,"again":true}', '{"id":3}']));
    client.send(dpub('once', 1, '{"id":3}'));
    const answers = await client.texts(3);
    const overHttp = await ask(broker, '/pub?topic=once', '{"id":2,"again":true}');
    const { depth, deduplicated_count } = await stats('once');

    assert.deepEqual(answers, ['OK', 'OK', 'OK']);
    assert.equal(overHttp.text, 'OK');
    assert.deepEqual([depth, deduplicated_count], [3, 3]);
  },
);

test(
  'deduplicate: what was published before a clean restart is dropped after it',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const first = await site.start();
    await setPolicy(first, 'once', { pattern: 'once', deduplicate: '1h' });
    const before = await WireClient.connect(t, first, pub('once', 'a'));
    await before.nextText();
    await first.stop();
    const second = await site.start();
    const after = await WireClient.connect(t, second, mpub('once', ['a', 'b']));
    const answer = await after.nextText();

    assert.equal(answer, 'OK');
    assert.equal((await topicStats(second, 'once'))?.depth, 2);
  },
);

test(
  'bounds: a change is in force for topics that are there, and loses nothing',
  LIMIT,
  async (t) => {
    const client = await WireClient.connect(t, broker, mpub('grow', ['a', 'b', 'c']));
    await client.nextText();
    await create('grow', 'c');
    await setPolicy(broker, 'grow', { pattern: 'grow', 'max-depth': 3, 'mem-queue-size': 0 });
    client.send(pub('grow', 'd'));
    const refused = await client.nextText();
    const overHttp = await ask(broker, '/pub?topic=grow', 'd');
    await askPolicies(broker, 'DELETE', '/policy/grow');
    const consumer = await WireClient.connect(t, broker, pub('grow', 'd'));
    consumer.send(line('SUB', 'grow', 'c'), line('RDY', 9));
    const answers = await consumer.texts(2);
    const bodies: string[] = [];
    for (let i = 0; i < 4; i++) bodies.push((await consumer.nextMessage()).body.toString());

    assert.match(refused ?? '', /E_PUB_FAILED .*is full, --max-depth=3/);
    assert.equal(overHttp.status, 503);
    assert.deepEqual(answers, ['OK', 'OK']);
    assert.deepEqual(bodies, ['a', 'b', 'c', 'd']);
  },
);

/** Makes a topic with a channel. */
async function create(topic: string, channel: string): Promise<void> {
  await ask(broker, `/topic/create?topic=${topic}`, null);
  const { status } = await ask(broker, `/channel/create?topic=${topic}&channel=${channel}`, null);
  if (status !== 200) throw new Error(`the channel was not created: ${status}`);
}

/** A channel as it is in /stats, or without `channel` a topic. */
async function stats(topic: string, channel?: string): Promise<PolicyStats> {
  const found =
    channel === undefined ? topicStats(broker, topic) : channelStats(broker, topic, channel);
  // what policies add is typed here, where it is looked at
  return ((await found) ?? {}) as PolicyStats;
}

async function subscribe(
  t: CleanUp,
  topic: string,
  channel: string,
  ready: number,
  at: BrokerProcess = broker,
): Promise<WireClient> {
  const client = await WireClient.connect(t, at, line('SUB', topic, channel));
  if ((await client.nextText()) !== 'OK') throw new Error('the subscription was refused');
  client.send(line('RDY', ready));
  return client;
}
