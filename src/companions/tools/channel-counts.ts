/**
 * The counts of a channel, summed over the nsqds that have it.
 *
 * Thread: main.
 * Source: nsq `clusterinfo.GetNSQDStats`. Differs in querying an nsqd at the given address, not at the one that it
 * broadcasts.
 */

import { addressOf } from '../../client/address.ts';
import { errorText } from '../../shared/error-text.ts';
import type { HttpJson } from './http-json.ts';
import { Fatal } from './tool.ts';

/** The counts that are summed, as `/stats` names them. */
const COUNTS = [
  'depth',
  'backend_depth',
  'in_flight_count',
  'deferred_count',
  'requeue_count',
  'timeout_count',
  'message_count',
  'client_count',
] as const;

/** The counts of a channel. */
export type ChannelTotals = Readonly<Record<(typeof COUNTS)[number], number>>;

/** A topic in the answer of `/stats`; an old nsqd may omit a channel's counts. */
type StatsTopic = {
  readonly topic_name: string;
  readonly channels: readonly (Partial<ChannelTotals> & { readonly channel_name: string })[];
};

/** Where to look for a channel. */
export type ChannelPlace = {
  readonly topic: string;
  readonly channel: string;
  readonly nsqdAddresses: readonly string[];
  /** Used to find the nsqds of the topic if none is given. */
  readonly lookupdAddresses: readonly string[];
};

/** Fetches the counts. Errors: rejects with a `Fatal` if a query fails, or no nsqd has the channel. */
export async function channelCounts(http: HttpJson, place: ChannelPlace): Promise<ChannelTotals> {
  const { topic, channel, nsqdAddresses, lookupdAddresses } = place;
  let addresses = nsqdAddresses;
  if (lookupdAddresses.length > 0) {
    addresses = await attempt('failed to get topic producers', async () => {
      const lists = lookupdAddresses.map((address) => producersOf(http, address, topic));
      return [...new Set((await Promise.all(lists)).flat())];
    });
  }
  const found = await attempt('failed to get nsqd stats', async () => {
    const stats = addresses.map((address) => statsOf(http, address, topic, channel));
    return (await Promise.all(stats)).flat();
  });
  if (found.length === 0) {
    throw new Fatal(
      `ERROR: failed to find channel(${channel}) in stats metadata for topic(${topic})`,
    );
  }
  const sums = COUNTS.map((name) => {
    const sum = found.reduce((total, counts) => total + (counts[name] ?? 0), 0);
    return [name, sum] as const;
  });
  // It has each name of the list.
  return Object.fromEntries(sums) as ChannelTotals;
}

async function attempt<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new Fatal(`ERROR: ${what} - ${errorText(error)}`);
  }
}

async function producersOf(http: HttpJson, lookupd: string, topic: string): Promise<string[]> {
  const { producers } = await http.get(lookupd, `/lookup?topic=${encodeURIComponent(topic)}`);
  if (!Array.isArray(producers)) throw new Error(`${lookupd}: an answer without producers`);
  // The format of nsqlookupd.
  const list = producers as { readonly broadcast_address: string; readonly http_port: number }[];
  return list.map(({ broadcast_address: host, http_port: port }) => addressOf(host, port).text);
}

async function statsOf(
  http: HttpJson,
  nsqd: string,
  topic: string,
  channel: string,
): Promise<Partial<ChannelTotals>[]> {
  const query = new URLSearchParams({ format: 'json', topic, channel, include_clients: 'false' });
  // The format of nsqd, which answers null for an unknown topic.
  const { topics } = (await http.get(nsqd, `/stats?${query}`)) as {
    readonly topics: readonly StatsTopic[] | null;
  };
  return (topics ?? [])
    .filter((found) => found.topic_name === topic)
    .flatMap((found) => found.channels.filter(({ channel_name: name }) => name === channel));
}
