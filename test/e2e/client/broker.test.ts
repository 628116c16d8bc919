import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../../scripts/kit/broker.ts';
import { Consumer } from '../../../src/client/consumer.ts';
import { NsqError } from '../../../src/client/nsq-error.ts';
import { Producer } from '../../../src/client/producer.ts';
import { BrokerSite } from '../../support/broker-process.ts';
import { channelStats, until } from '../../support/broker-stats.ts';
import { WireCut } from '../../support/wire-cut.ts';

const LIMIT = { timeout: 120_000 };
const MESSAGE_COUNT = 3000;

const at = ({ tcpPort }: Pick<BrokerProcess, 'tcpPort'>): string[] => [`127.0.0.1:${tcpPort}`];

/** Closes them even if the test fails: one that goes on to connect would keep the process. */
function closeAfter(t: TestContext, ...clients: readonly (Producer | Consumer)[]): void {
  t.after(() => Promise.all(clients.map((client) => client.close())));
}

/** Publishes numbers, so many at a time. */
async function publishNumbers(producer: Producer, topic: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => producer.publish(topic, `${from + index}`)),
    );
  }
}

test('client: what is published is consumed, whatever it is', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  const producer = new Producer({ nsqd: at(broker) });
  const consumer = new Consumer({ topic: 'all', channel: 'c', nsqd: at(broker) });
  t.after(() => consumer.close());

  await producer.publish('all', 'text ü');
  await producer.publish('all', Buffer.from([0, 255, 10]));
  await producer.publish('all', { id: 7 });
  await producer.publishMany('all', ['x'.repeat(300_000), { id: 8 }]);
  await producer.publish('all', 'later', { delayMs: 50 });
  await producer.close();
  const bodies: Buffer[] = [];
  for await (const message of consumer) {
    bodies.push(message.body);
    await message.finish();
    if (bodies.length === 6) break;
  }

  const sent = ['text ü', Buffer.from([0, 255, 10]), '{"id":7}', '{"id":8}', 'later'];
  const large = 'x'.repeat(300_000);
  assert.deepEqual(
    bodies.map((body) => body.toString('latin1')).toSorted(),
    [...sent, large].map((body) => Buffer.from(body).toString('latin1')).toSorted(),
  );
});

test('client: a refused publish is told, and the others go on', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start({ flags: ['--max-msg-size=1000'] });
  const producer = new Producer({ nsqd: at(broker) });
  producer.on('error', () => undefined);
  t.after(() => producer.close());

  const results = await Promise.allSettled([
    producer.publish('a', 'good'),
    producer.publish('a', 'x'.repeat(2000)),
    producer.publish('a', 'too'),
    producer.publish('b', 'other'),
  ]);

  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? 'taken' : result.reason.code)),
    ['taken', 'E_BAD_MESSAGE', 'taken', 'taken'],
  );
});

test('client: a broker that is killed and comes back loses nothing', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const flags = ['--mem-queue-size=0'];
  let broker = await site.start({ flags });
  const wire = await WireCut.to(t, () => broker.tcpPort);
  const nsqd = [`127.0.0.1:${wire.port}`];
  const producer = new Producer({ nsqd, maxReconnectMs: 100 });
  const consumer = new Consumer({ topic: 't', channel: 'c', nsqd, maxReconnectMs: 100 });
  closeAfter(t, producer, consumer);
  producer.on('error', () => undefined);
  consumer.on('error', () => undefined);
  const seen = new Set<string>();
  const { promise: quarterSeen, resolve: onQuarter } = Promise.withResolvers<void>();
  const run = consumer.run((message) => {
    seen.add(message.text());
    if (seen.size === MESSAGE_COUNT / 4) onQuarter();
    if (seen.size === MESSAGE_COUNT) void consumer.close();
  });

  const published = publishNumbers(producer, 't', MESSAGE_COUNT);
  await quarterSeen;
  await broker.kill();
  broker = await site.start({ flags });
  await published;
  await run;
  await producer.close();

  assert.equal(seen.size, MESSAGE_COUNT);
});

test('client: connections that break in the middle lose nothing', LIMIT, async (t) => {
  // What was on its way to a connection that broke comes again when its time is over.
  const broker = await new BrokerSite(t).start({ flags: ['--msg-timeout=500ms'] });
  const wire = await WireCut.to(t, () => broker.tcpPort);
  const nsqd = [`127.0.0.1:${wire.port}`];
  const producer = new Producer({ nsqd, maxReconnectMs: 20 });
  const consumer = new Consumer({ topic: 't', channel: 'c', nsqd, maxReconnectMs: 20 });
  closeAfter(t, producer, consumer);
  producer.on('error', () => undefined);
  consumer.on('error', () => undefined);
  const seen = new Set<string>();
  let cuts = 0;
  const run = consumer.run((message) => {
    seen.add(message.text());
    if (seen.size >= 300 * (cuts + 1)) {
      cuts++;
      wire.cut();
    }
    if (seen.size === MESSAGE_COUNT) void consumer.close();
  });

  await publishNumbers(producer, 't', MESSAGE_COUNT);
  await run;
  await producer.close();

  assert.equal(seen.size, MESSAGE_COUNT);
  assert.ok(cuts >= 5, `${cuts} cuts`);
});

test('client: a half-open connection is noticed, and replaced', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  const wire = await WireCut.to(t, () => broker.tcpPort);
  const consumer = new Consumer({
    topic: 't',
    channel: 'c',
    nsqd: [`127.0.0.1:${wire.port}`],
    heartbeatIntervalMs: 1000,
    maxReconnectMs: 50,
  });
  t.after(() => consumer.close());
  consumer.on('error', () => undefined);
  const connected = (): Promise<void> =>
    new Promise((resolve) => consumer.once('connect', () => resolve()));
  const first = connected();
  void consumer.run(() => undefined);
  await first;

  const second = connected();
  wire.isSilent = true;
  const error = await new Promise<NsqError | null>((resolve) => {
    consumer.once('disconnect', (_address, reason) => resolve(reason));
  });
  wire.isSilent = false;
  await second;

  assert.ok(error instanceof NsqError);
  assert.equal(error.code, 'CONNECTION_LOST');
});

test('client: a slow handler keeps its message', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  const producer = new Producer({ nsqd: at(broker) });
  await producer.publish('slow', 'x');
  await producer.close();
  const consumer = new Consumer({
    topic: 'slow',
    channel: 'c',
    nsqd: at(broker),
    msgTimeoutMs: 1000,
  });
  const attempts: number[] = [];

  await consumer.run(async (message) => {
    attempts.push(message.attempts);
    // five touches are two and a half of the broker's timeouts
    await until(
      async () => consumer.stats().touchedCount,
      (count) => count >= 5,
    );
    void consumer.close();
  });

  assert.deepEqual(attempts, [1]);
  assert.equal(consumer.stats().lostCount, 0);
  const channel = await channelStats(broker, 'slow', 'c');
  assert.deepEqual([channel?.timeout_count, channel?.depth], [0, 0]);
});

test('client: what a closed consumer has not handled goes to another', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  const producer = new Producer({ nsqd: at(broker) });
  await producer.publishMany(
    't',
    Array.from({ length: 50 }, (_, index) => `${index}`),
  );
  await producer.close();
  const handled: string[] = [];

  for (const count of [10, 50]) {
    const consumer = new Consumer({ topic: 't', channel: 'c', nsqd: at(broker) });
    await consumer.run((message) => {
      handled.push(message.text());
      if (handled.length === count) void consumer.close();
    });
  }

  assert.equal(handled.length, 50);
  assert.equal(new Set(handled).size, 50);
});

test('client: retries, then the dead letter topic', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  const producer = new Producer({ nsqd: at(broker) });
  await producer.publish('orders', { id: 7 });
  const attempts: number[] = [];
  const consumer = new Consumer({
    topic: 'orders',
    channel: 'billing',
    nsqd: at(broker),
    maxAttempts: 3,
    requeueDelayMs: 10,
    backoffMs: 5,
    onDiscard: async (message, error) => {
      await producer.publish('orders.dead', { body: message.json(), error: String(error) });
      void consumer.close();
    },
  });
  await consumer.run((message) => {
    attempts.push(message.attempts);
    throw new Error('no such customer');
  });
  await producer.close();
  const dead = new Consumer({ topic: 'orders.dead', channel: 'c', nsqd: at(broker) });
  const letters: unknown[] = [];
  await dead.run((message) => {
    letters.push(message.json());
    void dead.close();
  });

  assert.deepEqual(attempts, [1, 2, 3]);
  assert.deepEqual(letters, [{ body: { id: 7 }, error: 'Error: no such customer' }]);
});

test('client: two brokers share a consumer; one is enough for a producer', LIMIT, async (t) => {
  const [first, second] = [await new BrokerSite(t).start(), await new BrokerSite(t).start()];
  const nsqd = [...at(first), ...at(second)];
  for (const address of nsqd) {
    const producer = new Producer({ nsqd: [address] });
    await producer.publish('t', address);
    await producer.close();
  }
  const consumer = new Consumer({ topic: 't', channel: 'c', nsqd, maxReconnectMs: 100 });
  t.after(() => consumer.close());
  consumer.on('error', () => undefined);
  const stream = consumer[Symbol.asyncIterator]();
  const origins = new Set<string>();
  for (let count = 0; count < 2; count++) {
    const { value: message } = await stream.next();
    if (message !== undefined) origins.add(`${message.address} ${message.text()}`);
    await message?.finish();
  }
  await first.kill();
  const producer = new Producer({ nsqd });
  producer.on('error', () => undefined);
  await producer.publish('t', 'second');
  await producer.close();
  const { value: last } = await stream.next();
  await last?.finish();

  assert.deepEqual(origins, new Set(nsqd.map((address) => `${address} ${address}`)));
  assert.equal(last?.text(), 'second');
});
