import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, type TestContext, test } from 'node:test';
import { BrokerSite } from '../support/broker-process.ts';
import { channelStats, until } from '../support/broker-stats.ts';
import { Inbox } from '../support/inbox.ts';
import { type NsqMessage, openReader, Publisher, type ReaderOptions } from '../support/nsqjs.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 1024 * 1024;

const broker = await new BrokerSite({ after }).start();

test('nsqjs: publishes one message, a list, text, bytes and JSON', LIMIT, async (t) => {
  const publisher = await Publisher.connect(t, broker);
  await publisher.publish('forms', 'text');
  await publisher.publish('forms', ['one', Buffer.from([0, 255, 10])]);
  await publisher.publish('forms', { is: 'JSON' });

  const { received } = consume(t, 'forms', 'all', { maxInFlight: 10 });
  const messages = await received.atLeast(4);

  assert.deepEqual(
    messages.map(({ body }) => body.toString('latin1')).sort(),
    ['text', 'one', '\x00\xff\n', '{"is":"JSON"}'].sort(),
  );
});

test('nsqjs: a reader may come before its writer', LIMIT, async (t) => {
  const { received, reader } = consume(t, 'early', 'reader');
  await once(reader, 'ready');

  const publisher = await Publisher.connect(t, broker);
  await publisher.publish('early', 'for you');
  const [message] = await received.atLeast(1);

  assert.equal(message.body.toString(), 'for you');
  assert.equal(message.attempts, 1);
});

test('nsqjs: bytes arrive as they were sent, up to the largest message', LIMIT, async (t) => {
  const publisher = await Publisher.connect(t, broker);
  const bodies = [
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    Buffer.from('\n'),
    randomBytes(65_536),
    randomBytes(MIB - 1),
    randomBytes(MIB),
  ];
  for (const body of bodies) await publisher.publish('binary', body);

  const { received } = consume(t, 'binary', 'all');
  const messages = await received.atLeast(bodies.length);

  for (const body of bodies) assert.ok(messages.some((message) => message.body.equals(body)));
});

test(
  'nsqjs: a message of more than the largest size is refused with its error',
  LIMIT,
  async (t) => {
    const { reader, errors } = consume(t, 'too-big', 'all');
    await once(reader, 'ready');
    const publisher = await Publisher.connect(t, broker);
    const refused = publisher.publish('too-big', randomBytes(MIB + 1));

    await assert.rejects(refused, {
      message: 'E_BAD_MESSAGE PUB message too big 1048577 > 1048576',
    });
    assert.deepEqual(errors, []);
  },
);

test('nsqjs: every channel gets every message', LIMIT, async (t) => {
  const channels = ['a', 'b', 'c'].map((name) => consume(t, 'fan-out', name, { maxInFlight: 5 }));
  await Promise.all(channels.map(({ reader }) => once(reader, 'ready')));
  const publisher = await Publisher.connect(t, broker);
  const bodies = Array.from({ length: 50 }, (_, index) => `message ${index}`);

  await publisher.publish('fan-out', bodies);
  const received = await Promise.all(channels.map((channel) => channel.received.atLeast(50)));

  for (const messages of received) {
    assert.deepEqual(messages.map(({ body }) => body.toString()).sort(), [...bodies].sort());
  }
});

test(
  'nsqjs: two readers share twenty thousand messages, each is received once',
  LIMIT,
  async (t) => {
    const COUNT = 20_000;
    const all = new Inbox<NsqMessage>();
    const readers = [0, 1].map(() => {
      const own = new Inbox<NsqMessage>();
      const { reader } = openReader(
        t,
        broker,
        'load',
        'shared',
        (message) => {
          own.put(message);
          all.put(message);
          message.finish();
        },
        { maxInFlight: 200 },
      );
      return { reader, own };
    });
    await Promise.all(readers.map(({ reader }) => once(reader, 'ready')));
    const publisher = await Publisher.connect(t, broker);

    for (let first = 0; first < COUNT; first += 500) {
      const bodies = Array.from({ length: 500 }, (_, index) => String(first + index));
      await publisher.publish('load', bodies);
    }
    await all.atLeast(COUNT);
    const stats = await settled('load', 'shared');

    const numbers = new Set(all.items.map(({ body }) => Number(body.toString())));
    assert.equal(numbers.size, COUNT);
    assert.equal(all.items.length, COUNT);
    assert.ok(
      readers.every(({ own }) => own.items.length > 0),
      'both readers have a share',
    );
    assert.deepEqual(
      [stats.message_count, stats.requeue_count, stats.timeout_count],
      [COUNT, 0, 0],
    );
  },
);

for (const compression of ['deflate', 'snappy'] as const) {
  test(`nsqjs: a reader that asks for ${compression} gets its messages`, LIMIT, async (t) => {
    const publisher = await Publisher.connect(t, broker);
    const body = Buffer.concat([Buffer.alloc(100_000), randomBytes(100_000)]);
    await publisher.publish(`by-${compression}`, body);

    const { received, errors } = consume(t, `by-${compression}`, 'all', { [compression]: true });
    const [message] = await received.atLeast(1);

    assert.ok(message.body.equals(body));
    assert.deepEqual(errors, []);
  });
}

test('nsqjs: a message requeued without delay comes again at once', LIMIT, async (t) => {
  const publisher = await Publisher.connect(t, broker);
  await publisher.publish('again', 'retry me');
  const attempts: number[] = [];
  const done = new Inbox<NsqMessage>();
  openReader(t, broker, 'again', 'all', (message) => {
    attempts.push(message.attempts);
    if (message.attempts < 5) return message.requeue(0, false);
    message.finish();
    done.put(message);
  });

  await done.atLeast(1);
  const stats = await settled('again', 'all');

  assert.deepEqual(attempts, [1, 2, 3, 4, 5]);
  assert.deepEqual([stats.requeue_count, stats.timeout_count], [4, 0]);
});

test('nsqjs: a message requeued with a delay comes when that is over', LIMIT, async (t) => {
  const publisher = await Publisher.connect(t, broker);
  await publisher.publish('later', 'retry me later');
  const times: number[] = [];
  const done = new Inbox<NsqMessage>();
  openReader(t, broker, 'later', 'all', (message) => {
    times.push(performance.now());
    if (message.attempts === 1) return message.requeue(300, false);
    message.finish();
    done.put(message);
  });

  const [message] = await done.atLeast(1);

  assert.equal(message.attempts, 2);
  // the broker's clock starts a little before the test hears of it, and counts in whole ms
  assert.ok(times[1] - times[0] >= 290, `it came after ${times[1] - times[0]} ms`);
});

test(
  'nsqjs: a deferred message comes when its time has come, others before it',
  LIMIT,
  async (t) => {
    const { received, reader } = consume(t, 'deferred', 'all', { maxInFlight: 5 });
    await once(reader, 'ready');
    const publisher = await Publisher.connect(t, broker);
    const startMs = performance.now();
    await publisher.defer('deferred', 'third', 400);
    await publisher.defer('deferred', 'second', 200);
    await publisher.publish('deferred', 'first');

    const messages = await received.atLeast(3);
    const elapsedMs = performance.now() - startMs;

    assert.deepEqual(
      messages.map(({ body }) => body.toString()),
      ['first', 'second', 'third'],
    );
    assert.ok(elapsedMs >= 390, `all came after ${elapsedMs} ms`);
  },
);

test(
  'nsqjs: a message that is not answered comes again, one that is touched does not',
  LIMIT,
  async (t) => {
    const publisher = await Publisher.connect(t, broker);
    await publisher.publish('slow', ['forgotten', 'touched']);
    // The third message is the test's clock: it comes before the first two time out.
    await publisher.defer('slow', 'clock', 1000);
    const seen: string[] = [];
    const done = new Inbox<string>();
    let touched: NsqMessage | undefined;
    const onMessage = (message: NsqMessage): void => {
      const name = message.body.toString();
      seen.push(`${name} ${message.attempts}`);
      if (name === 'touched') touched = message;
      if (name === 'clock') {
        touched?.touch();
        message.finish();
      }
      if (name === 'forgotten' && message.attempts === 2) {
        touched?.finish();
        message.finish();
        done.put(name);
      }
    };
    const { errors } = openReader(t, broker, 'slow', 'all', onMessage, {
      maxInFlight: 5,
      messageTimeout: 2000,
    });

    await done.atLeast(1);
    const stats = await settled('slow', 'all');

    assert.deepEqual(seen.sort(), ['clock 1', 'forgotten 1', 'forgotten 2', 'touched 1']);
    assert.deepEqual([stats.timeout_count, stats.requeue_count], [1, 0]);
    assert.deepEqual(errors, []);
  },
);

test('nsqjs: a message is discarded after the most attempts', LIMIT, async (t) => {
  const publisher = await Publisher.connect(t, broker);
  await publisher.publish('hopeless', 'never good');
  const attempts: number[] = [];
  const discarded = new Inbox<NsqMessage>();
  const onMessage = (message: NsqMessage): void => {
    attempts.push(message.attempts);
    message.requeue(0, false);
  };
  const { reader } = openReader(t, broker, 'hopeless', 'all', onMessage, { maxAttempts: 3 });
  reader.on('discard', discarded.put);

  const [message] = await discarded.atLeast(1);
  await settled('hopeless', 'all');

  assert.deepEqual(attempts, [1, 2, 3]);
  assert.equal(message.attempts, 4);
});

test('nsqjs: a reader that pauses gets nothing until it goes on', LIMIT, async (t) => {
  const { received, reader } = consume(t, 'pausing', 'all');
  await once(reader, 'ready');
  const publisher = await Publisher.connect(t, broker);
  await publisher.publish('pausing', 'before');
  await received.atLeast(1);

  reader.pause();
  await until(
    () => readyCount('pausing', 'all'),
    (count) => count === 0,
  );
  await publisher.publish('pausing', 'meanwhile');
  const { depth } = await until(
    () => required('pausing', 'all'),
    ({ message_count }) => message_count === 2,
  );
  const receivedCount = received.items.length;
  reader.unpause();
  const messages = await received.atLeast(2);

  assert.deepEqual([depth, receivedCount], [1, 1]);
  assert.equal(messages[1].body.toString(), 'meanwhile');
});

test(
  'nsqjs: what a closed reader had not finished goes to the next when it times out',
  LIMIT,
  async (t) => {
    const publisher = await Publisher.connect(t, broker);
    await publisher.publish('handed-on', 'unfinished');
    const first = new Inbox<NsqMessage>();
    const { reader } = openReader(t, broker, 'handed-on', 'all', first.put, {
      messageTimeout: 1000,
    });
    await first.atLeast(1);

    reader.close();
    await until(
      () => required('handed-on', 'all'),
      ({ client_count }) => client_count === 0,
    );
    const { received } = consume(t, 'handed-on', 'all');
    const [message] = await received.atLeast(1);

    assert.equal(message.body.toString(), 'unfinished');
    assert.equal(message.attempts, 2);
  },
);

test('nsqjs: closing is no trouble to the broker, and leaves no client', LIMIT, async (t) => {
  const { reader, errors } = consume(t, 'closing', 'all');
  await once(reader, 'ready');
  const publisher = await Publisher.connect(t, broker);
  await publisher.publish('closing', 'last words');

  await publisher.close();
  reader.close();
  const stats = await until(
    () => required('closing', 'all'),
    ({ client_count }) => client_count === 0,
  );

  assert.equal(stats.message_count, 1);
  assert.deepEqual(errors, []);
});

/** Finishes whatever comes, and keeps it. */
function consume(t: TestContext, topic: string, channel: string, options: ReaderOptions = {}) {
  const received = new Inbox<NsqMessage>();
  const onMessage = (message: NsqMessage): void => {
    message.finish();
    received.put(message);
  };
  return { ...openReader(t, broker, topic, channel, onMessage, options), received };
}

/** The channel's numbers once it holds nothing any more. */
function settled(topic: string, channel: string) {
  return until(
    () => required(topic, channel),
    ({ depth, in_flight_count, deferred_count }) => depth + in_flight_count + deferred_count === 0,
  );
}

async function required(topic: string, channel: string) {
  const stats = await channelStats(broker, topic, channel);
  assert.ok(stats !== undefined, `there is a channel ${topic}:${channel}`);
  return stats;
}

async function readyCount(topic: string, channel: string): Promise<number> {
  const path = `/stats?format=json&topic=${topic}&channel=${channel}`;
  const response = await fetch(`http://127.0.0.1:${broker.httpPort}${path}`);
  const { topics } = (await response.json()) as {
    topics: { channels: { clients: { ready_count: number }[] }[] }[];
  };
  return topics[0].channels[0].clients[0].ready_count;
}
