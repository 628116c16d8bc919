import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Consumer } from '../../../src/client/consumer.ts';
import type { ConsumerOptions } from '../../../src/client/consumer-options.ts';
import type { Message } from '../../../src/client/message.ts';
import { error, idOf, messageFrame, ScriptedSite, settled } from '../../support/scripted-nsqd.ts';

const TWO = ['first:4150', 'second:4150'];

function consumerAt(site: ScriptedSite, options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer(
    { topic: 't', channel: 'c', nsqd: ['broker:4150'], jitter: 0, ...options },
    site.environment,
  );
  consumer.on('error', () => undefined);
  return consumer;
}

test('Consumer: it subscribes when somebody reads, and not before', async () => {
  const site = new ScriptedSite();
  const { journal } = site.broker();
  const consumer = consumerAt(site, { maxInFlight: 7 });
  await settled();
  const before = [...journal.lines];

  void consumer.run(() => undefined);
  await journal.until(/RDY/);

  assert.deepEqual(before, []);
  assert.deepEqual(journal.lines.slice(2), ['SUB t c', 'RDY 7']);
});

test('Consumer: IDENTIFY says all that the options say', async () => {
  const site = new ScriptedSite();
  const { journal } = site.broker();
  const consumer = consumerAt(site, {
    clientId: 'me',
    hostname: 'here.example',
    userAgent: 'test/1',
    heartbeatIntervalMs: 5000,
    sampleRate: 10,
    msgTimeoutMs: 1234,
    outputBufferBytes: 0,
    outputBufferTimeoutMs: 30,
    topologyRegion: 'eu',
    topologyZone: 'eu-1',
    deflateLevel: 3,
  });

  void consumer.run(() => undefined);
  const [line] = (await journal.until(/IDENTIFY/)).filter((text) => text.startsWith('IDENTIFY'));

  assert.deepEqual(JSON.parse(line.slice('IDENTIFY '.length)), {
    client_id: 'me',
    hostname: 'here.example',
    user_agent: 'test/1',
    feature_negotiation: true,
    heartbeat_interval: 5000,
    output_buffer_size: -1,
    output_buffer_timeout: 30,
    tls_v1: false,
    snappy: false,
    deflate: false,
    deflate_level: 3,
    topology_region: 'eu',
    topology_zone: 'eu-1',
    sample_rate: 10,
    msg_timeout: 1234,
  });
});

test('Consumer: a message shows what it is', async () => {
  const site = new ScriptedSite();
  const consumer = consumerAt(site);
  const received = consumer[Symbol.asyncIterator]().next();
  await site.broker().journal.until(/RDY/);
  site.broker().deliver(messageFrame(idOf(10), '{"a":"ü"}', 3));

  const { value: message } = await received;

  assert.deepEqual(
    {
      id: message?.id,
      attempts: message?.attempts,
      timestamp: message?.timestamp,
      timestampMs: message?.timestampMs,
      body: String(message?.body),
      text: message?.text(),
      json: message?.json(),
      decoded: message?.decode(),
      state: message?.state,
      topic: message?.topic,
      address: message?.address,
    },
    {
      id: '000000000000000a',
      attempts: 3,
      timestamp: 1_700_000_000_123_456_789n,
      timestampMs: 1_700_000_000_123,
      body: '{"a":"ü"}',
      text: '{"a":"ü"}',
      json: { a: 'ü' },
      decoded: { a: 'ü' },
      state: 'inFlight',
      topic: 't',
      address: 'broker:4150',
    },
  );
});

test('Consumer: messages of a chunk are finished in one write', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site);
  void consumer.run(async () => undefined, { concurrency: 10 });
  await broker.journal.until(/RDY/);
  const { journal } = broker;

  broker.deliver(...[1, 2, 3].map((number) => messageFrame(idOf(number), 'x')));
  await journal.until(/FIN/, 3);

  assert.deepEqual(
    journal.matching(/FIN/),
    [1, 2, 3].map((number) => `FIN ${idOf(number)}`),
  );
  assert.deepEqual(consumer.stats().finishedCount, 3);
});

test('Consumer: for await gets messages one by one, until the end', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site);
  const bodies: string[] = [];
  const reading = (async () => {
    for await (const message of consumer) {
      bodies.push(message.text());
      await message.finish();
      if (bodies.length === 3) void consumer.close();
    }
  })();
  await broker.journal.until(/RDY/);

  broker.deliver(messageFrame(idOf(1), '1'), messageFrame(idOf(2), '2'));
  await broker.journal.until(/FIN/, 2);
  broker.deliver(messageFrame(idOf(3), '3'));
  await reading;
  await consumer.close();

  assert.deepEqual(bodies, ['1', '2', '3']);
  assert.deepEqual(broker.journal.matching(/FIN|CLS/), [
    `FIN ${idOf(1)}`,
    `FIN ${idOf(2)}`,
    `FIN ${idOf(3)}`,
    'CLS',
  ]);
});

test('Consumer: when a loop is left, messages that were not taken go back and no more come', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site, { maxInFlight: 9 });
  const reading = (async () => {
    for await (const message of consumer) {
      await message.finish();
      break;
    }
  })();
  await broker.journal.until(/RDY/);

  broker.deliver(messageFrame(idOf(1), '1'), messageFrame(idOf(2), '2'));
  await reading;
  await broker.journal.until(/REQ/);
  const second = consumer[Symbol.asyncIterator]().next();
  await broker.journal.until(/RDY 9/, 2);
  broker.deliver(messageFrame(idOf(2), '2', 2));

  assert.equal((await second).value?.text(), '2');
  assert.deepEqual(broker.journal.matching(/RDY|FIN|REQ/), [
    'RDY 9',
    `FIN ${idOf(1)}`,
    'RDY 0',
    `REQ ${idOf(2)} 0`,
    'RDY 9',
  ]);
});

test('Consumer: as many handlers run as may run', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site);
  const running: { text: string; done: () => void }[] = [];
  void consumer.run(
    (message) =>
      new Promise<void>((done) => {
        running.push({ text: message.text(), done });
      }),
    { concurrency: 2 },
  );
  await broker.journal.until(/RDY/);

  broker.deliver(...['1', '2', '3'].map((body, index) => messageFrame(idOf(index), body)));
  await settled();
  const before = running.map(({ text }) => text);
  running[1].done();
  await settled();

  assert.deepEqual(before, ['1', '2']);
  assert.deepEqual(
    running.map(({ text }) => text),
    ['1', '2', '3'],
  );
});

test('Consumer: a failed handler gives its message back, later each time', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site, {
    maxBackoffMs: 0,
    requeueDelayMs: 100,
    maxRequeueDelayMs: 500,
  });
  const failures: string[] = [];
  consumer.on('failure', (reason, message) => failures.push(`${message.id.at(-1)} ${reason}`));
  void consumer.run((message) => {
    throw new Error(message.text());
  });
  await broker.journal.until(/RDY/);

  for (const attempts of [1, 2, 3, 4]) broker.deliver(messageFrame(idOf(7), 'no', attempts));
  await broker.journal.until(/REQ/, 4);

  assert.deepEqual(
    broker.journal.matching(/REQ/),
    [100, 200, 400, 500].map((ms) => `REQ ${idOf(7)} ${ms}`),
  );
  assert.deepEqual(failures, new Array(4).fill('7 Error: no'));
});

test('Consumer: whatever a handler returns, the next message is handled', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = new Consumer(
    { topic: 't', channel: 'c', nsqd: ['broker:4150'], maxBackoffMs: 0, jitter: 0 },
    site.environment,
  );
  const results: unknown[] = [
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    { then: 'no function' },
    {
      // a promise of another kind, as of a query builder
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then: (resolve: () => void) => {
        resolve();
        resolve();
      },
    },
    {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then: () => {
        throw new Error('it fails');
      },
    },
    null,
  ];
  void consumer.run(() => results.shift());
  await broker.journal.until(/RDY/);

  broker.deliver(...[1, 2, 3, 4].map((id) => messageFrame(idOf(id), 'x')));
  await settled();

  assert.deepEqual(broker.journal.matching(/FIN|REQ/), [
    `FIN ${idOf(1)}`,
    `FIN ${idOf(2)}`,
    `REQ ${idOf(3)} 1000`,
    `FIN ${idOf(4)}`,
  ]);
  await consumer.close();
});

test('Consumer: what a handler answers itself is not answered again', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site, { maxBackoffMs: 0 });
  const answers: boolean[] = [];
  void consumer.run(async (message) => {
    answers.push(
      await message.requeue({ delayMs: 5 }),
      await message.finish(),
      await message.touch(),
    );
    if (message.text() === 'throw') throw new Error('late');
  });
  await broker.journal.until(/RDY/);

  broker.deliver(messageFrame(idOf(1), 'x'), messageFrame(idOf(2), 'throw'));
  await broker.journal.until(/REQ/, 2);
  await settled();

  assert.deepEqual(broker.journal.matching(/REQ|FIN|TOUCH/), [
    `REQ ${idOf(1)} 5`,
    `REQ ${idOf(2)} 5`,
  ]);
  assert.deepEqual(answers, [true, false, false, true, false, false]);
});

test('Consumer: after its last attempt a message is discarded, then finished', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const discarded: string[] = [];
  let isWritten = false;
  const consumer = consumerAt(site, {
    maxAttempts: 2,
    maxBackoffMs: 0,
    onDiscard: async (message, reason) => {
      await settled();
      isWritten = true;
      discarded.push(`${message.text()} ${reason}`);
    },
  });
  void consumer.run(() => {
    assert.equal(isWritten, false);
    throw new Error('no');
  });
  await broker.journal.until(/RDY/);

  broker.deliver(messageFrame(idOf(1), 'failed', 2));
  await broker.journal.until(/FIN/);
  isWritten = false;
  broker.deliver(messageFrame(idOf(2), 'crashed', 3));
  await broker.journal.until(/FIN/, 2);

  assert.deepEqual(discarded, ['failed Error: no', 'crashed undefined']);
  assert.equal(consumer.stats().discardedCount, 2);
});

test('Consumer: a message that cannot be discarded comes again', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site, {
    maxAttempts: 1,
    maxBackoffMs: 0,
    onDiscard: () => Promise.reject(new Error('the dead letter topic is full')),
  });
  void consumer.run(() => Promise.reject(new Error('no')));
  await broker.journal.until(/RDY/);

  broker.deliver(messageFrame(idOf(1), 'x'));
  await broker.journal.until(/REQ/);

  assert.deepEqual(broker.journal.matching(/FIN/), []);
});

test('Consumer: messages are touched while they are not answered, until the broker takes them back', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.grant = { msg_timeout: 10_000, max_msg_timeout: 25_000 };
  const consumer = consumerAt(site, { maxInFlight: 2 });
  const taken: Message[] = [];
  void consumer.run((message) => {
    taken.push(message);
    return new Promise(() => undefined);
  });
  await broker.journal.until(/RDY/);
  broker.deliver(messageFrame(idOf(1), 'handled'), messageFrame(idOf(2), 'waits'));
  await settled();

  site.clock.advance(24_000);
  await settled();
  const touches = broker.journal.matching(/TOUCH/);
  site.clock.advance(6000);
  await settled();

  assert.deepEqual(
    touches,
    [1, 2, 1, 2, 1, 2, 1, 2].map((number) => `TOUCH ${idOf(number)}`),
  );
  assert.deepEqual(
    taken.map(({ state }) => state),
    ['lost'],
  );
  assert.equal(await taken[0].finish(), false);
  assert.deepEqual(consumer.stats().lostCount, 2);
  assert.equal(consumer.stats().inFlightCount, 0);
});

test('Consumer: without autoTouch, what is too late is not handled', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.grant = { msg_timeout: 10_000 };
  const consumer = consumerAt(site, { autoTouch: false });
  const handled: string[] = [];
  let finish = (): void => undefined;
  void consumer.run((message) => {
    handled.push(message.text());
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  await broker.journal.until(/RDY/);
  broker.deliver(messageFrame(idOf(1), 'slow'), messageFrame(idOf(2), 'waits'));
  await settled();

  site.clock.advance(11_000);
  finish();
  await settled();
  broker.deliver(messageFrame(idOf(3), 'new'));
  await settled();

  assert.deepEqual(handled, ['slow', 'new']);
  assert.deepEqual(broker.journal.matching(/FIN|TOUCH/), []);
});

test('Consumer: what was in flight on a lost connection is answered nowhere', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site);
  const messages: Message[] = [];
  const stream = consumer[Symbol.asyncIterator]();
  messages.push(
    ...(await receive(site, stream, [messageFrame(idOf(1), '1'), messageFrame(idOf(2), '2')], 1)),
  );
  const gone = once(consumer, 'disconnect');

  broker.hangUp();
  await gone;
  const isSent = await messages[0].finish();
  site.clock.advance(1000);
  await broker.journal.until(/RDY/, 2);
  const next = stream.next();
  broker.deliver(messageFrame(idOf(2), '2 again', 2));

  assert.equal(isSent, false);
  assert.equal((await next).value?.text(), '2 again');
  assert.deepEqual(broker.journal.matching(/FIN|REQ/), []);
  assert.equal(consumer.stats().lostCount, 2);
});

test('Consumer: a connection is replaced later after each failure', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.isDown = true;
  const consumer = consumerAt(site, { maxReconnectMs: 1000 });
  const failures: string[] = [];
  consumer.on('error', ({ code }) => failures.push(code));
  void consumer.run(() => undefined);

  for (let tenth = 0; tenth < 40; tenth++) {
    site.clock.advance(100);
    await settled();
  }
  const count = failures.length;
  broker.isDown = false;
  site.clock.advance(1000);
  await broker.journal.until(/RDY/);

  assert.deepEqual([...new Set(failures)], ['CONNECT_FAILED']);
  assert.ok(count >= 5 && count <= 10, `${count} attempts`);
});

test('Consumer: errors without a listener become one warning', async () => {
  const site = new ScriptedSite();
  site.broker().answer = ({ line }) =>
    line === 'SUB t c' ? error('E_UNAUTHORIZED no') : undefined;
  const consumer = new Consumer(
    { topic: 't', channel: 'c', nsqd: ['broker:4150'] },
    site.environment,
  );
  const warnings: string[] = [];
  const take = (warning: Error): void => void warnings.push(`${warning.name}: ${warning.message}`);
  process.on('warning', take);

  void consumer.run(() => undefined);
  for (let second = 0; second < 5; second++) {
    await settled();
    site.clock.advance(1000);
  }
  process.off('warning', take);
  await consumer.close();

  assert.deepEqual(warnings, [
    'NsqWarning: consumer of t/c: the broker broker:4150 refuses the subscription to t/c: E_UNAUTHORIZED no',
  ]);
});

test('Consumer: pause stops what comes, resume lets it come', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site, { maxInFlight: 5 });
  consumer.pause();
  void consumer.run(() => undefined);
  await broker.journal.until(/SUB/);
  await settled();
  const atFirst = broker.journal.matching(/RDY/);

  consumer.resume();
  await broker.journal.until(/RDY 5/);
  consumer.pause();
  await broker.journal.until(/RDY 0/);
  consumer.resume();
  await broker.journal.until(/RDY 5/, 2);

  assert.deepEqual(atFirst, []);
  assert.equal(consumer.isPaused, false);
});

test('Consumer: maxInFlight is shared, and follows changes', async () => {
  const site = new ScriptedSite();
  const consumer = consumerAt(site, { nsqd: TWO, maxInFlight: 5 });
  void consumer.run(() => undefined);
  const [first, second] = TWO.map((address) => site.broker(address).journal);
  await second.until(/RDY/);
  await settled();

  consumer.setMaxInFlight(10);
  await settled();

  assert.deepEqual(first.matching(/RDY/), ['RDY 5', 'RDY 3', 'RDY 5']);
  assert.deepEqual(second.matching(/RDY/), ['RDY 2', 'RDY 5']);
});

test('Consumer: close waits for handlers, and gives back messages that were not taken', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site);
  let finish = (): void => undefined;
  const run = consumer.run(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await broker.journal.until(/RDY/);
  broker.deliver(messageFrame(idOf(1), 'handled'), messageFrame(idOf(2), 'waits'));
  await settled();

  const closed = consumer.close();
  await broker.journal.until(/REQ/);
  broker.deliver(messageFrame(idOf(3), 'was on its way'));
  await broker.journal.until(/REQ/, 2);
  finish();
  await closed;
  await run;
  await broker.journal.until(/closed/);

  assert.deepEqual(broker.journal.lines.slice(4), [
    'CLS',
    `REQ ${idOf(2)} 0`,
    `REQ ${idOf(3)} 0`,
    `FIN ${idOf(1)}`,
    'ended',
    'closed',
  ]);
  assert.equal(site.clock.timerCount, 0);
});

test('Consumer: close has a deadline', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = consumerAt(site);
  const taken: Message[] = [];
  const run = consumer.run((message) => {
    taken.push(message);
    return new Promise(() => undefined);
  });
  await broker.journal.until(/RDY/);
  broker.deliver(messageFrame(idOf(1), 'never ends'));
  await settled();

  const closed = consumer.close({ deadlineMs: 3000 });
  await settled();
  site.clock.advance(3000);
  await closed;
  await run;
  await broker.journal.until(/closed/);

  assert.equal(await taken[0].finish(), false);
  assert.deepEqual(broker.journal.matching(/FIN|REQ/), []);
  assert.equal(site.clock.timerCount, 0);
});

test('Consumer: close before anything, while connecting, and twice', async () => {
  const site = new ScriptedSite();
  const unused = consumerAt(site);
  await unused.close();
  const connecting = consumerAt(site);
  const run = connecting.run(() => undefined);

  await Promise.all([connecting.close(), connecting.close()]);
  await run;
  await settled();

  assert.deepEqual(site.broker().journal.matching(/SUB/), []);
  assert.equal(site.clock.timerCount, 0);
  await assert.rejects(
    connecting.run(() => undefined),
    { code: 'CLOSED' },
  );
  assert.equal((await connecting[Symbol.asyncIterator]().next()).done, true);
});

test('Consumer: run and for await do not go together', async () => {
  const consumer = consumerAt(new ScriptedSite());
  void consumer.run(() => undefined);

  await assert.rejects(
    consumer.run(() => undefined),
    { code: 'INVALID_OPTION' },
  );
  assert.throws(() => consumer[Symbol.asyncIterator](), { code: 'INVALID_OPTION' });
  await consumer.close();
});

/** Delivers frames to the reader, and returns the first messages. */
async function receive(
  site: ScriptedSite,
  stream: AsyncIterator<Message, undefined>,
  frames: Buffer[],
  count: number,
): Promise<Message[]> {
  const first = stream.next();
  await site.broker().journal.until(/RDY/);
  site.broker().deliver(...frames);
  const messages: Message[] = [];
  for (let next = first; messages.length < count; next = stream.next()) {
    const { value } = await next;
    if (value !== undefined) messages.push(value);
    if (messages.length === count) break;
  }
  return messages;
}
