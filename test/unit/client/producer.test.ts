import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { NsqError } from '../../../src/client/nsq-error.ts';
import { Producer } from '../../../src/client/producer.ts';
import type { ProducerOptions } from '../../../src/client/producer-options.ts';
import { bodiesOf, error, ScriptedSite, settled } from '../../support/scripted-nsqd.ts';

const ONE = ['broker:4150'];
const TWO = ['first:4150', 'second:4150'];

function producerAt(site: ScriptedSite, options: Partial<ProducerOptions> = {}): Producer {
  const producer = new Producer({ nsqd: ONE, ...options }, site.environment);
  producer.on('error', () => undefined);
  return producer;
}

/** How a promise ends: its error's code, or `done`. */
function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (reason: unknown) => (reason instanceof NsqError ? reason.code : String(reason)),
  );
}

/** Lets seconds pass one by one. */
async function pass(site: ScriptedSite, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    site.clock.advance(1000);
    await settled();
  }
}

test('Producer: the messages of a turn to a topic go in one command', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site);

  await Promise.all([
    producer.publish('a', 'one'),
    producer.publish('b', 'other'),
    producer.publish('a', Buffer.from('two')),
    producer.publish('a', { three: 3 }),
  ]);
  await producer.publish('a', 'alone');

  assert.deepEqual(site.broker().journal.matching(/PUB/), ['MPUB a 3', 'PUB b', 'PUB a']);
  assert.deepEqual(site.broker().published, ['one', 'two', '{"three":3}', 'other', 'alone']);
});

test('Producer: batching can be switched off', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site, { batching: false });

  await Promise.all([producer.publish('a', 'one'), producer.publish('a', 'two')]);

  assert.deepEqual(site.broker().journal.matching(/PUB/), ['PUB a', 'PUB a']);
});

test('Producer: a batch has its bounds, in messages and in bytes', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site, { maxBatchMessages: 3, maxBatchBytes: 10 });

  await Promise.all(['1', '2', '3', '4'].map((body) => producer.publish('a', body)));
  await Promise.all(
    ['123456', '1234', '1', '12345678901'].map((body) => producer.publish('b', body)),
  );

  assert.deepEqual(site.broker().journal.matching(/PUB/), [
    'MPUB a 3',
    'PUB a',
    'MPUB b 2',
    'PUB b',
    'PUB b',
  ]);
});

test('Producer: publishMany is one command, split where it is too large', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site, { maxBatchMessages: 3 });

  await producer.publishMany('a', []);
  await producer.publishMany('a', ['1', '2', '3', '4']);
  await producer.publishMany('a', ['5', '6'], { delayMs: 20 });

  assert.deepEqual(site.broker().journal.matching(/PUB/), [
    'MPUB a 3',
    'PUB a',
    'DPUB a 20',
    'DPUB a 20',
  ]);
  assert.deepEqual(site.broker().published, ['1', '2', '3', '4', '5', '6']);
});

test('Producer: a large body is sent from where it is', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site);
  const large = 'x'.repeat(100_000);

  await Promise.all([
    producer.publish('a', 'before'),
    producer.publish('a', large),
    producer.publish('a', Buffer.from(large).subarray(1)),
    producer.publish('a', 'ü'),
  ]);

  assert.deepEqual(site.broker().published, ['before', large, large.slice(1), 'ü']);
});

test('Producer: what no broker can take is refused at once', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site);
  const outcomes = [
    outcome(producer.publish('not a topic', 'x')),
    outcome(producer.publish('a', '')),
    outcome(producer.publish('a', undefined)),
    outcome(producer.publish('a', 1n)),
  ];

  assert.deepEqual(await Promise.all(outcomes), [
    'E_BAD_TOPIC',
    'E_BAD_MESSAGE',
    'E_BAD_MESSAGE',
    'E_BAD_MESSAGE',
  ]);
  assert.deepEqual(site.broker().journal.lines, []);
});

test('Producer: a refusal is an error with code, topic, address and cause', async () => {
  const site = new ScriptedSite();
  site.broker().answer = ({ line }) =>
    line.startsWith('PUB') ? error('E_UNAUTHORIZED AUTH failed for PUB on "a"') : undefined;

  const reason: unknown = await producerAt(site)
    .publish('a', 'x')
    .catch((reason: unknown) => reason);

  assert.ok(reason instanceof NsqError);
  const { code, topic, address, isRetriable, message, cause } = reason;
  assert.deepEqual(
    { code, topic, address, isRetriable, message },
    {
      code: 'E_UNAUTHORIZED',
      topic: 'a',
      address: 'broker:4150',
      isRetriable: false,
      message: 'E_UNAUTHORIZED AUTH failed for PUB on "a"',
    },
  );
  assert.ok(cause instanceof NsqError);
});

test('Producer: one bad message does not take the others of its batch with it', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.answer = (command) => {
    if (!/PUB/.test(command.line)) return undefined;
    const isBad = bodiesOf(command).some((body) => String(body) === 'bad');
    return isBad ? error('E_BAD_MESSAGE MPUB invalid') : undefined;
  };
  const producer = producerAt(site);
  const outcomes = ['1', 'bad', '2'].map((body) => outcome(producer.publish('a', body)));
  const later = outcome(producer.publish('b', '3'));

  assert.deepEqual(await Promise.all([...outcomes, later]), [
    'done',
    'E_BAD_MESSAGE',
    'done',
    'done',
  ]);
  assert.deepEqual(broker.published, ['1', '2', '3']);
});

test('Producer: what a lost connection leaves unanswered is sent again, in its order', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  let isBreaking = true;
  broker.answer = ({ line }) => (isBreaking && /PUB/.test(line) ? null : undefined);
  const producer = producerAt(site);
  const published = [producer.publish('a', '1'), producer.publish('b', '2')];
  await broker.journal.until(/PUB b/);
  published.push(producer.publish('a', '3'));
  await broker.journal.until(/PUB a/, 2);

  isBreaking = false;
  broker.hangUp();
  await Promise.all(published);

  assert.deepEqual(broker.published, ['1', '2', '3']);
});

test('Producer: a message that breaks each connection is found, and given up', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.answer = (command) => {
    const isPoison = /PUB/.test(command.line) && String(command.body).includes('poison');
    if (isPoison) broker.hangUp();
    return isPoison ? null : undefined;
  };
  const producer = producerAt(site);
  const outcomes = ['1', 'poison', '2'].map((body) => outcome(producer.publish('a', body)));
  const later = outcome(producer.publish('b', '3'));

  for (let second = 0; second < 20; second++) {
    await settled();
    site.clock.advance(500);
  }

  assert.deepEqual(await Promise.all([...outcomes, later]), [
    'done',
    'CONNECTION_LOST',
    'done',
    'done',
  ]);
  assert.deepEqual(broker.published, ['1', '2', '3']);
  assert.ok(broker.journal.matching(/connected/).length < 12);
});

test('Producer: without resendAfterLoss an unknown fate is an error', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.answer = ({ line }) => (/PUB/.test(line) ? null : undefined);
  const producer = producerAt(site, { resendAfterLoss: false });
  const published = outcome(producer.publish('a', '1'));
  await broker.journal.until(/PUB a/);

  broker.hangUp();

  assert.equal(await published, 'CONNECTION_LOST');
});

test('Producer: without resendAfterLoss what the broker did not look at is sent again', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.answer = ({ line }) => (line === 'PUB bad' ? error('E_BAD_TOPIC no') : undefined);
  const producer = producerAt(site, { resendAfterLoss: false });

  const outcomes = [outcome(producer.publish('bad', '1')), outcome(producer.publish('a', '2'))];

  assert.deepEqual(await Promise.all(outcomes), ['E_BAD_TOPIC', 'done']);
  assert.deepEqual(broker.published, ['2']);
});

test('Producer: the next broker takes over when one cannot be reached', async () => {
  const site = new ScriptedSite();
  site.broker('first:4150').isDown = true;
  const producer = producerAt(site, { nsqd: TWO });
  const connected: string[] = [];
  producer.on('connect', (address) => connected.push(address));

  await producer.publish('a', '1');

  assert.deepEqual(connected, ['second:4150']);
  assert.deepEqual(site.broker('second:4150').published, ['1']);
});

test('Producer: the next broker takes what one cannot put', async () => {
  const site = new ScriptedSite();
  site.broker('first:4150').answer = ({ line }) =>
    /PUB/.test(line) ? error('E_MPUB_FAILED MPUB failed exiting') : undefined;
  const producer = producerAt(site, { nsqd: TWO });

  await producer.publishMany('a', ['1', '2']);

  assert.deepEqual(site.broker('second:4150').published, ['1', '2']);
});

test('Producer: when no broker can put it, the refusal is told', async () => {
  const site = new ScriptedSite();
  for (const address of TWO) {
    site.broker(address).answer = ({ line }) =>
      /PUB/.test(line) ? error('E_PUB_FAILED PUB failed no space') : undefined;
  }

  const reason: unknown = await producerAt(site, { nsqd: TWO })
    .publish('a', '1')
    .catch((reason: unknown) => reason);

  assert.ok(reason instanceof NsqError);
  assert.deepEqual([reason.code, reason.isRetriable], ['E_PUB_FAILED', true]);
});

test('Producer: a publish waits for a broker, and is given up in time', async () => {
  const site = new ScriptedSite();
  site.broker().isDown = true;
  const producer = producerAt(site, { timeoutMs: 5000 });
  const failure = producer.publish('a', '1').catch((reason: unknown) => reason);
  const other = outcome(producer.publish('a', '2', { timeoutMs: 60_000 }));
  await settled();

  await pass(site, 6);
  site.broker().isDown = false;
  await pass(site, 10);
  const reason = await failure;

  assert.ok(reason instanceof NsqError);
  assert.equal(reason.code, 'TIMED_OUT');
  assert.match(reason.message, /ECONNREFUSED/);
  assert.equal(await other, 'done');
  assert.deepEqual(site.broker().published, ['2']);
});

test('Producer: a broker that is silent while a publish waits is left', async () => {
  const site = new ScriptedSite();
  const first = site.broker('first:4150');
  const producer = producerAt(site, { nsqd: TWO, timeoutMs: 5000 });
  await producer.publish('a', '1');
  first.isSilent = true;
  site.clock.advance(100);

  const late = outcome(producer.publish('a', '2'));
  await settled();
  site.clock.advance(6000);
  await settled();
  await producer.publish('a', '3');

  assert.equal(await late, 'TIMED_OUT');
  assert.deepEqual(site.broker('second:4150').published, ['3']);
});

test('Producer: a signal gives a publish up, before it is sent and after', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.answer = ({ line }) => (line === 'PUB late' ? null : undefined);
  const producer = producerAt(site);
  const controller = new AbortController();
  const { signal } = controller;
  const sent = outcome(producer.publish('late', '1', { signal }));
  await broker.journal.until(/PUB late/);
  const unsent = outcome(producer.publish('a', '2', { signal }));

  controller.abort('enough');
  const after = outcome(producer.publish('a', '3', { signal }));

  assert.deepEqual(await Promise.all([sent, unsent, after]), ['enough', 'enough', 'enough']);
  assert.deepEqual(broker.published, []);
});

test('Producer: in order means one command at a time, and retries before all others', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  let isBreaking = true;
  broker.answer = ({ line }) => (isBreaking && /PUB/.test(line) ? null : undefined);
  const producer = producerAt(site, { ordered: true });
  const published = [producer.publish('a', '1')];
  await broker.journal.until(/PUB a/);
  published.push(producer.publish('a', '2'), producer.publish('b', '3'));
  await settled();
  const before = broker.journal.matching(/PUB/);

  isBreaking = false;
  broker.hangUp();
  await Promise.all(published);

  assert.deepEqual(before, ['PUB a']);
  assert.deepEqual(broker.published, ['1', '2', '3']);
});

test('Producer: too much that waits is refused, and drain tells when it is less', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  broker.isDown = true;
  const producer = producerAt(site, { maxQueuedBytes: 1000, highWaterMarkBytes: 500 });
  let drainCount = 0;
  producer.on('drain', () => drainCount++);
  const first = producer.publish('a', 'x'.repeat(600));
  const isFull = producer.writableNeedDrain;
  const second = outcome(producer.publish('a', 'x'.repeat(600)));

  broker.isDown = false;
  site.clock.advance(1000);
  await first;

  assert.equal(drainCount, 1);
  assert.equal(isFull, true);
  assert.equal(await second, 'QUEUE_FULL');
  assert.equal(producer.writableNeedDrain, false);
  assert.equal(producer.queuedBytes, 0);
});

test('Producer: connect says whether there is a broker', async () => {
  const site = new ScriptedSite();
  site.broker('first:4150').isDown = true;
  site.broker('second:4150').isDown = true;
  const producer = producerAt(site, { nsqd: TWO });

  const refused = await outcome(producer.connect());
  site.broker('second:4150').isDown = false;
  await pass(site, 10);
  const accepted = await outcome(producer.connect());

  assert.deepEqual([refused, accepted], ['CONNECT_FAILED', 'done']);
});

test('Producer: close waits for what is unanswered, and takes no more', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site);
  const published = [outcome(producer.publish('a', '1')), outcome(producer.publish('b', '2'))];

  const closed = producer.close();
  const after = outcome(producer.publish('a', '3'));
  await closed;
  await producer.close();

  assert.deepEqual(await Promise.all([...published, after]), ['done', 'done', 'CLOSED']);
  await site.broker().journal.until(/closed/);
});

test('Producer: close has a deadline', async () => {
  const site = new ScriptedSite();
  site.broker().isDown = true;
  const producer = producerAt(site);
  const published = outcome(producer.publish('a', '1'));
  const closed = producer.close({ deadlineMs: 1000 });
  await settled();

  site.clock.advance(1000);
  await closed;

  assert.equal(await published, 'CLOSED');
  assert.equal(site.clock.timerCount, 0);
});

test('Producer: heartbeats are answered, and their absence ends the connection', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const producer = producerAt(site, { heartbeatIntervalMs: 1000 });
  await producer.connect();
  site.clock.advance(1500);
  broker.heartbeat();
  await broker.journal.until(/NOP/);
  const gone = once(producer, 'disconnect');
  site.clock.advance(1900);
  await settled();
  const isThere = broker.journal.matching(/closed/).length === 0;

  site.clock.advance(200);
  const [address, reason] = await gone;

  assert.equal(isThere, true);
  assert.equal(address, 'broker:4150');
  assert.match(String(reason), /silent for 2000 ms/);
});

test('Producer: nothing waits for time while it has nothing to do', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site, { heartbeatIntervalMs: 0 });

  await producer.publish('a', '1');

  assert.equal(site.clock.timerCount, 0);
});

test('Producer.publishMany: a hole, or what is no array, is refused before it is sent', async () => {
  const site = new ScriptedSite();
  const producer = producerAt(site);
  const bodies = ['a', 'b', 'c'];
  delete bodies[1];

  for (const wrong of [bodies, 'abc', null, { length: 2 }]) {
    assert.equal(await outcome(producer.publishMany('a', wrong as string[])), 'E_BAD_MESSAGE');
  }

  await producer.publish('a', 'next');
  assert.deepEqual(site.broker().published, ['next']);
});

test('Producer: a codec that returns neither text nor bytes is refused', async () => {
  const site = new ScriptedSite();
  for (const encoded of [undefined, 5, { byteLength: 5 }, Promise.resolve('x')]) {
    const codec = { encode: () => encoded as never, decode: () => undefined };
    const producer = producerAt(site, { codec });

    assert.equal(await outcome(producer.publish('a', {})), 'E_BAD_MESSAGE');
  }
});

test('Producer: a topic that cannot become a text is refused', async () => {
  const producer = producerAt(new ScriptedSite());

  for (const topic of [Symbol('s'), Object.create(null), null]) {
    assert.equal(await outcome(producer.publish(topic as string, 'x')), 'E_BAD_TOPIC');
  }
});
