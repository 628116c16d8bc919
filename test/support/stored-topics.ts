/**
 * Brokers over the real nats-server, and operations of clients on topics that are stored there: those whose names begin
 * with `r.`, with the channel `c`.
 *
 * Thread: main.
 */

import assert from 'node:assert/strict';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { line } from '../../src/protocol/commands.ts';
import { BrokerSite, type CleanUp } from './broker-process.ts';
import { ask, type ChannelStats, topicStats } from './broker-stats.ts';
import { type NatsServer, natsMissing, startNats } from './nats-site.ts';
import { setPolicy } from './policies.ts';
import { WireClient } from './wire-client.ts';

type Test = Parameters<typeof WireClient.connect>[0];

/** Options of a test that needs the store: it is skipped with a reason if nats-server is not installed. */
export const STORED_TEST = { timeout: 120_000, skip: natsMissing };

/** Starts the store and two brokers that are connected to it; nothing if `STORED_TEST` skips. */
export async function startPair(
  t: CleanUp,
  prefix: string,
): Promise<{ server: NatsServer; one: BrokerProcess; other: BrokerProcess }> {
  const [server] = natsMissing === false ? await startNats(t) : [];
  const [one, other] = natsMissing === false ? await startStored(t, server, prefix) : [];
  return { server, one, other };
}

/** Starts brokers that are connected to the store. `flags` are added to those that name it. */
export async function startStored(
  t: CleanUp,
  server: NatsServer,
  prefix: string,
  { count = 2, flags = [] }: { count?: number; flags?: readonly string[] } = {},
): Promise<BrokerProcess[]> {
  const all = [`--nats-url=${server.url}`, `--nats-prefix=${prefix}`, ...flags];
  const sites = Array.from({ length: count }, () => new BrokerSite(t));
  const brokers = await Promise.all(sites.map((site) => site.start({ flags: all })));
  for (const broker of brokers) {
    await broker.logged(/STORE: connected/);
    await setPolicy(broker, 'kept', { pattern: 'r.*', store: 'nats' });
  }
  return brokers;
}

/** A consumer whose `SUB` is answered. */
export async function consumer(
  t: Test,
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

/** Sends a command that publishes. Resolves with its answer. */
export async function publish(
  t: Test,
  broker: BrokerProcess,
  command: Buffer,
): Promise<string | null> {
  return (await WireClient.connect(t, broker, command)).nextText();
}

/** The channel `c` of a topic; undefined while the broker does not know it. */
export async function channelOf(
  broker: BrokerProcess,
  topic: string,
): Promise<ChannelStats | undefined> {
  return (await topicStats(broker, topic))?.channels.find(
    (channel) => channel.channel_name === 'c',
  );
}

export function isEmpty({ depth, deferred_count, in_flight_count }: ChannelStats): boolean {
  return depth + deferred_count + in_flight_count === 0;
}

export async function createChannel(
  broker: BrokerProcess,
  topic: string,
  channel: string,
): Promise<void> {
  const { status } = await ask(broker, `/channel/create?topic=${topic}&channel=${channel}`, null);
  assert.equal(status, 200);
}
