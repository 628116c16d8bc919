import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackoffTimer } from '../../../src/client/backoff-timer.ts';
import { Consumer } from '../../../src/client/consumer.ts';
import type { ConsumerOptions } from '../../../src/client/consumer-options.ts';
import { idOf, messageFrame, ScriptedSite, settled } from '../../support/scripted-nsqd.ts';

const SETTINGS = { baseMs: 1000, maxMs: 8000, jitter: 0 };
const TWO = ['first:4150', 'second:4150'];

/** A timer, and what it tells. */
function timerAt(site: ScriptedSite, settings = SETTINGS): { timer: BackoffTimer; told: string[] } {
  const told: string[] = [];
  const timer = new BackoffTimer(settings, site.environment, {
    onBackoff: (level, delayMs) => told.push(`${level} ${delayMs}`),
    onProbe: () => told.push('probe'),
    onResume: () => told.push('resume'),
  });
  return { timer, told };
}

test('BackoffTimer: pauses grow with failures to a bound, and shrink with successes', () => {
  const site = new ScriptedSite();
  const { timer, told } = timerAt(site);

  for (let failure = 0; failure < 4; failure++) {
    timer.failure();
    site.clock.advance(8000);
  }
  for (let success = 0; success < 3; success++) {
    timer.success();
    site.clock.advance(8000);
  }
  timer.success();

  assert.deepEqual(
    told.filter((text) => text !== 'probe'),
    ['1 2000', '2 4000', '3 8000', '3 8000', '2 4000', '1 2000', 'resume'],
  );
});

test('BackoffTimer: while it waits nothing counts', () => {
  const site = new ScriptedSite();
  const { timer, told } = timerAt(site);

  timer.failure();
  timer.failure();
  timer.success();
  site.clock.advance(1999);
  const before = [...told];
  site.clock.advance(10);

  assert.deepEqual(before, ['1 2000']);
  assert.deepEqual(told, ['1 2000', 'probe']);
  assert.equal(timer.level, 1);
});

test('BackoffTimer: a first pause that is too long is the longest; none means none', () => {
  const site = new ScriptedSite();
  const short = timerAt(site, { baseMs: 1000, maxMs: 500, jitter: 0 });
  const none = timerAt(site, { baseMs: 1000, maxMs: 0, jitter: 0 });

  short.timer.failure();
  none.timer.failure();

  assert.deepEqual(short.told, ['1 500']);
  assert.deepEqual(none.told, []);
});

test('BackoffTimer: chance shortens a pause by the jitter at most', () => {
  const site = new ScriptedSite();
  const { timer, told } = timerAt(site, { baseMs: 1000, maxMs: 60_000, jitter: 0.5 });

  for (let failure = 0; failure < 3; failure++) {
    timer.failure();
    site.clock.advance(60_000);
  }

  const pauses = told.filter((text) => text !== 'probe').map((text) => Number(text.split(' ')[1]));
  for (const [index, pauseMs] of pauses.entries()) {
    const fullMs = 2000 * 2 ** index;
    assert.ok(pauseMs > fullMs / 2 && pauseMs <= fullMs, `${pauseMs}`);
  }
});

/** A consumer whose handler fails as told. */
function failingAt(
  site: ScriptedSite,
  options: Partial<ConsumerOptions> = {},
): { consumer: Consumer; state: { fails: boolean } } {
  const consumer = new Consumer(
    { topic: 't', channel: 'c', nsqd: ['broker:4150'], jitter: 0, maxInFlight: 10, ...options },
    site.environment,
  );
  const state = { fails: true };
  consumer.on('error', () => undefined);
  void consumer.run(() => {
    if (state.fails) throw new Error('no');
  });
  return { consumer, state };
}

test('Consumer: after a failure nothing comes, then one to try, then all', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const { consumer, state } = failingAt(site);
  await broker.journal.until(/RDY 10/);

  broker.deliver(messageFrame(idOf(1), 'x'), messageFrame(idOf(2), 'x'));
  await broker.journal.until(/REQ/, 2);
  site.clock.advance(2000);
  await broker.journal.until(/RDY 1$/);
  broker.deliver(messageFrame(idOf(1), 'x', 2));
  await broker.journal.until(/RDY 0/, 2);
  const level = consumer.stats().backoffLevel;
  state.fails = false;
  site.clock.advance(4000);
  await broker.journal.until(/RDY 1$/, 2);
  broker.deliver(messageFrame(idOf(1), 'x', 3));
  await broker.journal.until(/FIN/);
  site.clock.advance(2000);
  await broker.journal.until(/RDY 1$/, 3);
  broker.deliver(messageFrame(idOf(2), 'x', 2));
  await broker.journal.until(/RDY 10/, 2);

  assert.equal(level, 2);
  assert.deepEqual(broker.journal.matching(/RDY/), [
    'RDY 10',
    'RDY 0',
    'RDY 1',
    'RDY 0',
    'RDY 1',
    'RDY 0',
    'RDY 1',
    'RDY 10',
  ]);
  assert.deepEqual(broker.journal.matching(/FIN|REQ/), [
    `REQ ${idOf(1)} 1000`,
    `REQ ${idOf(2)} 1000`,
    `REQ ${idOf(1)} 2000`,
    `FIN ${idOf(1)}`,
    `FIN ${idOf(2)}`,
  ]);
});

test('Consumer: a message that is given back without backoff slows nothing down', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const consumer = new Consumer(
    { topic: 't', channel: 'c', nsqd: ['broker:4150'] },
    site.environment,
  );
  void consumer.run((message) => message.requeue({ delayMs: 10, backoff: false }));
  await broker.journal.until(/RDY/);

  broker.deliver(messageFrame(idOf(1), 'x'));
  await broker.journal.until(/REQ/);
  await settled();

  assert.deepEqual(broker.journal.matching(/RDY/), ['RDY 200']);
  assert.equal(consumer.stats().backoffLevel, 0);
});

test('Consumer: when the broker on trial is lost, another one is tried', async () => {
  const site = new ScriptedSite();
  const [first, second] = TWO.map((address) => site.broker(address));
  failingAt(site, { nsqd: TWO });
  await first.journal.until(/RDY 5/);
  await second.journal.until(/RDY 5/);
  first.deliver(messageFrame(idOf(1), 'x'));
  await second.journal.until(/RDY 0/);

  site.clock.advance(2000);
  await settled();
  const isFirst = first.journal.lines.at(-1) === 'RDY 1';
  const [tried, other] = isFirst ? [first, second] : [second, first];
  tried.isDown = true;
  tried.hangUp();
  await other.journal.until(/RDY 1$/);

  assert.equal(tried.journal.matching(/RDY 1$/).length, 1);
});

test('Consumer: all brokers are lost while it waits, and the trial begins with the next one', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  failingAt(site);
  await broker.journal.until(/RDY 10/);
  broker.deliver(messageFrame(idOf(1), 'x'));
  await broker.journal.until(/RDY 0/);

  broker.isDown = true;
  broker.hangUp();
  for (let second = 0; second < 4; second++) {
    await settled();
    site.clock.advance(1000);
  }
  broker.isDown = false;
  for (let second = 0; second < 30; second++) {
    await settled();
    site.clock.advance(1000);
  }
  await broker.journal.until(/RDY 1$/);

  assert.equal(broker.journal.lines.at(-1), 'RDY 1');
});

test('Consumer: close while it waits ends at once', async () => {
  const site = new ScriptedSite();
  const broker = site.broker();
  const { consumer } = failingAt(site);
  await broker.journal.until(/RDY 10/);
  broker.deliver(messageFrame(idOf(1), 'x'));
  await broker.journal.until(/RDY 0/);

  await consumer.close();
  await broker.journal.until(/closed/);

  assert.equal(site.clock.timerCount, 0);
});
