/**
 * A well-behaved client that publishes large messages, one after the other, while others attack: on a persistent
 * connection, on a new one for each message, and over HTTP.
 */

import { identify, pub } from '../../../src/protocol/commands.ts';
import type { Attack } from './attack.ts';

const TOPIC = 'well-behaved-large#ephemeral';
const BODY_BYTES = 300_000;
const PERIOD_MS = 50;
const ANSWERED_MS_MAX = 20_000;
/** The limit of its p99. */
const LATENCY_MS_MAX = 1000;
const P_NINETY_NINE = 0.99;

const BODY = Buffer.alloc(BODY_BYTES, 'h');

/** Publishes until the time of the attack is over, and reports publishes that take too long. */
export async function publishLarge(attack: Attack): Promise<void> {
  const ways: Record<string, () => Promise<boolean>> = {
    'on its connection': await onOneConnection(attack),
    'on a new connection': () => onNewConnection(attack),
  };
  if (attack.target.httpPort !== undefined) ways['over HTTP'] = () => overHttp(attack);
  await Promise.all(
    Object.entries(ways).map(async ([way, publish]) => {
      const latencies: number[] = [];
      do {
        const startMs = performance.now();
        const isPublished = await attack.inTime(publish(), ANSWERED_MS_MAX);
        latencies.push(performance.now() - startMs);
        if (!isPublished) attack.fault(`a message of ${BODY_BYTES} bytes ${way} is not answered`);
        await attack.pause(PERIOD_MS);
      } while (attack.isOn);
      latencies.sort((a, b) => a - b);
      const latencyMs = latencies[Math.floor(latencies.length * P_NINETY_NINE)];
      if (latencyMs > LATENCY_MS_MAX) {
        attack.fault(`p99 of ${BODY_BYTES} bytes ${way}: ${latencyMs.toFixed()} ms`);
      }
    }),
  );
}

async function onOneConnection(attack: Attack): Promise<() => Promise<boolean>> {
  const client = await attack.client(identify({ client_id: 'well-behaved' }));
  let answers = 1;
  return async () => {
    client.send(pub(TOPIC, BODY));
    answers++;
    return await client.receives('OK', answers);
  };
}

async function onNewConnection(attack: Attack): Promise<boolean> {
  const client = await attack.client(pub(TOPIC, BODY));
  const isPublished = await client.receives('OK');
  client.destroy();
  return isPublished;
}

async function overHttp(attack: Attack): Promise<boolean> {
  const { host, httpPort } = attack.target;
  const url = `http://${host}:${httpPort}/pub?topic=${encodeURIComponent(TOPIC)}`;
  const response = await fetch(url, { method: 'POST', body: BODY });
  return (await response.text()) === 'OK';
}
