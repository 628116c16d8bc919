// Compares replicated topics with a bare JetStream client on the same servers, in turns of the same run.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { mpub } from '../src/protocol/commands.ts';
import { SystemClock } from '../src/shared/clock.ts';
import { startNats } from '../test/support/nats-site.ts';
import { addStream, BODY, Latencies } from './checkers/replication/latencies.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';
import { type BrokerProcess, startBroker } from './kit/broker.ts';
import { Connection } from './kit/connection.ts';

const USAGE = `usage: node scripts/replication-rates.ts [options]

Starts three nats-servers and two brokers on this machine, and measures in turns a bare JetStream
client and RingMQ: publishes of batches with one and with three replicas, and the time from publish
to delivery at a fixed rate with three replicas. The latency depends on which servers lead the
streams, so each round creates new ones. The bare client is measured with one connection for
publishing and consuming, and with two, as two brokers have. The first round warms everything up and
is not counted. Needs nats-server.

  --seconds N      of each turn (default 4)
  --rounds N       turns of each (default 2)
  --batch N        messages of a batch (default 200)
  --publishers N   connections that publish, each a batch at a time (default 4)
  --rate N         messages a second for the latency (default 500)
  --only WHAT      rates or latency

Exit code: 0 done, 2 bad arguments.`;

const values = readArguments(USAGE, {
  seconds: { type: 'string', default: '4' },
  rounds: { type: 'string', default: '2' },
  batch: { type: 'string', default: '200' },
  publishers: { type: 'string', default: '4' },
  rate: { type: 'string', default: '500' },
  only: { type: 'string', default: '' },
});
const turnMs = wholeNumber('seconds', values.seconds, 1, USAGE) * 1000;
const rounds = wholeNumber('rounds', values.rounds, 1, USAGE);
const batch = wholeNumber('batch', values.batch, 1, USAGE);
const publishers = wholeNumber('publishers', values.publishers, 1, USAGE);
const rate = wholeNumber('rate', values.rate, 1, USAGE);
const { only } = values;
const MS_PER_SECOND = 1000;

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

  if (only !== 'latency') {
    for (const replicas of [1, 3]) await compareRates(replicas, manager, client, brokers);
  }
  if (only === 'rates') return;
  const other = await connect({ servers: urls });
  after(() => other.close());
  const otherClient = jetstream(other);
  const latencies = new Latencies({ manager, client, otherClient, brokers, rate, turnMs });
  for (let round = 0; round <= rounds; round++) await latencies.round(round);
  latencies.print();
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

/** Messages per second of publishers that publish one batch after the other. */
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

function mean(all: readonly number[]): number {
  return all.reduce((sum, one) => sum + one, 0) / all.length;
}

function shown(all: readonly number[]): string {
  return all.map((one) => one.toFixed()).join(', ');
}
