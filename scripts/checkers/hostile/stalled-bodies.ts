/**
 * Clients that stall in the middle of large bodies, and reconnect when they are closed.
 */

import { identify, line, MAGIC, pub, sized } from '../../../src/protocol/commands.ts';
import type { Attack, Scenario } from './attack.ts';
import type { HostileConnection } from './hostile-connection.ts';
import { publishLarge } from './large-publisher.ts';

const MIB = 1024 * 1024;
const STALLED = 60;
const TRICKLE_BYTES = 100;
const TRICKLE_MS = 200;
const VANISHING = 1000;
const VANISH_BYTES = 300_000;
/** In the broker's CPU time, so that other work on the machine does not count, and in any case. */
const RETURN_CPU_MS_MAX = 3000;
const RETURN_MS_MAX = 10_000;
const LEFT_PORTION = 0.1;
const TOPIC = 'hostile-stalled';
const LACKING_BYTES = 100 * 1024;

/** Begins a body of 1 MiB in each possible way, and does not end it. */
const WAYS = {
  PUB: pub(TOPIC, Buffer.alloc(MIB, 's')),
  'PUB behind IDENTIFY': Buffer.concat([
    identify({ client_id: 'hostile' }),
    pub(TOPIC, Buffer.alloc(MIB, 's')),
  ]),
  // announces few bytes and sends more and more
  'MPUB longer than it says': Buffer.concat([
    line('MPUB', TOPIC),
    sized(Buffer.alloc(0)),
    Buffer.from([0, 0, 0, 1]),
    sized(Buffer.alloc(MIB - 64, 's')),
  ]),
} as const;

const HTTP_HEAD = Buffer.from(
  `POST /pub?topic=${TOPIC} HTTP/1.1\r\nHost: x\r\nContent-Length: ${MIB}\r\n\r\n`,
);

/** Stalls on this many connections, and on another one whenever one is closed. */
async function stall(
  attack: Attack,
  connect: () => Promise<HostileConnection>,
  start: Buffer,
  trickle = false,
): Promise<void> {
  await Promise.all([
    publishLarge(attack),
    attack.together(STALLED, async () => {
      while (attack.isOn) {
        const client = await connect();
        client.send(start);
        if (trickle) await sendSlowly(attack, client);
        await Promise.race([client.closed, attack.end()]);
      }
    }),
  ]);
  await attack.close();
  await attack.expectNothingIn(TOPIC);
}

async function sendSlowly(attack: Attack, client: HostileConnection): Promise<void> {
  const bytes = Buffer.alloc(TRICKLE_BYTES, 't');
  while (attack.isOn && !client.isClosed) {
    client.send(bytes);
    await attack.pause(TRICKLE_MS);
  }
}

function stallOverTcp(start: Buffer, trickle = false): (attack: Attack) => Promise<void> {
  const sent = Buffer.concat([MAGIC, start.subarray(0, start.length - LACKING_BYTES)]);
  return (attack) => stall(attack, () => attack.connect(), sent, trickle);
}

function stallOverHttp(attack: Attack): Promise<void> {
  const sent = Buffer.concat([HTTP_HEAD, Buffer.alloc(MIB - LACKING_BYTES, 's')]);
  return stall(attack, () => attack.connect(attack.target.httpPort), sent);
}

/** Clients that disconnect while others delay them: their connections must be closed soon. */
async function vanish(attack: Attack): Promise<void> {
  const { connectionsMax = VANISHING, httpPort } = attack.target;
  const count = Math.min(VANISHING, Math.floor((2 * connectionsMax) / 3));
  const sent = Buffer.concat([HTTP_HEAD, Buffer.alloc(VANISH_BYTES, 'v')]);
  const idle = attack.descriptors();
  while (attack.isOn) {
    const clients: HostileConnection[] = [];
    for (let index = 0; index < count && attack.isOn; index++) {
      const client = await attack.connect(httpPort);
      client.send(sent);
      clients.push(client);
    }
    for (const client of clients) client.destroy();
    const startMs = attack.cpuMs() ?? 0;
    const spentMs = (): number => (attack.cpuMs() ?? 0) - startMs;
    const left = (): number => (attack.descriptors() ?? 0) - (idle ?? 0);
    const areFew = (): boolean => left() <= clients.length * LEFT_PORTION;
    await attack.comesTrue(() => areFew() || spentMs() > RETURN_CPU_MS_MAX, RETURN_MS_MAX);
    if (!areFew()) {
      const after = `${spentMs().toFixed()} ms of CPU time`;
      attack.fault(`${left()} of ${clients.length} descriptors are open after ${after}`);
    }
  }
  await attack.expectNothingIn(TOPIC);
}

/** Stalled bodies of all kinds. */
export const STALLED_BODIES: readonly Scenario[] = [
  ...Object.entries(WAYS).map(([name, start]) => ({
    name: `stalled: ${name}`,
    growthMibMax: 64,
    bodiesMib: 2 * STALLED,
    run: stallOverTcp(start),
  })),
  {
    name: 'stalled: a few bytes now and then',
    growthMibMax: 64,
    bodiesMib: 2 * STALLED,
    run: stallOverTcp(WAYS.PUB, true),
  },
  {
    name: 'stalled: HTTP',
    growthMibMax: 64,
    bodiesMib: 2 * STALLED,
    needsHttp: true,
    run: stallOverHttp,
  },
  { name: 'vanished: HTTP', growthMibMax: 128, bodiesMib: 64, needsHttp: true, run: vanish },
];
