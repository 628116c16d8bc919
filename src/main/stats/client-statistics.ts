/**
 * The statistics of one connection.
 *
 * Thread: main. Source: nsqd `clientV2.Stats`.
 */

import type { ConsumerCounters } from '../../shared/control.ts';
import type { CountedClient } from './counted.ts';
import type { ClientStatistics } from './stats.ts';

const NOTHING: ConsumerCounters = {
  readyCount: 0,
  inFlightCount: 0,
  messageCount: 0,
  finishCount: 0,
  requeueCount: 0,
};

/** `topic`: the topic of the filter, if any. */
export function clientStatistics(
  client: CountedClient,
  topic: string | undefined,
): ClientStatistics {
  const { settings, tls } = client;
  return {
    ...(client.counts?.counters ?? NOTHING),
    clientId: settings.clientId,
    hostname: settings.hostname,
    userAgent: settings.userAgent,
    remoteAddress: client.remoteAddress,
    state: client.state.state,
    connectTimestamp: client.connectTimestamp,
    sampleRate: settings.sampleRate,
    topologyRegion: settings.topologyRegion,
    topologyZone: settings.topologyZone,
    compression: client.compression?.kind ?? null,
    tls,
    auth: authorised(client),
    published: published(client, topic),
  };
}

function authorised({ auth }: CountedClient): ClientStatistics['auth'] {
  if (auth === null || !auth.hasAuthorizations) return null;
  return { identity: auth.identity, identityUrl: auth.identityUrl };
}

function published(
  { publishCounts: counts }: CountedClient,
  topic: string | undefined,
): ClientStatistics['published'] {
  const shown = topic === undefined ? first(counts.values()) : counts.get(topic);
  return shown === undefined ? null : { topic: shown.topic, count: shown.count };
}

function first<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}
