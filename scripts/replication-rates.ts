// Compares replicated topics with a bare JetStream client on the same servers, in turns of the same run.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { line, mpub, pub } from '../src/protocol/commands.ts';
import { SystemClock } from '../src/shared/clock.ts';
import { startNats } from '../test/support/nats-site.ts';
import { Durations } from './bench/percentiles.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';
import { type BrokerProcess, startBroker } from './kit/broker.ts';
import { Connection } from './kit/connection.ts';

const USAGE = `usage: node scripts/replication-rates.ts [options]

Starts three nats-servers and two brokers on this machine, and measures in turns a bare JetStream
client and RingMQ: publishes of batches with one and with three replicas, and the time from publish
to delivery at a fixed rate with three replicas. Needs nats-server.

  --seconds N      of each turn (default 4)
  --rounds N       turns of each (default 2)
  --batch N        messages of a batch (default 200)
  --publishers N   connections that publish, each a batch at a time (default 4)
  --rate N         messages a second for the latency (default 500)

Exit code: 0 done, 2 bad arguments.`;

const values = readArguments(USAGE, {
  seconds: { type: 'string', default: '4' },
  rounds: { type: 'string', default: '2' },
  batch: { type: 'string', default: '200' },
  publishers: { type: 'string', default: '4' },
  rate: { type: 'string', default: '500' },
});
const turnMs = wholeNumber('seconds', values.seconds, 1, USAGE) * 1000;
const rounds = wholeNumber('rounds', values.rounds, 1, USAGE);
const batch = wholeNumber('batch', values.batch, 1, USAGE);
const publishers = wholeNumber('publishers', values.publishers, 1, USAGE);
const rate = wholeNumber('rate', values.rate, 1, USAGE);
const BODY = Buffer.alloc(200, 'x');
const MS_PER_SECOND = 1000;
const STAMP_BYTES = 8;
/** The last messages of a turn are on their way for so long at most. */
const SETTLE_MS = 500;
const READY = 500;

const clock = new SystemClock();
const cleanUps: (() => unknown)[] = [];
try {
  await measure();
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}

async function measure(): Promise<void> {
  const after = (cleanUp: () => unknown): void => void cleanUps.push(cleanUp);
  const servers = await startNats({ after }, 3);
  const urls = servers.map(({ url }) => url);
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-rates-'));
  after(() => rmSync(directory, { recursive: true }));
  const brokers: BrokerProcess[] = [];
  for (const name of ['one', 'other']) {
    const dataPath = mkdtempSync(path.join(directory, name));
    const flags = [`--nats-url=${urls.join(',')}`];
    const broker = await startBroker({ dataPath, flags });
    after(() => broker.stop());
    await broker.logged(/STORE: connected/);
    for (const replicas of [1, 3]) await setReplicas(broker, replicas);
    brokers.push(broker);
  }
  const nc = await connect({ servers: urls });
  after(() => nc.close());
  const manager = await jetstreamManager(nc);
  const client = jetstream(nc);

  for (const replicas of [1, 3]) await compareRates(replicas, manager, client, brokers);
  await compareLatencies(manager, client, brokers);
}

async function setReplicas({ httpPort }: BrokerProcess, replicas: number): Promise<void> {
  const definition = { store: 'nats', replicas };
  const body = JSON.stringify({ pattern: `r${replicas}.*`, definition });
  const url = `http://127.0.0.1:${httpPort}/policy/r${replicas}`;
  const { ok, status } = await fetch(url, { method: 'PUT', body });
  if (!ok) throw new Error(`the policy is refused: ${status}`);
}

async function compareRates(
  replicas: number,
  manager: JetStreamManager,
  client: JetStreamClient,
  brokers: readonly BrokerProcess[],
): Promise<void> {
  await addStream(manager, `bare-rate-${replicas}`, replicas);
  const topic = `r${replicas}.rate`;
  await brokers[0].ask(`/topic/create?topic=${topic}`, 'POST');
  await brokers[0].ask(`/channel/create?topic=${topic}&channel=c`, 'POST');
  const bodies = Array.from({ length: batch }, () => BODY);
  const command = mpub(topic, bodies);
  const connections = await Promise.all(
    Array.from({ length: publishers }, (_, index) =>
      Connection.open(brokers[index % brokers.length].tcpPort),
    ),
  );
  const rates: { bare: number[]; ringmq: number[] } = { bare: [], ringmq: [] };
  for (let round = 0; round < rounds; round++) {
    const bare = (): Promise<unknown> =>
      Promise.all(bodies.map((body) => client.publish(`bare-rate-${replicas}`, body)));
    rates.bare.push(await rateOf(Array.from({ length: publishers }, () => bare)));
    rates.ringmq.push(
      await rateOf(
        connections.map((connection) => async () => {
          const answer = await connection.ask(command);
          if (answer !== 'OK') throw new Error(`a batch is refused: ${answer}`);
        }),
      ),
    );
  }
  for (const connection of connections) connection.destroy();
  const [bare, ringmq] = [rates.bare, rates.ringmq].map(mean);
  console.log(
    `MPUB × ${batch}, R${replicas}: bare ${bare.toFixed()}/s (${shown(rates.bare)}), ` +
      `RingMQ ${ringmq.toFixed()}/s (${shown(rates.ringmq)}): ${(ringmq / bare).toFixed(2)} ×`,
  );
  await manager.streams.purge(`bare-rate-${replicas}`);
  await brokers[0].ask(`/topic/delete?topic=${topic}`, 'POST');
}

/** Messages a second of publishers that publish a batch after the other. */
async function rateOf(publish: readonly (() => Promise<unknown>)[]): Promise<number> {
  const startMs = clock.monotonicMs();
  let count = 0;
  await Promise.all(
    publish.map(async (one) => {
      while (clock.monotonicMs() - startMs < turnMs) {
        await one();
        count += batch;
      }
    }),
  );
  return (count * MS_PER_SECOND) / (clock.monotonicMs() - startMs);
}

async function compareLatencies(
  manager: JetStreamManager,
  client: JetStreamClient,
  [one, other]: readonly BrokerProcess[],
): Promise<void> {
  const stream = 'bare-latency';
  await addStream(manager, stream, 3);
  let bare = new Durations();
  let ringmq = new Durations();
  const messages = await (await client.consumers.get(stream, 'c')).consume({
    max_messages: READY,
    callback: (message) => {
      bare.add(ageOf(message.data));
      message.ack();
    },
  });
  cleanUps.push(() => messages.close());
  const topic = 'r3.latency';
  await one.ask(`/topic/create?topic=${topic}`, 'POST');
  const consumer: Connection = await Connection.open(other.tcpPort, {
    onMessage: ({ id, body }) => {
      ringmq.add(ageOf(body));
      consumer.send(line('FIN', id));
    },
  });
  await consumer.ask(line('SUB', topic, 'c'));
  consumer.send(line('RDY', READY));
  const publisher = await Connection.open(one.tcpPort);
  const publishBare = (body: Buffer): Promise<unknown> => client.publish(stream, body);
  const publishRingmq = (body: Buffer): Promise<unknown> => publisher.ask(pub(topic, body));
  // The first messages find everything cold.
  await atRate(publishBare, turnMs / 4);
  await atRate(publishRingmq, turnMs / 4);
  bare = new Durations();
  ringmq = new Durations();
  for (let round = 0; round < rounds; round++) {
    await atRate(publishBare, turnMs);
    await atRate(publishRingmq, turnMs);
  }
  consumer.destroy();
  publisher.destroy();
  const [of, to] = [bare.percentiles(), ringmq.percentiles()];
  if (of === null || to === null) throw new Error('nothing was delivered');
  console.log(
    `publish to delivery at ${rate}/s, R3: bare p50 ${of.p50.toFixed(2)} ms, p99 ${of.p99.toFixed(1)} ms; ` +
      `RingMQ p50 ${to.p50.toFixed(2)} ms, p99 ${to.p99.toFixed(1)} ms: ${(to.p50 / of.p50).toFixed(2)} ×`,
  );
}

/** Publishes at the rate, whether answers come or not. Resolves when they have come. */
async function atRate(publish: (body: Buffer) => Promise<unknown>, forMs: number): Promise<void> {
  const startMs = clock.monotonicMs();
  const answers: Promise<unknown>[] = [];
  for (let sent = 0; clock.monotonicMs() - startMs < forMs; ) {
    const due = ((clock.monotonicMs() - startMs) * rate) / MS_PER_SECOND;
    for (; sent < due; sent++) answers.push(publish(stamped()));
    await pause(1);
  }
  await Promise.all(answers);
  await pause(SETTLE_MS);
}

/** A body that says when it was made. */
function stamped(): Buffer {
  const body = Buffer.from(BODY);
  body.writeDoubleBE(clock.monotonicMs());
  return body;
}

function ageOf(body: Uint8Array): number {
  const stamp = Buffer.from(body.buffer, body.byteOffset, STAMP_BYTES);
  return clock.monotonicMs() - stamp.readDoubleBE();
}

/** A stream as a topic is, with a consumer as a channel is. */
async function addStream(manager: JetStreamManager, name: string, replicas: number): Promise<void> {
  await manager.streams.add({
    name,
    subjects: [name],
    storage: StorageType.File,
    retention: RetentionPolicy.Interest,
    num_replicas: replicas,
  });
  await manager.consumers.add(name, {
    durable_name: 'c',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: 100_000,
  });
}

function mean(all: readonly number[]): number {
  return all.reduce((sum, one) => sum + one, 0) / all.length;
}

function shown(all: readonly number[]): string {
  return all.map((one) => one.toFixed()).join(', ');
}
