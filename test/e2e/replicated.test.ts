// Topics that the real nats-server keeps, where it is installed (Debian's package `nats-server`), over two brokers.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { dpub, line, mpub, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, type ChannelStats, topicStats, until } from '../support/broker-stats.ts';
import { natsMissing, startNats } from '../support/nats-site.ts';
import { setPolicy } from '../support/policies.ts';
import { WireClient } from '../support/wire-client.ts';

const OPTIONS = { timeout: 60_000, skip: natsMissing };
const DELAY_MS = 300;

const [server] = natsMissing === false ? await startNats({ after }) : [];
const [one, other] = natsMissing === false ? await startBrokers() : [];

async function startBrokers(): Promise<BrokerProcess[]> {
  const flags = [`--nats-url=${server.url}`, '--nats-prefix=e2e'];
  const brokers = await Promise.all([1, 2].map(() => new BrokerSite({ after }).start({ flags })));
  for (const broker of brokers) {
    await broker.logged(/STORE: connected/);
    await setPolicy(broker, 'kept', { pattern: 'r.*', store: 'nats' });
  }
  return brokers;
}

/** A consumer whose `SUB` is answered. */
async function consumer(
  t: Parameters<typeof WireClient.connect>[0],
  broker: BrokerProcess,
  topic: string,
  channel: string,
  ready = 1,
): Promise<WireClient> {
  const client = await WireClient.connect(t, broker, line('SUB', topic, channel));
  assert.equal(await client.nextText(), 'OK');
  client.send(line('RDY', ready));
  return client;
}

async function publish(
  t: Parameters<typeof WireClient.connect>[0],
  broker: BrokerProcess,
  command: Buffer,
): Promise<string | null> {
  return (await WireClient.connect(t, broker, command)).nextText();
}

/** The channel `c` of a topic; undefined while the broker does not know it. */
async function channelOf(broker: BrokerProcess, topic: string): Promise<ChannelStats | undefined> {
  return (await topicStats(broker, topic))?.channels.find(
    (channel) => channel.channel_name === 'c',
  );
}

function isEmpty({ depth, deferred_count, in_flight_count }: ChannelStats): boolean {
  return depth + deferred_count + in_flight_count === 0;
}

async function create(broker: BrokerProcess, topic: string, channel: string): Promise<void> {
  const { status } = await ask(broker, `/channel/create?topic=${topic}&channel=${channel}`, null);
  assert.equal(status, 200);
}

test(
  'store=nats: what is published before the first channel waits for it, at any broker',
  OPTIONS,
  async (t) => {
    assert.equal(await publish(t, one, mpub('r.first', ['a', 'b'])), 'OK');
    await until(
      () => topicStats(other, 'r.first'),
      (topic) => topic?.depth === 2,
    );
    await ask(one, '/topic/create?topic=r.first', null);
    const client = await consumer(t, other, 'r.first', 'c', 5);

    const messages = [await client.nextMessage(), await client.nextMessage()];
    for (const { id } of messages) client.send(line('FIN', id));

    assert.deepEqual(
      messages.map(({ body, attempts }) => [body.toString(), attempts]),
      [
        ['a', 1],
        ['b', 1],
      ],
    );
    await until(
      () => channelOf(one, 'r.first'),
      (channel) => channel !== undefined && isEmpty(channel),
    );
    await until(
      () => topicStats(other, 'r.first'),
      (topic) => topic?.message_count === 2 && topic.channels[0]?.message_count === 2,
    );
    const { text } = await ask(other, '/stats?format=json&topic=r.first');
    assert.match(text, /"replicated":true/);
    assert.match((await ask(one, '/metrics')).text, /^ringmq_store_up 1$/m);
  },
);

test(
  'store=nats: REQ gives a message to another broker, which counts its attempts',
  OPTIONS,
  async (t) => {
    await ask(one, '/topic/create?topic=r.again', null);
    await create(one, 'r.again', 'c');
    const first = await consumer(t, one, 'r.again', 'c');
    assert.equal(await publish(t, other, pub('r.again', 'x')), 'OK');
    const message = await first.nextMessage();
    first.send(line('RDY', 0), line('REQ', message.id, 0));
    const second = await consumer(t, other, 'r.again', 'c');

    const again = await second.nextMessage();
    second.send(line('FIN', again.id));

    assert.deepEqual(
      [again.id, again.body.toString(), message.attempts, again.attempts],
      [message.id, 'x', 1, 2],
    );
  },
);

test('store=nats: DPUB keeps its time, at another broker too', OPTIONS, async (t) => {
  await ask(one, '/topic/create?topic=r.later', null);
  await create(one, 'r.later', 'c');
  const client = await consumer(t, other, 'r.later', 'c');
  const startMs = performance.now();
  assert.equal(await publish(t, one, dpub('r.later', DELAY_MS, 'x')), 'OK');

  const { id, attempts } = await client.nextMessage();
  const tookMs = performance.now() - startMs;
  client.send(line('FIN', id));

  assert.equal(attempts, 1);
  assert.ok(tookMs >= DELAY_MS, `it came after ${tookMs} ms`);
});

test('store=nats: pause, empty and delete hold at every broker', OPTIONS, async (t) => {
  await ask(one, '/topic/create?topic=r.admin', null);
  await create(one, 'r.admin', 'c');
  await until(
    () => channelOf(other, 'r.admin'),
    (channel) => channel !== undefined,
  );
  await ask(one, '/channel/pause?topic=r.admin&channel=c', null);
  await until(
    () => channelOf(other, 'r.admin'),
    (channel) => channel?.paused === true,
  );
  const client = await consumer(t, other, 'r.admin', 'c');
  assert.equal(await publish(t, one, mpub('r.admin', ['a', 'b', 'c'])), 'OK');
  await until(
    () => channelOf(other, 'r.admin'),
    (channel) => channel?.depth === 3,
  );
  await ask(other, '/channel/empty?topic=r.admin&channel=c', null);
  await until(
    () => channelOf(one, 'r.admin'),
    (channel) => channel?.depth === 0,
  );
  assert.equal(await publish(t, one, pub('r.admin', 'after')), 'OK');
  await ask(other, '/channel/unpause?topic=r.admin&channel=c', null);
  await until(
    () => channelOf(one, 'r.admin'),
    (channel) => channel?.paused === false,
  );

  const { id, body } = await client.nextMessage();
  client.send(line('FIN', id));
  await ask(one, '/topic/delete?topic=r.admin', null);
  await until(
    () => topicStats(other, 'r.admin'),
    (topic) => topic === undefined,
  );

  assert.equal(body.toString(), 'after');
});

test('store=nats: a broker that ends gives back what its consumers have', OPTIONS, async (t) => {
  const site = new BrokerSite(t);
  const third = await site.start({ flags: [`--nats-url=${server.url}`, '--nats-prefix=e2e'] });
  await ask(one, '/topic/create?topic=r.end', null);
  await create(one, 'r.end', 'c');
  await until(
    () => topicStats(third, 'r.end'),
    (topic) => topic?.channels.length === 1,
  );
  const held = await consumer(t, third, 'r.end', 'c');
  assert.equal(await publish(t, one, pub('r.end', 'x')), 'OK');
  await held.nextMessage();
  process.kill(third.pid, 'SIGTERM');
  const client = await consumer(t, one, 'r.end', 'c');

  const { id, body, attempts } = await client.nextMessage();
  client.send(line('FIN', id));

  assert.deepEqual([body.toString(), attempts, (await third.ended).code], ['x', 2, 0]);
});

test(
  'store=nats: while the store is away publishes are refused with the reason, then all goes on',
  OPTIONS,
  async (t) => {
    await ask(one, '/topic/create?topic=r.away', null);
    await create(one, 'r.away', 'c');
    const client = await consumer(t, one, 'r.away', 'c', 2);
    assert.equal(await publish(t, one, pub('r.away', 'before')), 'OK');
    const before = await client.nextMessage();
    await server.kill();
    await one.logged(/STORE: the connection to .* is lost/);
    const refused = await publish(t, one, pub('r.away', 'lost'));
    const local = await publish(t, one, pub('local', 'x'));
    const ready = await ask(one, '/readyz');
    client.send(line('FIN', before.id));
    await server.start();
    await until(
      () => ask(one, '/readyz'),
      ({ status }) => status === 200,
    );

    const answer = await publish(t, one, pub('r.away', 'after'));
    const { id, body } = await client.nextMessage();
    client.send(line('FIN', id));

    assert.match(refused ?? '', /E_PUB_FAILED PUB failed the connection to .* is lost$/);
    assert.deepEqual([local, answer, body.toString(), ready.status], ['OK', 'OK', 'after', 503]);
    assert.match(ready.text, /store: the connection to/);
  },
);
