// What the store does about a channel that stands still, how long it waits for a message, and which servers it warns of,
// with the real nats-server, where it is installed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { SystemClock } from '../../src/shared/clock.ts';
import { NatsStore } from '../../src/workers/streams/nats/nats-store.ts';
import { versionWarning } from '../../src/workers/streams/nats/nats-version.ts';
import type { StoredMessage, StoreListener } from '../../src/workers/streams/stream-store.ts';
import type { CleanUp } from '../support/broker-process.ts';
import { until } from '../support/broker-stats.ts';
import { type NatsServer, natsMissing, natsVersion, startNats } from '../support/nats-site.ts';

const OPTIONS = { timeout: 120_000, skip: natsMissing };
const REPLICATION = { replicas: 0, retention: { ageMs: 0, bytes: 0 } };
const TOPIC = { topic: 't', channel: '', replication: REPLICATION };
const CHANNEL = { topic: 't', channel: 'c', replication: REPLICATION };

/** A store with a topic and a channel, which logs there. */
async function openStore(
  t: CleanUp,
  servers: readonly NatsServer[],
  log: string[] = [],
  onEntry: StoreListener['onEntry'] = () => undefined,
): Promise<NatsStore> {
  const files = { credentialsFile: '', tlsCaFile: '', tlsCertFile: '', tlsKeyFile: '' };
  const urls = servers.map(({ url }) => url);
  const store = new NatsStore({ servers: urls, prefix: 'mend', ...files }, new SystemClock());
  t.after(() => store.close());
  await new Promise<void>((resolve) => {
    store.start({
      onAbsence: (error) => {
        if (error === null) resolve();
      },
      onEntry,
      onPolicy: () => undefined,
      log: (_, text) => void log.push(text),
      onNews: () => undefined,
    });
  });
  await store.open(TOPIC);
  await store.open(CHANNEL);
  return store;
}

async function publish(store: NatsStore, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) {
    const error = await new Promise((resolve) => {
      store.publish('t', Buffer.from(body), 0, resolve);
    });
    assert.equal(error, null);
  }
}

/** Pulls until so many have come: while a consumer has no leader, a pull brings nothing. */
async function pull(store: NatsStore, count: number): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  while (messages.length < count) {
    await new Promise<void>((resolve) => {
      store.pull(CHANNEL, count - messages.length, 65_536, {
        onMessage: (message) => void messages.push(message),
        onEnd: resolve,
      });
    });
  }
  return messages;
}

function textsOf(messages: readonly StoredMessage[]): string[] {
  return messages.map(({ body }) => Buffer.from(body).toString());
}

test(
  'NatsStore: a channel is created again where its finished messages end',
  OPTIONS,
  async (t) => {
    const store = await openStore(t, await startNats(t));
    await publish(store, ['a', 'b', 'c', 'd']);
    const [a, b, c] = await pull(store, 3);
    for (const { receipt } of [a, c]) store.finish(receipt);
    await until(
      () => store.figures(CHANNEL),
      (figures) => figures?.taken === 1,
    );

    const what = await store.mend(CHANNEL, 0, 3);
    await publish(store, ['e', 'f']);
    const again = await pull(store, 4);
    for (const { receipt } of again) store.finish(receipt);
    const late = await store.mend(CHANNEL, 1, 3);

    assert.equal(b.sequence, 2);
    assert.equal(what, 'it is created again and begins with message 2');
    assert.deepEqual(textsOf(again), ['b', 'd', 'e', 'f']);
    assert.equal(late, 'it has delivered messages since');
    await until(
      () => store.figures(TOPIC),
      (figures) => figures?.readTo === 0,
    );
  },
);

test(
  'NatsStore: a message that is reported comes to nobody else, until the reports end',
  OPTIONS,
  async (t) => {
    const servers = await startNats(t);
    const store = await openStore(t, servers);
    const nc = await connect({ servers: servers[0].url });
    const { consumers } = await jetstreamManager(nc);
    await consumers.update('mend_t', 'c_c', { ack_wait: 2e9 });
    await nc.close();
    await publish(store, ['kept', 'forgotten']);
    const [kept] = await pull(store, 2);
    const reports = setInterval(() => store.keep(kept.receipt), 200);
    t.after(() => clearInterval(reports));

    // What is forgotten is the clock: it comes again each time that the store has waited.
    const during = await pull(store, 2);
    clearInterval(reports);
    for (const { receipt } of during) store.finish(receipt);
    const [after] = await pull(store, 1);

    assert.deepEqual(
      [...during, after].map(({ body, deliveries }) => `${Buffer.from(body)} ${deliveries}`),
      ['forgotten 2', 'forgotten 3', 'kept 2'],
    );
  },
);

test('NatsStore: in a cluster another server leads the channel first', OPTIONS, async (t) => {
  const log: string[] = [];
  const store = await openStore(t, await startNats(t, 3), log);
  await publish(store, ['a', 'b']);
  const [a] = await pull(store, 1);
  store.finish(a.receipt);

  const what = await store.mend(CHANNEL, 0, 1);
  const came = textsOf(await pull(store, 1));

  assert.match(what, /^server n\d was asked to give up its leadership$/);
  assert.deepEqual(came, ['b']);
  const warning = versionWarning(natsVersion());
  assert.deepEqual(
    log.filter((text) => text.includes('nats-server')),
    warning === null ? [] : [`STORE: ${warning}`],
  );
});

test(
  'NatsStore: a store that has lost everything is used again, and tells of what others create',
  OPTIONS,
  async (t) => {
    const [server] = await startNats(t);
    const entries: string[] = [];
    const store = await openStore(t, [server], [], (topic, channel, state) => {
      entries.push(`${topic}:${channel} ${state}`);
    });
    const nc = await connect({ servers: server.url });
    const { streams } = await jetstreamManager(nc);
    for await (const { config } of streams.list()) await streams.delete(config.name);
    await nc.close();
    await server.kill();
    await until(
      async () => store.absence,
      (reason) => reason !== null,
    );
    await server.start();
    const opened = await until(
      () => store.open(TOPIC).then(() => 'opened', String),
      (outcome) => outcome === 'opened',
    );
    const other = await openStore(t, [server]);
    await other.open({ ...TOPIC, topic: 'new' });

    assert.equal(opened, 'opened');
    await until(
      async () => entries,
      (all) => all.includes('new: running'),
    );
  },
);

test('NatsStore: a server that is just being lost keeps it from no end', OPTIONS, async (t) => {
  const servers = await startNats(t);
  const store = await openStore(t, servers);
  void servers[0].kill();
  await store.close();

  assert.equal(store.absence ?? 'closed', 'closed');
});
