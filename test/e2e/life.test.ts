import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { dpub, line, mpub, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, channelStats, topicStats } from '../support/broker-stats.ts';
import type { WireMessage } from '../support/received-frames.ts';
import { WireClient } from '../support/wire-client.ts';

/** Five starts of a broker take seconds each on a busy machine. */
const LIMIT = { timeout: 120_000 };
const HOUR_MS = 3_600_000;
/** An idle broker ends in a few ms, one with little in memory as well. */
const END_MS_MAX = 5000;
const MAKE_PIPE = 'mkfifo';
const ENDED_WELL = { code: 0, signal: null };

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} keeps what is in memory, in flight and deferred`, LIMIT, async (t) => {
    const site = new BrokerSite(t);
    const first = await site.start();
    const client = await subscribe(t, first, 'kept', 1);
    const publisher = await WireClient.connect(t, first);
    publisher.send(
      pub('kept', 'in flight'),
      mpub('kept', ['in memory', 'also in memory']),
      dpub('kept', HOUR_MS, 'deferred'),
      pub('no-channel', 'waits for a channel'),
    );
    assert.deepEqual(await publisher.texts(4), ['OK', 'OK', 'OK', 'OK']);
    const inFlight = await client.nextMessage();

    const startMs = performance.now();
    const ending = await first.stop(signal);
    const elapsedMs = performance.now() - startMs;
    const second = await site.start();
    const consumer = await subscribe(t, second, 'kept', 10);
    const late = await subscribe(t, second, 'no-channel', 10);
    const messages = await receive(consumer, 3);
    const [waiting] = await receive(late, 1);

    assert.deepEqual(ending, ENDED_WELL);
    assert.ok(elapsedMs < END_MS_MAX, `the end took ${elapsedMs} ms`);
    assert.match(first.log, new RegExp(`received ${signal}, ending\\n`));
    assert.match(first.log, /NSQ: closing topics\n[\s\S]*NSQ: bye\n$/);
    assert.deepEqual(messages.map(({ body, attempts }) => `${body} ${attempts}`).sort(), [
      'also in memory 1',
      'in flight 2',
      'in memory 1',
    ]);
    assert.ok(
      messages.some(({ id }) => id === inFlight.id),
      'a message keeps its id',
    );
    assert.equal(waiting.body.toString(), 'waits for a channel');
    const stats = await channelStats(second, 'kept', 'channel');
    assert.deepEqual([stats?.depth, stats?.deferred_count], [0, 1]);
  });
}

test(
  'a restart keeps topics, channels and pauses, and forgets what is ephemeral',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const first = await site.start();
    await ask(first, '/topic/create?topic=one', null);
    await ask(first, '/channel/create?topic=one&channel=paused', null);
    await ask(first, '/channel/pause?topic=one&channel=paused', null);
    await ask(first, '/topic/create?topic=two', null);
    await ask(first, '/topic/pause?topic=two', null);
    await ask(first, '/pub?topic=three%23ephemeral', 'gone');
    await first.stop();

    const second = await site.start();
    const one = await topicStats(second, 'one');
    const two = await topicStats(second, 'two');
    const three = await topicStats(second, 'three#ephemeral');

    assert.deepEqual(
      [one?.paused, one?.channels.map(({ channel_name, paused }) => [channel_name, paused])],
      [false, [['paused', true]]],
    );
    assert.deepEqual([two?.paused, two?.channels], [true, []]);
    assert.equal(three, undefined);
  },
);

test('many restarts neither lose nor repeat anything', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const received: string[] = [];
  for (let round = 0; round < 4; round++) {
    const broker = await site.start();
    const publisher = await WireClient.connect(t, broker);
    const bodies = Array.from({ length: 100 }, (_, index) => `${round} ${index}`);
    publisher.send(mpub('rounds', bodies));
    await publisher.nextText();
    const consumer = await subscribe(t, broker, 'rounds', 10);
    for (const { body } of await receive(consumer, 60)) received.push(body.toString());
    // Its answer comes behind every FIN; a message that comes before it is not finished, and will come again.
    consumer.send(line('CLS'));
    for (let text = ''; text !== 'CLOSE_WAIT'; ) text = (await consumer.nextText()) ?? 'CLOSE_WAIT';
    assert.deepEqual(await broker.stop(), ENDED_WELL);
  }
  const broker = await site.start();
  const consumer = await subscribe(t, broker, 'rounds', 10);
  for (const { body } of await receive(consumer, 160)) received.push(body.toString());

  assert.equal(received.length, 400);
  assert.equal(new Set(received).size, 400);
  assert.equal((await channelStats(broker, 'rounds', 'channel'))?.depth, 0);
});

test('a broker that is killed has every message that it confirmed on disk', LIMIT, async (t) => {
  const COUNT = 10_000;
  const onDisk = { flags: ['--mem-queue-size=0', '--sync-every=1'] };
  const site = new BrokerSite(t);
  const first = await site.start(onDisk);
  await ask(first, '/topic/create?topic=through', null);
  await ask(first, '/channel/create?topic=through&channel=channel', null);
  const publisher = await WireClient.connect(t, first);
  for (let i = 0; i < COUNT; i++) {
    publisher.send(pub('through', `through ${i}`), pub('waiting', `waiting ${i}`));
  }

  // Killed while the rest of them is under way.
  const confirmed = await publisher.texts(COUNT / 10);
  await first.kill();
  for (let text = await publisher.nextText(); text !== null; text = await publisher.nextText()) {
    confirmed.push(text);
  }
  const second = await site.start(onDisk);
  for (const [place, topic] of ['through', 'waiting'].entries()) {
    const count = Math.ceil((confirmed.length - place) / 2);
    const missing = new Set(Array.from({ length: count }, (_, i) => `${topic} ${i}`));
    const consumer = await subscribe(t, second, topic, 100);
    while (missing.size > 0) {
      const [{ body }] = await receive(consumer, 1);
      missing.delete(body.toString());
    }
  }

  t.diagnostic(`${confirmed.length} of ${2 * COUNT} messages were confirmed`);
  assert.ok(confirmed.every((text) => text === 'OK'));
});

test('a second signal ends a broker that cannot write what is in memory', {
  ...LIMIT,
  skip: process.platform === 'win32' ? 'files have no limit there' : false,
}, async (t) => {
  const site = new BrokerSite(t);
  const broker = await site.start({ fileBlocksMax: 16 });
  assert.equal((await ask(broker, '/pub?topic=stuck', 'x'.repeat(65_536))).text, 'OK');
  const startMs = performance.now();
  broker.signal('SIGINT');
  await broker.logged(/NSQ: closing topics/);

  // What comes at once is the same key press; what comes later is another one.
  let hasEnded = false;
  broker.ended.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    broker.signal('SIGINT');
    await setImmediate();
  }
  const elapsedMs = performance.now() - startMs;

  assert.deepEqual(await broker.ended, { code: 1, signal: null });
  assert.ok(elapsedMs >= 490 && elapsedMs < END_MS_MAX, `it ended after ${elapsedMs} ms`);
  assert.match(
    broker.log,
    /FATAL: received a second SIGINT, ending at once; messages in memory are lost\n/,
  );
  assert.doesNotMatch(broker.log, /NSQ: bye/);
});

test('a second signal ends a broker whose disk hangs', {
  ...LIMIT,
  skip: process.platform === 'win32' ? 'there are no named pipes in directories' : false,
}, async (t) => {
  const site = new BrokerSite(t);
  const broker = await site.start();
  // Opening a pipe for reading hangs until somebody writes to it, as a file hangs on a server that is away. The start
  // would refuse it.
  spawnSync(MAKE_PIPE, [join(site.dataPath, 'hung.diskqueue.meta.dat')]);
  await ask(broker, '/pub?topic=hung', 'x');
  broker.signal('SIGINT');
  await broker.logged(/NSQ: closing topics/);

  while (!broker.log.includes('FATAL')) {
    broker.signal('SIGINT');
    await setImmediate();
  }

  await broker.ended;
});

test('a thread that waits for a name server or a file does not delay the end', {
  ...LIMIT,
  skip: process.platform === 'win32' ? 'there are no named pipes in directories' : false,
}, async (t) => {
  const site = new BrokerSite(t);
  const pipe = join(site.dataPath, 'credentials');
  spawnSync(MAKE_PIPE, [pipe]);
  // The thread of the store reads from a pipe that has a writer and no data.
  const broker = await site.start({
    launcher: ['sh', '-c', 'exec 3<>"$0" && rm "$0" && exec "$@"', pipe],
    flags: ['--nats-url=nats://127.0.0.1:1', '--nats-credentials=/dev/fd/3'],
  });

  // The pipe never has data, so an end that waited for it would never come.
  const ending = await broker.stop();

  assert.deepEqual(ending, ENDED_WELL);
  assert.match(broker.log, /NSQ: bye\n$/);
});

test('two signals at once are one, and nothing is lost', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const first = await site.start();
  await ask(first, '/mpub?topic=twice', 'one\ntwo\nthree');

  first.signal('SIGINT');
  first.signal('SIGTERM');
  const ending = await first.stop('SIGINT');
  const second = await site.start();

  assert.deepEqual(ending, ENDED_WELL);
  assert.doesNotMatch(first.log, /FATAL/);
  assert.equal((await topicStats(second, 'twice'))?.depth, 3);
});

test('the end leaves no temporary files', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const broker = await site.start();
  await ask(broker, '/mpub?topic=files', 'one\ntwo');
  await broker.stop();

  const names = readdirSync(site.dataPath, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(names.sort(), [
    '.ringmq',
    '.ringmq/files.diskqueue.000000.sums',
    '.ringmq/files.diskqueue.meta.copy',
    'files.diskqueue.000000.dat',
    'files.diskqueue.meta.dat',
    'nsqd.dat',
  ]);
});

/** A consumer on the channel `channel`, ready for so many. */
async function subscribe(
  t: TestContext,
  broker: BrokerProcess,
  topic: string,
  ready: number,
): Promise<WireClient> {
  const client = await WireClient.connect(t, broker, line('SUB', topic, 'channel'));
  assert.equal(await client.nextText(), 'OK');
  client.send(line('RDY', ready));
  return client;
}

/** Receives and finishes so many messages. */
async function receive(client: WireClient, count: number): Promise<WireMessage[]> {
  const messages: WireMessage[] = [];
  for (let i = 0; i < count; i++) {
    const message = await client.nextMessage();
    client.send(line('FIN', message.id));
    messages.push(message);
  }
  return messages;
}
