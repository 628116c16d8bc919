/** Asks an nsqlookupd who has a topic, as a consumer does. */

import { setTimeout as delay } from 'node:timers/promises';
import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import { ask } from '../server-queries.ts';

/** Brokers tell of a new topic at once; this is for a machine that is busy. */
const FOUND_MS_MAX = 30_000;
const LOOK_MS = 20;

/**
 * Asks until the nsqlookupd knows all the brokers of a topic; resolves with the addresses as it says them.
 * Errors: rejects when it does not in time, or cannot be asked.
 */
export async function findBrokers(
  lookupd: HostPort,
  topic: string,
  count: number,
): Promise<HostPort[]> {
  const deadlineMs = performance.now() + FOUND_MS_MAX;
  for (;;) {
    const found = await lookUp(lookupd, topic);
    if (found.length === count) return found;
    if (found.length > count || performance.now() > deadlineMs) {
      throw new Error(
        `the nsqlookupd at ${joinHostPort(lookupd.host, lookupd.port)} knows ${found.length} brokers of topic "${topic}" instead of ${count}`,
      );
    }
    await delay(LOOK_MS);
  }
}

/** Has an nsqlookupd forget a topic whose brokers are gone. */
export async function deleteFromLookupd(lookupd: HostPort, topic: string): Promise<void> {
  await ask(lookupd, 'POST', `/topic/delete?topic=${topic}`);
}

async function lookUp(lookupd: HostPort, topic: string): Promise<HostPort[]> {
  let text: string;
  try {
    text = await ask(lookupd, 'GET', `/lookup?topic=${topic}`);
  } catch (error) {
    // nobody has it yet
    if (error instanceof Error && error.message.includes('TOPIC_NOT_FOUND')) return [];
    throw error;
  }
  // the shape that nsqlookupd documents
  const { producers = [] } = JSON.parse(text) as {
    producers?: { broadcast_address: string; tcp_port: number }[];
  };
  return producers.map(({ broadcast_address, tcp_port }) => ({
    host: broadcast_address,
    port: tcp_port,
  }));
}
