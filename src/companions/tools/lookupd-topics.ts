/**
 * The topics that nsqlookupd knows.
 *
 * Thread: main. Source: nsq `clusterinfo.GetLookupdTopics`.
 */

import { HttpClient } from '../../daemon/http-client.ts';
import type { Clock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { parseTopicName } from '../../shared/names.ts';

const OK_STATUS = 200;

/** Asks all of them. One that does not help does not keep the others from it. */
export async function lookupdTopics(
  addresses: readonly string[],
  timeouts: {
    readonly connectTimeoutMs: number;
    readonly requestTimeoutMs: number;
    readonly clock: Clock;
  },
): Promise<{ readonly topics: ReadonlySet<string>; readonly errors: readonly string[] }> {
  const client = new HttpClient({ ...timeouts, tls: {} });
  const topics = new Set<string>();
  const errors: string[] = [];
  const ask = async (address: string): Promise<void> => {
    try {
      for (const topic of await topicsOf(client, address)) topics.add(topic);
    } catch (error) {
      errors.push(`${address} - ${errorText(error)}`);
    }
  };
  await Promise.all(addresses.map(ask));
  await client.close();
  return { topics, errors };
}

async function topicsOf(client: HttpClient, address: string): Promise<string[]> {
  const base = address.includes('://') ? address : `http://${address}`;
  const { status, body } = await client.get(`${base.replace(/\/+$/, '')}/topics`);
  if (status !== OK_STATUS) throw new Error(`status ${status}`);
  const { topics }: { topics?: unknown } = JSON.parse(body.toString()) ?? {};
  if (!Array.isArray(topics)) throw new Error('an answer without topics');
  return topics.filter(
    (topic): topic is string => typeof topic === 'string' && parseTopicName(topic) !== undefined,
  );
}
