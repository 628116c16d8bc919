// Fails servers, brokers and cables of a replicated cluster under load, and checks whether a message is lost or
// redelivered without a reason, and how long the service is unavailable. Exits with 1 if a guarantee is broken.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SystemClock } from '../src/shared/clock.ts';
import { freshSeed, seededRandom } from '../test/support/seeded-random.ts';
import { Bodies } from './checkers/crash/bodies.ts';
import { Publications } from './checkers/crash/publications.ts';
import { Violations } from './checkers/crash/violations.ts';
import { FleetMember } from './checkers/fleet/fleet.ts';
import { isInside, Network, runInside } from './checkers/fleet/network.ts';
import { BareClient } from './checkers/replication/bare-client.ts';
import { type NatsHost, NatsHosts } from './checkers/replication/nats-hosts.ts';
import { ReplicatedLedger } from './checkers/replication/replicated-ledger.ts';
import { ReplicatedLoad, TOPICS } from './checkers/replication/replicated-load.ts';
import { ServiceGaps } from './checkers/replication/service-gaps.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';

const USAGE = `usage: node scripts/replication-kills.ts [options]

Starts three nats-servers and two brokers in network namespaces, publishes and consumes replicated
topics at both brokers, and makes one part fail after the other: the leader of a stream (kill -9), a
broker (kill -9), a server's network, a broker's network. Fails if an acknowledged message is missing,
or is redelivered although it was not in flight. A bare JetStream client with streams of its own goes
through the same failures, to show which messages the store itself loses. Needs Linux, root and
nats-server; the first one in PATH is used.

  --minutes N      how long (default 10)
  --every-s N      seconds from one failure to the next (default 20)
  --lost-s N       seconds that each failure lasts (default 9)
  --kinds LIST     which of leader,broker,server-cable,broker-cable (default all)
  --pause-ms N     between two publishes of each of six publishers (default 10)
  --seed S         order of the failures (default: the time)

Example:
  node scripts/replication-kills.ts --minutes 10

Exit code: 0 all is well, 1 a fault, 2 bad arguments.`;

const values = readArguments(USAGE, {
  minutes: { type: 'string', default: '10' },
  'every-s': { type: 'string', default: '20' },
  'lost-s': { type: 'string', default: '9' },
  kinds: { type: 'string', default: 'leader,broker,server-cable,broker-cable' },
  'pause-ms': { type: 'string', default: '10' },
  seed: { type: 'string', default: String(freshSeed()) },
});
const minutes = wholeNumber('minutes', values.minutes, 1, USAGE);
const everyS = wholeNumber('every-s', values['every-s'], 1, USAGE);
const lostS = wholeNumber('lost-s', values['lost-s'], 1, USAGE);
const pauseMs = wholeNumber('pause-ms', values['pause-ms'], 0, USAGE);
const seed = wholeNumber('seed', values.seed, 0, USAGE);
const MS_PER_S = 1000;
const BROKERS = 2;
const SERVERS = 3;
const HTTP_PORT = 4151;
/** How often the store is asked for its leaders. */
const WATCH_MS = 100;
const LOOK_MS = 250;
/** Messages that are still missing after this many checks at the end are lost. */
const LOOKS_MAX = 240;
const POLICY = '[policy.kept]\npattern = "r.*"\nstore = "nats"\n';

/** The effects of failures of one kind. Units: ms. */
type Cost = {
  publishMs: number[];
  deliveryMs: number[];
  /** How long a stream or consumer had no leader. */
  storeMs: number[];
  /** The same for the bare client. */
  barePublishMs: number[];
  bareDeliveryMs: number[];
};

process.exitCode = isInside() ? await check() : runInside();

async function check(): Promise<number> {
  const version = spawnSync('nats-server', ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(version);
  console.log(`seed ${seed}: ${minutes} min, a loss every ${everyS} s for ${lostS} s`);
  const clock = new SystemClock();
  const random = seededRandom(seed);
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-replication-'));
  const network = new Network();
  const nats = await NatsHosts.start(network, SERVERS, directory);
  const brokers = await startBrokers(network, nats.urls, directory);
  const bodies = new Bodies();
  const publications = new Publications();
  const violations = new Violations();
  const ledger = new ReplicatedLedger(bodies, publications, violations);
  const hosts = brokers.map(({ host }) => host.address);
  await createChannels(hosts[0]);
  const load = new ReplicatedLoad({
    ...{ hosts, bodies, publications, ledger, clock, pauseMs },
    random: seededRandom(seed + 1),
  });
  const bare = await BareClient.start(nats.urls, pauseMs, () => clock.monotonicMs());
  await pause(everyS * MS_PER_S);
  bare.publishGaps.take(clock.monotonicMs());
  bare.deliveryGaps.take(clock.monotonicMs());
  load.publishGaps.take(clock.monotonicMs());
  load.deliveryGaps.take(clock.monotonicMs());

  const costs = new Map<string, Cost>();
  let lost: NatsHost | null = null;
  const storeGaps = new ServiceGaps();
  let isWatching = true;
  const watching = watchStore();
  const kinds = values.kinds.split(',');
  const endMs = clock.monotonicMs() + minutes * 60 * MS_PER_S;
  while (clock.monotonicMs() < endMs) {
    const kind = kinds[random(kinds.length)];
    await loseOne(kind);
  }

  isWatching = false;
  await watching;
  await load.stopPublishing();
  bare.stopPublishing();
  await drained(ledger, bare);
  await load.stopConsuming();
  await bare.end();
  const endOfStore = await nats.describe();
  for (const [topic, channels] of Object.entries(TOPICS)) {
    for (const channel of channels) ledger.checkEnd(topic, channel);
  }
  for (const broker of brokers) await broker.end('SIGTERM');
  await nats.kill();
  network.close();
  rmSync(directory, { recursive: true });
  return report();

  async function watchStore(): Promise<void> {
    while (isWatching) {
      if (await nats.isLed(lost)) storeGaps.add('store', clock.monotonicMs());
      await pause(WATCH_MS);
    }
  }

  async function loseOne(kind: string): Promise<void> {
    const number = random(BROKERS);
    const topic = Object.keys(TOPICS)[random(Object.keys(TOPICS).length)];
    const leader = await nats.leaderOf(`ringmq_${topic.replaceAll('.', '=d')}`);
    const atMs = clock.monotonicMs();
    load.publishGaps.take(atMs);
    load.deliveryGaps.take(atMs);
    bare.publishGaps.take(atMs);
    bare.deliveryGaps.take(atMs);
    const isOver = ledger.lose(atMs);
    storeGaps.take(atMs);
    if (kind === 'leader') {
      lost = leader;
      await leader.kill();
    } else if (kind === 'broker') await brokers[number].end('SIGKILL');
    else if (kind === 'server-cable') {
      lost = leader;
      leader.host.connect(false);
    } else brokers[number].host.connect(false);
    await pause(lostS * MS_PER_S);
    const lostEndMs = clock.monotonicMs();
    const publish = load.publishGaps.take(lostEndMs);
    const delivery = load.deliveryGaps.take(lostEndMs);
    const store = storeGaps.take(lostEndMs);
    lost = null;
    if (kind === 'leader') leader.start();
    else if (kind === 'broker') await brokers[number].start();
    else if (kind === 'server-cable') leader.host.connect(true);
    else brokers[number].host.connect(true);
    isOver(clock.monotonicMs());
    await pause(Math.max(0, atMs + everyS * MS_PER_S - clock.monotonicMs()));
    const nowMs = clock.monotonicMs();
    const publishAfter = load.publishGaps.take(nowMs);
    const deliveryAfter = load.deliveryGaps.take(nowMs);
    const storeAfter = storeGaps.take(nowMs);
    const barePublish = bare.publishGaps.take(nowMs);
    const bareDelivery = bare.deliveryGaps.take(nowMs);
    const cost = costs.get(kind) ?? newCost();
    costs.set(kind, cost);
    cost.publishMs.push(Math.max(publish.ms, publishAfter.ms));
    cost.deliveryMs.push(Math.max(delivery.ms, deliveryAfter.ms));
    cost.storeMs.push(Math.max(store.ms, storeAfter.ms));
    cost.barePublishMs.push(barePublish.ms);
    cost.bareDeliveryMs.push(bareDelivery.ms);
    const parts = [
      `${kind}: no publish for ${publish.ms.toFixed()} ms (${publish.place})`,
      `no delivery for ${delivery.ms.toFixed()} ms (${delivery.place})`,
      `no leader in the store for ${store.ms.toFixed()} ms`,
      `when it is back ${publishAfter.ms.toFixed()} (${publishAfter.place}), ` +
        `${deliveryAfter.ms.toFixed()} (${deliveryAfter.place}) and ${storeAfter.ms.toFixed()} ms`,
      `the bare client ${barePublish.ms.toFixed()} and ${bareDelivery.ms.toFixed()} ms`,
    ];
    console.log(parts.join('; '));
  }

  function report(): number {
    const { acknowledgedCount } = publications;
    console.log(
      `${bodies.count} messages published, ${acknowledgedCount} acknowledged; ` +
        `${ledger.deliveries} deliveries, ${ledger.redeliveries} of them again`,
    );
    const missing = bare.missing().filter(({ count }) => count > 0);
    console.log(
      `bare client: ${bare.acknowledgedCount} acknowledged, missing: ` +
        (missing.map(({ place, count }) => `${place} ${count}`).join(', ') || 'none'),
    );
    for (const [kind, cost] of costs) {
      const { publishMs, deliveryMs, storeMs } = cost;
      console.log(
        `${kind}: ${publishMs.length} times; longest without publish ${longest(publishMs)}, ` +
          `without delivery ${longest(deliveryMs)}; without a leader in the store ${longest(storeMs)}; ` +
          `the bare client ${longest(cost.barePublishMs)} and ${longest(cost.bareDeliveryMs)}`,
      );
    }
    for (const [reason, count] of load.refusals) console.log(`refused ${count} times: ${reason}`);
    if (violations.total > 0) {
      for (const text of endOfStore) console.log(text);
      for (const { host, log } of brokers) {
        for (const text of log.split('\n').filter((each) => /STORE|WARNING|ERROR/.test(each))) {
          console.log(`${host.address}: ${text}`);
        }
      }
    }
    for (const text of violations.texts) console.log(`fault: ${text}`);
    for (const [rule, count] of violations.counts) console.log(`${rule}: ${count}`);
    return violations.total === 0 && acknowledgedCount > 0 ? 0 : 1;
  }
}

async function startBrokers(
  network: Network,
  urls: string,
  directory: string,
): Promise<FleetMember[]> {
  const config = path.join(directory, 'broker.toml');
  writeFileSync(config, POLICY);
  const brokers: FleetMember[] = [];
  for (let number = 0; number < BROKERS; number++) {
    const dataPath = path.join(directory, `broker${number}`);
    mkdirSync(dataPath);
    const flags = [`--data-path=${dataPath}`, `--config=${config}`, `--nats-url=${urls}`];
    const words = ['src/main/start.cjs', ...flags];
    brokers.push(new FleetMember(await network.addHost(), HTTP_PORT, words));
  }
  await Promise.all(brokers.map((broker) => broker.start()));
  return brokers;
}

async function createChannels(host: string): Promise<void> {
  for (const [topic, channels] of Object.entries(TOPICS)) {
    await ask(host, `/topic/create?topic=${topic}`);
    for (const channel of channels) {
      await ask(host, `/channel/create?topic=${topic}&channel=${channel}`);
    }
  }
}

async function ask(host: string, what: string): Promise<void> {
  const { ok, status } = await fetch(`http://${host}:${HTTP_PORT}${what}`, { method: 'POST' });
  if (!ok) throw new Error(`${what}: ${status}`);
}

/** Resolves when every acknowledged message is finished, or nothing more is expected. */
async function drained(ledger: ReplicatedLedger, bare: BareClient): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const missing = Object.entries(TOPICS).flatMap(([topic, channels]) =>
      channels.map((channel) => ledger.missingCount(topic, channel)),
    );
    missing.push(...bare.missing().map(({ count }) => count));
    if (missing.every((count) => count === 0)) return;
    await pause(LOOK_MS);
  }
}

function newCost(): Cost {
  return { publishMs: [], deliveryMs: [], storeMs: [], barePublishMs: [], bareDeliveryMs: [] };
}

function longest(times: readonly number[]): string {
  return `${(Math.max(0, ...times) / MS_PER_S).toFixed(1)} s`;
}
