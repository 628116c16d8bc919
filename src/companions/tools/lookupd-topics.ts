/**
 * The topics that nsqlookupd knows.
 *
 * Thread: main. Source: nsq `clusterinfo.GetLookupdTopics`.
 */

import type { Clock } from '../../shared/clock.ts';
import { errorText } from '../../shared/error-text.ts';
import { parseTopicName } from '../../shared/names.ts';
import { HttpJson, type HttpTimeouts } from './http-json.ts';

/** Queries all of them. The failure of one does not affect the others. */
export async function lookupdTopics(
  addresses: readonly string[],
  timeouts: HttpTimeouts,
  clock: Clock,
): Promise<{ readonly topics: ReadonlySet<string>; readonly errors: readonly string[] }> {
  const client = new HttpJson(timeouts, clock);
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

async function topicsOf(client: HttpJson, address: string): Promise<string[]> {
  const { topics } = await client.get(address, '/topics');
  if (!Array.isArray(topics)) throw new Error('an answer without topics');
  return topics.filter(
    (topic): topic is string => typeof topic === 'string' && parseTopicName(topic) !== undefined,
  );
}
