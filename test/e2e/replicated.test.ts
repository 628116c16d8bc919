// Topics that the real nats-server keeps, where it is installed (Debian's package `nats-server`), over two brokers.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { dpub, line, mpub, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, topicStats, until } from '../support/broker-stats.ts';
import { type NatsServer, startNats } from '../support/nats-site.ts';
import { askPolicies, setPolicy } from '../support/policies.ts';
import { toMessage } from '../support/received-frames.ts';
import {
  channelOf,
  consumer,
  createChannel,
  isEmpty,
  publish,
  STORED_TEST,
  startPair,
} from '../support/stored-topics.ts';
import type { WireClient } from '../support/wire-client.ts';

const DELAY_MS = 300;

const { server, one, other } = await startPair({ after }, 'e2e');

test(
  'store=nats: what is published before the first channel waits for it, at any broker',
  STORED_TEST,
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
  STORED_TEST,
  async (t) => {
    await ask(one, '/topic/create?topic=r.again', null);
    await createChannel(one, 'r.again', 'c');
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

test('store=nats: DPUB keeps its time, at another broker too', STORED_TEST, async (t) => {
  await ask(one, '/topic/create?topic=r.later', null);
  await createChannel(one, 'r.later', 'c');
  const client = await consumer(t, other, 'r.later', 'c');
  const startMs = performance.now();
  assert.equal(await publish(t, one, dpub('r.later', DELAY_MS, 'x')), 'OK');

  const { id, attempts } = await client.nextMessage();
  const tookMs = performance.now() - startMs;
  client.send(line('FIN', id));

  assert.equal(attempts, 1);
  assert.ok(tookMs >= DELAY_MS, `it came after ${tookMs} ms`);
});

test('store=nats: pause, empty and delete hold at every broker', STORED_TEST, async (t) => {
  await ask(one, '/topic/create?topic=r.admin', null);
  await createChannel(one, 'r.admin', 'c');
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

test(
  'store=nats: a policy that is set at one broker holds at the other, and goes there too',
  STORED_TEST,
  async (t) => {
    const effective = async (): Promise<unknown> => {
      const { text } = await ask(other, '/policy/effective?topic=r.ruled');
      return JSON.parse(text).keys['message-ttl'].policy;
    };
    await setPolicy(one, 'shared', { pattern: 'r.ruled', 'message-ttl': '1h' });
    await until(effective, (name) => name === 'shared');
    const third = await new BrokerSite(t).start({
      flags: [`--nats-url=${server.url}`, '--nats-prefix=e2e'],
    });
    const atStart = await until(
      () => ask(third, '/policy/shared'),
      ({ status }) => status === 200,
    );
    const removed = await askPolicies(one, 'DELETE', '/policy/shared');
    await until(effective, (name) => name === null);

    assert.deepEqual([atStart.status, removed.status], [200, 200]);
  },
);

test(
  'store=nats: a broker that ends gives back what its consumers have',
  STORED_TEST,
  async (t) => {
    const site = new BrokerSite(t);
    const third = await site.start({ flags: [`--nats-url=${server.url}`, '--nats-prefix=e2e'] });
    await ask(one, '/topic/create?topic=r.end', null);
    await createChannel(one, 'r.end', 'c');
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
  },
);

test(
  'store=nats: while the store is away publishes are refused with the reason, then all goes on',
  STORED_TEST,
  async (t) => {
    await ask(one, '/topic/create?topic=r.away', null);
    await createChannel(one, 'r.away', 'c');
    const client = await consumer(t, one, 'r.away', 'c', 2);
    assert.equal(await publish(t, one, pub('r.away', 'before')), 'OK');
    const before = await client.nextMessage();
    await server.kill();
    await one.logged(/STORE: the connection to .* is lost/);
    const refused = await publish(t, one, pub('r.away', 'lost'));
    const local = await publish(t, one, pub('local', 'x'));
    const ready = await ask(one, '/readyz');
    const ping = await ask(one, '/ping');
    const metrics = await ask(one, '/metrics');
    const topic = await ask(one, '/topic/create?topic=r.new', null);
    const changes = await Promise.all(
      ['pause', 'empty', 'delete'].map((change) =>
        ask(one, `/channel/${change}?topic=r.away&channel=c`, null),
      ),
    );
    const channel = await ask(one, '/channel/create?topic=r.away&channel=new', null);
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
    assert.match(ping.text, /^NOK - the connection to/);
    assert.match(metrics.text, /^ringmq_store_up 0$/m);
    assert.deepEqual([topic.status, channel.status], [503, 503]);
    for (const { status, text } of changes) {
      assert.deepEqual([status, /the connection to/.test(text)], [503, true]);
    }
  },
);

test(
  'store=nats: a channel begins with what the topic has kept, by its number or time',
  STORED_TEST,
  async (t) => {
    await setPolicy(one, 'history', { pattern: 'r.history', retention: 'age(1h)' });
    await ask(one, '/topic/create?topic=r.history', null);
    await createChannel(one, 'r.history', 'c');
    const client = await consumer(t, one, 'r.history', 'c', 3);
    assert.equal(await publish(t, one, mpub('r.history', ['a', 'b'])), 'OK');
    for (const { id } of [await client.nextMessage(), await client.nextMessage()]) {
      client.send(line('FIN', id));
    }
    await until(
      () => channelOf(one, 'r.history'),
      (channel) => channel !== undefined && isEmpty(channel),
    );
    const since = new Date().toISOString();
    assert.equal(await publish(t, one, pub('r.history', 'c')), 'OK');
    const bodies: string[][] = [];
    for (const [channel, from, count] of [
      ['first', 'first', 3],
      ['number', '2', 2],
      ['time', since, 1],
    ] as const) {
      const query = new URLSearchParams({ topic: 'r.history', channel, from });
      const { status } = await ask(one, `/channel/create?${query}`, null);
      assert.equal(status, 200);
      const again = await consumer(t, other, 'r.history', channel, 5);
      const came: string[] = [];
      while (came.length < count) came.push((await again.nextMessage()).body.toString());
      bodies.push(came);
    }

    const twice = await ask(one, '/channel/create?topic=r.history&channel=first&from=first', null);
    await ask(one, '/topic/create?topic=r.gone', null);
    const gone = await ask(one, '/channel/create?topic=r.gone&channel=c&from=first', null);
    await ask(one, '/topic/create?topic=alone', null);
    const alone = await ask(one, '/channel/create?topic=alone&channel=c&from=first', null);

    assert.deepEqual(bodies, [['a', 'b', 'c'], ['b', 'c'], ['c']]);
    assert.deepEqual(
      [twice, gone, alone].map(({ status, text }) => [status, JSON.parse(text).reason]),
      [
        [400, 'the channel exists'],
        [
          400,
          'the topic does not keep finished messages: its policy had no retention when it was created',
        ],
        [400, 'the topic is not replicated: it keeps no finished messages'],
      ],
    );
    await until(
      () => topicStats(other, 'r.history'),
      (topic) =>
        topic?.channels.find(({ channel_name: name }) => name === 'time')?.message_count === 1,
    );
  },
);

test(
  'store=nats: three servers go on without one, and nothing is missing',
  STORED_TEST,
  async (t) => {
    const servers = await startNats(t, 3);
    const flags = [`--nats-url=${servers.map(({ url }) => url).join(',')}`];
    const site = new BrokerSite(t);
    const brokers = await Promise.all([site.start({ flags }), new BrokerSite(t).start({ flags })]);
    for (const broker of brokers) {
      await broker.logged(/STORE: connected/);
      await setPolicy(broker, 'kept', { pattern: 'r.*', store: 'nats' });
    }
    await ask(brokers[0], '/topic/create?topic=r.cluster', null);
    await createChannel(brokers[0], 'r.cluster', 'c');
    const consumers = await Promise.all(
      brokers.map((broker) => consumer(t, broker, 'r.cluster', 'c', 50)),
    );
    const wanted = new Set<string>();
    const publishAll = async (name: string): Promise<void> => {
      for (const [index, broker] of brokers.entries()) {
        const bodies = Array.from({ length: 20 }, (_, number) => `${name}-${index}-${number}`);
        // The connection may be cut just then.
        await until(
          () => publish(t, broker, mpub('r.cluster', bodies)),
          (answer) => answer === 'OK',
        );
        for (const body of bodies) wanted.add(body);
      }
    };
    const came = new Set<string>();
    for (const client of consumers) void take(client, came);

    await publishAll('before');
    const followers = await followersOf(servers, 'ringmq_r=dcluster');
    await followers[0].kill();
    await publishAll('after');
    await until(
      async () => [...wanted].filter((body) => !came.has(body)),
      (missing) => missing.length === 0,
    );
    const depths = await until(
      () => channelOf(brokers[1], 'r.cluster'),
      (channel) => channel !== undefined && isEmpty(channel),
    );

    assert.equal(depths?.depth, 0);
    assert.equal(came.size, wanted.size);
  },
);

/** Finishes what comes, and notes its body. */
async function take(client: WireClient, came: Set<string>): Promise<void> {
  for (;;) {
    const frame = await client.next();
    if (frame?.type !== 'message') return;
    const { id, body } = toMessage(frame.data);
    came.add(body.toString());
    client.send(line('FIN', id));
  }
}

/** The servers that do not lead the stream. */
async function followersOf(servers: readonly NatsServer[], stream: string): Promise<NatsServer[]> {
  const nc = await connect({ servers: servers.map(({ url }) => url) });
  const { cluster } = await (await jetstreamManager(nc)).streams.info(stream);
  await nc.close();
  return servers.filter((_, index) => `n${index}` !== cluster?.leader);
}
