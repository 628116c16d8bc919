// A fleet with topics that the real nats-server keeps, where it is installed: ephemeral channels, a broker that is killed
// for good, tombstones, and `ringmq mirror` between local and replicated topics.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { runMirror } from '../../src/companions/tools/mirror.ts';
import { dpub, line, mpub, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, topicStats, until } from '../support/broker-stats.ts';
import { LookupdSite } from '../support/lookupd-site.ts';
import { runWords } from '../support/operator.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';
import {
  channelOf,
  consumer,
  createChannel,
  isEmpty,
  publish,
  STORED_TEST,
  startPair,
  startStored,
} from '../support/stored-topics.ts';
import type { WireClient } from '../support/wire-client.ts';

const DELAY_MS = 2000;

const { server, one, other } = await startPair({ after }, 'fleet');

/** Finishes the next messages. Resolves with their bodies. */
async function finishNext(
  client: WireClient,
  count: number,
  onBody: (body: string) => void = () => undefined,
): Promise<string[]> {
  const bodies: string[] = [];
  while (bodies.length < count) {
    const { id, body } = await client.nextMessage();
    bodies.push(body.toString());
    onBody(body.toString());
    client.send(line('FIN', id));
  }
  return bodies;
}

test(
  'store=nats: an ephemeral channel is shared by brokers, and begins with new messages',
  STORED_TEST,
  async (t) => {
    await ask(one, '/topic/create?topic=r.eph', null);
    await createChannel(one, 'r.eph', 'c');
    assert.equal(await publish(t, one, pub('r.eph', 'before')), 'OK');
    const first = await consumer(t, one, 'r.eph', 'e#ephemeral');
    const second = await consumer(t, other, 'r.eph', 'e#ephemeral');
    assert.equal(await publish(t, other, mpub('r.eph', ['a', 'b'])), 'OK');
    const messages = [await first.nextMessage(), await second.nextMessage()];
    const nc = await connect({ servers: server.url });
    t.after(() => nc.close());
    const { consumers } = await jetstreamManager(nc);
    const { config } = await consumers.info('fleet_r=deph', 'c_e=eephemeral');
    first.send(line('FIN', messages[0].id));
    second.send(line('FIN', messages[1].id));
    first.reset();
    second.reset();

    assert.deepEqual(messages.map(({ body }) => body.toString()).sort(), ['a', 'b']);
    // The store deletes it when no broker has asked for messages for ten seconds.
    assert.deepEqual([config.inactive_threshold, config.durable_name], [10e9, undefined]);
    for (const broker of [one, other]) {
      await until(
        () => topicStats(broker, 'r.eph'),
        (topic) => topic?.channels.map((channel) => channel.channel_name).join() === 'c',
      );
    }
  },
);

test(
  'store=nats: of a broker that is killed for good nothing is missing, and what is deferred keeps its time',
  STORED_TEST,
  async (t) => {
    const [doomed] = await startStored(t, server, 'fleet', { count: 1 });
    await ask(one, '/topic/create?topic=r.killed', null);
    await createChannel(one, 'r.killed', 'c');
    const holder = await consumer(t, doomed, 'r.killed', 'c', 3);
    assert.equal(await publish(t, doomed, mpub('r.killed', ['a', 'b', 'c'])), 'OK');
    const held = [];
    while (held.length < 3) held.push((await holder.nextMessage()).body.toString());
    const startMs = performance.now();
    assert.equal(await publish(t, doomed, dpub('r.killed', DELAY_MS, 'late')), 'OK');
    assert.equal(await publish(t, doomed, mpub('r.killed', ['d', 'e'])), 'OK');
    await doomed.kill();
    const client = await consumer(t, other, 'r.killed', 'c', 10);

    let tookMs = 0;
    const bodies = await finishNext(client, 6, (body) => {
      if (body === 'late') tookMs = performance.now() - startMs;
    });

    assert.deepEqual(held, ['a', 'b', 'c']);
    assert.deepEqual(bodies.slice(0, 2), ['d', 'e']);
    assert.deepEqual(bodies.slice(2).sort(), ['a', 'b', 'c', 'late']);
    assert.ok(tookMs >= DELAY_MS, `it came after ${tookMs} ms`);
    await until(
      () => channelOf(one, 'r.killed'),
      (channel) => channel !== undefined && isEmpty(channel),
    );
  },
);

test(
  'store=nats: a tombstone hides a broker, and what is published there reaches consumers of others',
  STORED_TEST,
  async (t) => {
    const lookupd = await LookupdSite.start(t);
    const flags = (name: string): readonly string[] => [
      `--lookupd-tcp-address=127.0.0.1:${lookupd.ports.tcp}`,
      `--broadcast-address=${name}`,
    ];
    const start = (name: string): Promise<BrokerProcess[]> =>
      startStored(t, server, 'tombs', { count: 1, flags: flags(name) });
    const [[hidden], [shown]] = [await start('hidden.test'), await start('shown.test')];
    await ask(hidden, '/topic/create?topic=r.tomb', null);
    await createChannel(hidden, 'r.tomb', 'c');
    const found = async (): Promise<string[]> => (await lookupd.found('r.tomb')).sort();
    const before = await until(found, (names) => names.length === 2);
    const node = `hidden.test:${hidden.httpPort}`;
    const { status } = await lookupd.post(`/topic/tombstone?topic=r.tomb&node=${node}`);
    const hiding = await found();
    const client = await consumer(t, shown, 'r.tomb', 'c');
    assert.equal(await publish(t, hidden, pub('r.tomb', 'a')), 'OK');
    const bodies = await finishNext(client, 1);
    const { status: isThere } = await ask(hidden, '/channel/pause?topic=r.tomb&channel=c', null);

    assert.deepEqual(
      [before, status, hiding],
      [['hidden.test', 'shown.test'], 200, ['shown.test']],
    );
    assert.deepEqual([bodies, isThere], [['a'], 200]);
  },
);

test(
  'store=nats: ringmq mirror takes a topic to the store and back while it is in use',
  STORED_TEST,
  async (t) => {
    const local = await new BrokerSite(t).start();
    await ask(local, '/topic/create?topic=r.moving', null);
    await createChannel(local, 'r.moving', 'c');
    const mirror = (from: BrokerProcess, to: BrokerProcess): Promise<{ code: number }> =>
      runWords(runMirror, [
        `--nsqd-http-address=127.0.0.1:${from.httpPort}`,
        `--destination-nsqd-http-address=127.0.0.1:${to.httpPort}`,
        ...['--topic=r.moving', '--move=c', '--until-empty'],
      ]);
    const bodies = Array.from({ length: 300 }, (_, number) => `m${number}`);
    assert.equal(await publish(t, local, mpub('r.moving', bodies.slice(0, 200))), 'OK');
    const [to, published] = await Promise.all([
      mirror(local, one),
      publish(t, local, mpub('r.moving', bodies.slice(200))),
    ]);
    // What was published after the mirror had found nothing left.
    const rest = await mirror(local, one);
    const client = await consumer(t, other, 'r.moving', 'c', 50);
    const stored = await finishNext(client, 300);
    // A reset drops FINs that the broker has not read yet, and their messages would come again after their timeout.
    await until(
      () => channelOf(other, 'r.moving'),
      (channel) => channel !== undefined && isEmpty(channel),
    );
    client.reset();
    // So would messages that are sent to a consumer that is gone.
    await until(
      () => channelOf(other, 'r.moving'),
      (channel) => channel?.client_count === 0,
    );
    const { text } = await ask(one, '/stats?format=json&topic=r.moving');
    assert.equal(await publish(t, other, mpub('r.moving', bodies)), 'OK');
    const back = await mirror(one, local);
    const again = await consumer(t, local, 'r.moving', 'c', 50);
    const returned = await finishNext(again, 300);

    assert.deepEqual([to.code, published, rest.code, back.code], [0, 'OK', 0, 0]);
    assert.match(text, /"replicated":true/);
    assert.deepEqual(stored.sort(), [...bodies].sort());
    assert.deepEqual(returned.sort(), [...bodies].sort());
  },
);

test(
  'store=nats: brokers that create, empty and delete the same topics at once are all answered, and agree',
  STORED_TEST,
  async () => {
    const seed = freshSeed();
    console.log(`SEED=${seed}`);
    const random = seededRandom(seed);
    const brokers = [one, other];
    const answers: { status: number; text: string }[] = [];
    for (let round = 0; round < 25; round++) {
      const topic = `topic=r.race${random(2)}`;
      await ask(one, `/topic/create?${topic}`, null);
      const changes = Array.from({ length: 6 }, async () => {
        const channel = `${topic}&channel=${'ab'[random(2)]}`;
        const path = [
          `/channel/create?${channel}`,
          `/channel/delete?${channel}`,
          `/channel/empty?${channel}`,
          `/channel/pause?${channel}`,
          `/topic/empty?${topic}`,
          `/topic/delete?${topic}`,
        ][random(6)];
        answers.push(await ask(brokers[random(2)], path, null));
      });
      await Promise.all(changes);
    }
    for (const name of ['r.race0', 'r.race1']) {
      await ask(one, `/topic/create?topic=${name}`, null);
      const states = async (): Promise<string[]> => {
        const topics = await Promise.all(brokers.map((broker) => topicStats(broker, name)));
        return topics.map(
          (topic) =>
            topic?.channels
              .map((c) => c.channel_name)
              .sort()
              .join() ?? '-',
        );
      };
      await until(states, ([here, there]) => here === there);
    }

    // A topic may be deleted at one broker while it is created at the other.
    const odd = answers.filter(
      ({ status, text }) => ![200, 404].includes(status) && !/it is deleted|not found/.test(text),
    );
    assert.deepEqual(odd, []);
  },
);
