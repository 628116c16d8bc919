/** What a program without types may pass to an embedded broker: every refusal is an NsqError, and none is an assertion. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { NsqError } from '../../../src/client/nsq-error.ts';
import type { Broker } from '../../../src/embedded/broker.ts';
import { createBroker } from '../../../src/embedded/create-broker.ts';

const LIMIT = { timeout: 20_000 };
const POLICY = { pattern: 'orders', definition: { 'max-depth': 5 } };

async function inMemory(t: TestContext): Promise<Broker> {
  const broker = await createBroker({ memory: true });
  t.after(() => broker.close({ deadlineMs: 0 }));
  return broker;
}

/** Values that cannot become a text: each conversion throws. */
const STRANGE: readonly (readonly [name: string, value: unknown])[] = [
  ['null', null],
  ['a symbol', Symbol('s')],
  ['a bigint', 10n],
  ['an object without a prototype', Object.create(null)],
  [
    'an object whose text throws',
    {
      [Symbol.toPrimitive]() {
        throw new Error('no text');
      },
    },
  ],
];

/** The methods that take names, values or options, each called with one strange value. */
const CALLS: readonly (readonly [name: string, call: (broker: Broker, value: never) => unknown])[] =
  [
    ['publish to a topic', (broker, value) => broker.publish(value, 'x')],
    ['publish delayed', (broker, value) => broker.publish('orders', 'x', { delayMs: value })],
    ['publishMany to a topic', (broker, value) => broker.publishMany(value, ['x'])],
    ['publishMany', (broker, value) => broker.publishMany('orders', value)],
    ['topics.create', (broker, value) => broker.topics.create(value)],
    ['topics.create of a channel', (broker, value) => broker.topics.create('orders', value)],
    ['topics.delete', (broker, value) => broker.topics.delete(value)],
    ['topics.pause of a channel', (broker, value) => broker.topics.pause('orders', value)],
    ['policies.set', (broker, value) => broker.policies.set(value, POLICY)],
    ['policies.set of a value', (broker, value) => broker.policies.set('p', value)],
    ['policies.delete', (broker, value) => broker.policies.delete(value)],
    ['policies.effective', (broker, value) => broker.policies.effective(value)],
    ['subscribe to a topic', (broker, value) => broker.subscribe(value, 'c', () => undefined)],
    [
      'subscribe to a channel',
      (broker, value) => broker.subscribe('orders', value, () => undefined),
    ],
    ['messages', (broker, value) => broker.messages(value, 'c')],
  ];

/** Options that null does not set to their default. */
const WITH_DEFAULT: ReadonlySet<string> = new Set(['publish delayed']);

for (const [what, call] of CALLS) {
  test(`Broker, ${what}: strange values are refused with an NsqError`, LIMIT, async (t) => {
    const broker = await inMemory(t);
    await broker.topics.create('orders');

    for (const [name, value] of STRANGE) {
      if (value === null && WITH_DEFAULT.has(what)) continue;
      await assert.rejects(
        async () => call(broker, value as never),
        (error) => error instanceof NsqError,
        name,
      );
    }
  });
}

test('createBroker: options that are no object, and a time that is too long, are refused', async () => {
  for (const [options, option] of [
    [null, undefined],
    [{ memory: true, msgTimeoutMs: 2 ** 53 }, 'msgTimeoutMs'],
    [{ memory: true, msgTimeoutMs: Symbol('s') }, 'msgTimeoutMs'],
  ] as const) {
    await assert.rejects(createBroker(options as never), { code: 'INVALID_OPTION', option });
  }
});

test('Broker.publishMany: a hole in the array is no message, and refuses all', LIMIT, async (t) => {
  const broker = await inMemory(t);
  await broker.topics.create('orders');

  const bodies = ['a', 'b', 'c'];
  delete bodies[1];
  await assert.rejects(broker.publishMany('orders', bodies), { code: 'E_BAD_MESSAGE' });

  assert.deepEqual(await countOf(broker), 0);
});

test(
  'Broker.publishMany: an array that changes meanwhile publishes what was read',
  LIMIT,
  async (t) => {
    const broker = await inMemory(t);
    await broker.topics.create('orders', 'c');
    const shrinking: unknown[] = [];
    shrinking.push({ toJSON: () => shrinking.splice(1).length }, 'b', 'c');

    await broker.publishMany('orders', shrinking);
    await broker.publish('orders', 'next');

    const messages = broker.messages('orders', 'c');
    for (const body of ['2', 'next']) {
      const { value } = await messages.next();
      assert.equal(value?.text(), body);
      await value?.finish();
    }
    assert.equal(await countOf(broker), 2);
  },
);

test('Broker: after close every request is refused, and none waits for ever', LIMIT, async () => {
  const broker = await createBroker({ memory: true });
  await broker.topics.create('orders', 'c');
  await broker.close();

  for (const request of [
    () => broker.topics.create('late', 'c'),
    () => broker.topics.delete('orders'),
    () => broker.topics.empty('orders', 'c'),
    () => broker.topics.pause('orders'),
    () => broker.topics.resume('orders', 'c'),
    () => broker.policies.set('p', POLICY),
    () => broker.policies.delete('p'),
    () => broker.drain(),
  ]) {
    await assert.rejects(async () => request(), { code: 'CLOSED' });
  }
  assert.deepEqual(broker.topics.names(), ['orders']);
});

test(
  'Broker.drain: a new topic or channel is refused, and nothing rejects unseen',
  LIMIT,
  async (t) => {
    const broker = await inMemory(t);
    await broker.topics.create('orders', 'c');
    await broker.publish('orders', 'x');
    const drained = broker.drain();

    await assert.rejects(broker.topics.create('late'), { code: 'BROKER_FAILED', topic: 'late' });
    await assert.rejects(broker.topics.create('late', 'c'), { code: 'BROKER_FAILED' });
    // The runner fails a test during which a promise rejects without a handler.
    broker.messages('late', 'c');
    await setImmediate();

    await broker.subscribe('orders', 'c', () => undefined);
    assert.equal(await drained, true);
  },
);

test('createBroker: a logger that throws costs its lines only', LIMIT, async (t) => {
  const fail = () => {
    throw new Error('no log');
  };
  const log = { debug: fail, info: fail, warn: fail, error: fail };
  const warnings: string[] = [];
  t.mock.method(process, 'emitWarning', (text: string) => warnings.push(text));
  const broker = await createBroker({ memory: true, logLevel: 'debug', log });
  t.after(() => broker.close());

  await broker.topics.create('orders', 'c');
  await broker.publish('orders', 'x');
  const { value } = await broker.messages('orders', 'c').next();

  assert.equal(value?.text(), 'x');
  await value?.finish();
  assert.deepEqual(warnings, ['the log of a broker failed: no log']);
});

test('Broker.close: requests that were under way are settled', LIMIT, async () => {
  const broker = await createBroker({ memory: true });
  await broker.topics.create('orders', 'c');

  const requests = [
    broker.topics.delete('orders'),
    broker.topics.create('other', 'c'),
    broker.policies.set('p', POLICY),
  ];
  await broker.close();

  assert.equal((await Promise.allSettled(requests)).length, requests.length);
});

test('Broker.close: a wrong deadline is refused, and the broker stays open', LIMIT, async (t) => {
  const broker = await inMemory(t);

  for (const deadlineMs of [-1, NaN, '1', 2 ** 53]) {
    await assert.rejects(broker.close({ deadlineMs: deadlineMs as number }), {
      code: 'INVALID_OPTION',
      option: 'deadlineMs',
    });
  }

  await broker.publish('orders', 'x');
});

test('Broker.subscribe: what a handler throws need not have a text', LIMIT, async (t) => {
  const broker = await inMemory(t);
  for (const [, value] of STRANGE) {
    const again = Promise.withResolvers<number>();
    const consumer = await broker.subscribe(
      'orders',
      'c',
      (message) => {
        if (message.attempts > 1) return again.resolve(message.attempts);
        throw value;
      },
      { requeueDelayMs: 0, maxBackoffMs: 0 },
    );
    await broker.publish('orders', 'x');

    assert.equal(await again.promise, 2);
    await consumer.close();
  }
});

async function countOf(broker: Broker): Promise<number | undefined> {
  const { topics } = await broker.stats({ topic: 'orders' });
  return topics?.[0]?.messageCount;
}
