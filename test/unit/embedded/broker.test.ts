import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Consumer } from '../../../src/client/consumer.ts';
import type { Message } from '../../../src/client/message.ts';
import type { Broker } from '../../../src/embedded/broker.ts';
import type { BrokerOptions } from '../../../src/embedded/broker-options.ts';
import { createBroker } from '../../../src/embedded/create-broker.ts';

const LIMIT = { timeout: 20_000 };
/** Failures come again at once. */
const AT_ONCE = { requeueDelayMs: 0, maxBackoffMs: 0 };

async function inMemory(t: TestContext, options: BrokerOptions = {}): Promise<Broker> {
  const broker = await createBroker({ memory: true, ...options });
  t.after(() => broker.close({ deadlineMs: 0 }));
  return broker;
}

/** Reads this many messages, and finishes them. */
async function take(messages: AsyncIterator<Message, undefined>, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value: message } = await messages.next();
    assert.ok(message !== undefined);
    texts.push(message.text());
    await message.finish();
  }
  return texts;
}

async function channelOf(broker: Broker, topic: string, channel: string) {
  const { topics } = await broker.stats({ topic, channel, clients: true });
  const found = topics?.[0]?.channels[0];
  assert.ok(found !== undefined);
  return found;
}

test('createBroker: what is published is read, and finished', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const messages = broker.messages('orders', 'billing');

  await broker.publish('orders', { id: 7 });
  await broker.publishMany('orders', ['text', Buffer.from('bytes')]);
  const texts = await take(messages, 3);

  assert.deepEqual(texts, ['{"id":7}', 'text', 'bytes']);
  const { depth, inFlightCount, messageCount, clients } = await channelOf(
    broker,
    'orders',
    'billing',
  );
  assert.deepEqual([depth, inFlightCount, messageCount, clients?.[0].finishCount], [0, 0, 3, 3]);
  assert.deepEqual([broker.tcpPort, broker.httpPort, existsSync('memory')], [0, 0, false]);
});

test('Broker: twenty of them in one process know nothing of each other', LIMIT, async (t) => {
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  const brokers = await Promise.all(numbers.map(() => inMemory(t)));

  const texts = await Promise.all(
    brokers.map(async (broker, number) => {
      const messages = broker.messages('t', 'c');
      await broker.publish('t', `of ${number}`);
      return take(messages, 1);
    }),
  );
  const depths = await Promise.all(
    brokers.map(async (broker) => (await broker.stats()).topics?.length),
  );
  await Promise.all(brokers.map((broker) => broker.close()));

  assert.deepEqual(
    texts,
    numbers.map((number) => [`of ${number}`]),
  );
  assert.deepEqual(
    depths,
    numbers.map(() => 1),
  );
});

test(
  'Broker.subscribe: a handler that fails gets the message again, until it is given up',
  LIMIT,
  async (t) => {
    const broker = await inMemory(t);
    const attempts: number[] = [];
    const { promise: discarded, resolve } = Promise.withResolvers<string>();
    const consumer = await broker.subscribe(
      't',
      'c',
      (message) => {
        attempts.push(message.attempts);
        throw new Error('not yet');
      },
      { ...AT_ONCE, maxAttempts: 3, onDiscard: (message) => resolve(message.text()) },
    );

    await broker.publish('t', 'poison');
    const text = await discarded;
    await consumer.close();

    assert.deepEqual([text, attempts], ['poison', [1, 2, 3]]);
    const { depth, requeueCount, clientCount } = await channelOf(broker, 't', 'c');
    assert.deepEqual([depth, requeueCount, clientCount], [0, 2, 0]);
  },
);

test('Broker.subscribe: no more messages are in flight than are wanted', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const held: Message[] = [];
  const { promise: isFull, resolve } = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let handledCount = 0;
  const all = Promise.withResolvers<void>();
  await broker.subscribe(
    't',
    'c',
    async (message) => {
      held.push(message);
      if (held.length === 3) resolve();
      await release.promise;
      if (++handledCount === 100) all.resolve();
    },
    { maxInFlight: 3, concurrency: 100 },
  );

  await broker.publishMany(
    't',
    Array.from({ length: 100 }, (_, i) => `m${i}`),
  );
  await isFull;
  const { inFlightCount, depth } = await channelOf(broker, 't', 'c');
  release.resolve();
  await all.promise;

  assert.deepEqual([inFlightCount, depth], [3, 97]);
});

test('Broker.publish: the promise is the back-pressure, and nothing is lost', LIMIT, async (t) => {
  // The publish ring has room for eight of them.
  const broker = await inMemory(t);
  const body = Buffer.alloc(512 * 1024, 'x');
  const messages = broker.messages('t', 'c', { maxInFlight: 100 });
  let keptCount = 0;

  const publishes = Array.from({ length: 40 }, async () => {
    await broker.publish('t', body);
    keptCount++;
  });
  await Promise.resolve();
  const atOnce = keptCount;
  const texts = await take(messages, 40);
  await Promise.all(publishes);

  assert.ok(atOnce < 40, `${atOnce} are kept at once`);
  assert.ok(texts.every((text) => text.length === body.length));
});

test('Broker: what memory has no room for comes back from its files', LIMIT, async (t) => {
  const broker = await inMemory(t, { memQueueSize: 10 });
  const messages = broker.messages('t', 'c');
  const bodies = Array.from({ length: 1000 }, (_, i) => `m${i}`);

  await broker.publishMany('t', bodies);
  const texts = await take(messages, 1000);

  assert.deepEqual(texts.sort(), bodies.sort());
});

test('Broker: a TCP client and a consumer in the process share a channel', LIMIT, async (t) => {
  const broker = await inMemory(t, { tcpAddress: '127.0.0.1:0' });
  const remote = new Consumer({
    topic: 't',
    channel: 'c',
    nsqd: [`127.0.0.1:${broker.tcpPort}`],
    maxInFlight: 1,
  });
  const remoteMessages = remote[Symbol.asyncIterator]();
  const localMessages = broker.messages('t', 'c', { maxInFlight: 1 });
  const [first, second] = [remoteMessages.next(), localMessages.next()];
  await broker.publishMany('t', ['one', 'two']);

  const { value: a } = await first;
  const { value: b } = await second;
  const { clientCount, inFlightCount } = await channelOf(broker, 't', 'c');
  await a?.finish();
  await b?.finish();
  await remote.close();

  assert.deepEqual([a?.text(), b?.text()].sort(), ['one', 'two']);
  assert.deepEqual([clientCount, inFlightCount], [2, 2]);
});

test('Broker: a message that is not answered in time comes again', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const messages = broker.messages('t', 'c', { msgTimeoutMs: 20, autoTouch: false });
  await broker.publish('t', 'slow');

  const { value: first } = await messages.next();
  const { value: again } = await messages.next();
  await again?.finish();

  assert.deepEqual([first?.attempts, again?.attempts, again?.id], [1, 2, first?.id]);
});

test('Broker.publish: a message can be held back', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const messages = broker.messages('t', 'c');
  await broker.publish('t', 'later', { delayMs: 50 });
  await broker.publish('t', 'now');

  const texts = await take(messages, 2);

  assert.deepEqual(texts, ['now', 'later']);
});

test('Broker.messages: what is published right afterwards is not missed', LIMIT, async (t) => {
  const broker = await inMemory(t);
  await broker.topics.create('t', 'other');
  await broker.publish('t', 'before');

  const messages = broker.messages('t', 'c');
  await broker.publish('t', 'after');
  const texts = await take(messages, 1);

  assert.deepEqual(texts, ['after']);
});

test(
  'Broker.messages: who leaves the loop leaves the channel, and what is unanswered comes again',
  LIMIT,
  async (t) => {
    const broker = await inMemory(t, { msgTimeoutMs: 50 });
    await broker.publish('t', 'unanswered');
    for await (const message of broker.messages('t', 'c')) {
      assert.equal(message.text(), 'unanswered');
      break;
    }
    const { clientCount } = await channelOf(broker, 't', 'c');

    const texts = await take(broker.messages('t', 'c'), 1);

    assert.deepEqual([clientCount, texts], [0, ['unanswered']]);
  },
);

test('createBroker: a broker in memory has no store of replicated topics', async () => {
  await assert.rejects(createBroker({ memory: true, natsUrl: 'nats://127.0.0.1:1' }), {
    message: 'a broker in memory has no store: leave natsUrl out',
  });
});

test('Broker.close: it waits for handlers, and takes nothing afterwards', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const order: string[] = [];
  await broker.subscribe('t', 'c', async () => {
    begun.resolve();
    await release.promise;
    order.push('handled');
  });
  await broker.publish('t', 'x');
  await begun.promise;

  const closing = broker.close().then(() => order.push('closed'));
  const refused = assert.rejects(broker.publish('t', 'y'), { name: 'NsqError', code: 'CLOSED' });
  release.resolve();
  await closing;

  assert.deepEqual(order, ['handled', 'closed']);
  await refused;
  assert.throws(() => broker.messages('t', 'c'), { code: 'CLOSED' });
  await assert.rejects(
    broker.subscribe('t', 'c', () => undefined),
    { code: 'CLOSED' },
  );
  await broker.close();
});

test('Broker.close: a loop over messages ends', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const next = broker.messages('t', 'c').next();

  await broker.close();

  assert.deepEqual(await next, { value: undefined, done: true });
});

test('Broker: what cannot be published is rejected with the reason', LIMIT, async (t) => {
  const broker = await inMemory(t, { maxMsgSize: 10, maxBodySize: 20, maxDepth: 1 });
  await broker.topics.create('full', 'c');
  await broker.publish('full', 'x');

  await assert.rejects(broker.publish('not a topic', 'x'), {
    code: 'E_BAD_TOPIC',
    topic: 'not a topic',
  });
  await assert.rejects(broker.publish('t', ''), { code: 'E_BAD_MESSAGE' });
  await assert.rejects(broker.publish('t', 'x'.repeat(11)), { code: 'E_BAD_MESSAGE' });
  await assert.rejects(
    broker.publish('t', () => undefined),
    { code: 'E_BAD_MESSAGE' },
  );
  await assert.rejects(broker.publishMany('t', ['123456789', '123456789']), { code: 'E_BAD_BODY' });
  await assert.rejects(broker.publish('t', 'x', { delayMs: -1 }), {
    code: 'INVALID_OPTION',
    option: 'delayMs',
  });
  await assert.rejects(broker.publish('full', 'y'), {
    code: 'E_PUB_FAILED',
    isRetriable: true,
    topic: 'full',
  });
  await assert.rejects(broker.publishMany('full', ['y', 'z']), { code: 'E_MPUB_FAILED' });
  await assert.rejects(broker.publish('full', 'y', { delayMs: 5 }), { code: 'E_DPUB_FAILED' });
});

test('Broker.subscribe: a channel that takes no more consumers refuses one', LIMIT, async (t) => {
  const broker = await inMemory(t, { maxChannelConsumers: 1 });
  const first = await broker.subscribe('t', 'c', () => undefined);

  await assert.rejects(
    broker.subscribe('t', 'c', () => undefined),
    { code: 'E_SUB_FAILED' },
  );
  await first.close();
  const next = await broker.subscribe('t', 'c', () => undefined);

  assert.equal(next.stats().connectionCount, 1);
});

test('Broker.topics: they are managed as over HTTP', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const { topics } = broker;
  await topics.create('b', 'y');
  await topics.create('b', 'x');
  await topics.create('a');
  await broker.publish('b', '1');
  await topics.pause('b', 'x');
  await topics.pause('a');

  const paused = (await broker.stats()).topics?.map(({ isPaused, channels }) => [
    isPaused,
    ...channels.map((channel) => channel.isPaused),
  ]);
  await topics.resume('b', 'x');
  await topics.resume('a');
  await topics.empty('b', 'x');
  const depths = (await broker.stats({ topic: 'b' })).topics?.[0].channels.map(
    ({ depth }) => depth,
  );
  await topics.delete('b', 'y');
  const names = [topics.names(), topics.channels('b')];
  await topics.delete('b');

  assert.deepEqual(paused, [[true], [false, true, false]]);
  assert.deepEqual([depths, names, topics.names()], [[0, 1], [['a', 'b'], ['x']], ['a']]);
  await assert.rejects(topics.delete('b'), { code: 'NOT_FOUND', topic: 'b' });
  await assert.rejects(topics.pause('a', 'c'), { code: 'NOT_FOUND' });
  await assert.rejects(topics.create('no topic'), { code: 'E_BAD_TOPIC' });
  await assert.rejects(topics.create('a', 'no channel'), { code: 'E_BAD_CHANNEL' });
});

test(
  'createBroker: the log goes where the program wants it, from its level on',
  LIMIT,
  async (t) => {
    const lines: string[] = [];
    const note = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
    const log = {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
    };
    const broker = await inMemory(t, { log });
    await broker.topics.create('t\nt'.slice(0, 1));

    const loud = lines.length;
    await inMemory(t, { log, logLevel: 'error' });

    assert.ok(lines.includes('info TOPIC(t): created'), lines.join('\n'));
    assert.ok(lines.some((line) => line.startsWith('info in memory: 0 topics')));
    assert.equal(lines.length, loud);
  },
);

test('Broker.policies: they are set, shown, in force, and removed', LIMIT, async (t) => {
  const broker = await inMemory(t);
  const { policies } = broker;
  await broker.topics.create('orders', 'billing');
  const short = { pattern: 'orders', priority: 1, definition: { 'max-depth': 2 } };

  await policies.set('short', short);
  await policies.set('tries', { pattern: 'orders:*', definition: { 'max-attempts': 5 } });
  await broker.topics.pause('orders');
  await broker.publishMany('orders', ['1', '2']);
  const full = broker.publish('orders', '3');

  await assert.rejects(full, { code: 'E_PUB_FAILED' });
  assert.deepEqual(policies.get('short'), { name: 'short', ...short, source: 'run time' });
  assert.deepEqual(
    policies.list().map(({ name, priority }) => [name, priority]),
    [
      ['short', 1],
      ['tries', 0],
    ],
  );
  assert.deepEqual(policies.effective('orders')['max-depth'], { value: 2, policy: 'short' });
  assert.deepEqual(policies.effective('orders', 'any')['max-attempts'], {
    value: 5,
    policy: 'tries',
  });
  assert.equal(policies.effective('other', 'any')['max-attempts'].policy, null);
  await policies.delete('short');
  assert.equal(policies.get('short'), undefined);
  await broker.publish('orders', '3');
});

test('Broker.policies: what is wrong is refused with the reason', LIMIT, async (t) => {
  const { policies } = await inMemory(t);
  const code = 'INVALID_POLICY';
  const cycle = { pattern: 'a', definition: { 'max-depth': 1, 'dead-letter': 'a' } };

  await assert.rejects(policies.set('p', { pattern: 'a', definition: { 'max-deth': 1 } }), {
    code,
    message: /^policy p: no policy has a key "max-deth".*max-depth/,
  });
  await assert.rejects(policies.set('p', { pattern: '', definition: {} }), { code });
  await assert.rejects(policies.set('p', cycle), { code, message: /^policy p: / });
  await assert.rejects(policies.delete('p'), { code: 'NOT_FOUND' });
  assert.throws(() => policies.effective('no topic'), { code: 'E_BAD_TOPIC' });
  assert.throws(() => policies.effective('a', 'no channel'), { code: 'E_BAD_CHANNEL' });
  assert.deepEqual(policies.list(), []);
});

test('Broker: /metrics shows the loops of a broker in memory', LIMIT, async (t) => {
  const broker = await inMemory(t, { httpAddress: '127.0.0.1:0' });
  await broker.publishMany('t', ['1', '2', '3']);
  await take(broker.messages('t', 'c'), 3);

  const answer = await fetch(`http://127.0.0.1:${broker.httpPort}/metrics`);
  const text = await answer.text();
  const sampleOf = (sample: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')[1],
    );

  assert.ok(sampleOf('ringmq_thread_turns_total{thread="pump-0"}') > 0);
  assert.ok(sampleOf('ringmq_thread_busy_seconds_total{thread="pump-0"}') > 0);
  assert.ok(sampleOf('ringmq_thread_busy_seconds_total{thread="disk-0"}') > 0);
  assert.ok(sampleOf('ringmq_ring_capacity_bytes{ring="publish",pump="0"}') > 0);
  assert.equal(sampleOf('ringmq_ring_used_bytes{ring="publish",pump="0"}'), 0);
  // They share the heap of main.
  assert.ok(sampleOf('ringmq_thread_heap_bytes{thread="main"}') > 0);
  assert.ok(!text.includes('ringmq_thread_heap_bytes{thread="pump-0"}'));
});

test('Broker.drain: refuses what is new, and waits until consumers have all', LIMIT, async (t) => {
  const broker = await inMemory(t);
  await broker.publishMany('t', ['1', '2', '3']);
  await broker.topics.create('t', 'c');

  const draining = broker.drain();
  const refused = broker.publish('t', '4');
  await assert.rejects(refused, { code: 'E_PUB_FAILED', message: /draining/ });
  await assert.rejects(broker.topics.create('u'), /draining/);
  const texts = await take(broker.messages('t', 'c'), 3);

  assert.deepEqual([texts, await draining, await broker.drain()], [['1', '2', '3'], true, true]);
});

test('Broker.drain: ends with the broker, and says that it is not empty', LIMIT, async (t) => {
  const broker = await inMemory(t);
  await broker.topics.create('t', 'c');
  await broker.publishMany('t', ['1', '2', '3']);

  const draining = broker.drain();
  await broker.close();

  assert.equal(await draining, false);
});
