/**
 * Topics that fill the broker's memory, or write to its disk at full speed, beside those of others.
 */

import { dpub, line, mpub, pub } from '../../../src/protocol/commands.ts';
import { Connection } from '../../kit/connection.ts';
import type { Arena, Scenario } from './arena.ts';

const BODY_BYTES = 1_000_000;
const SMALL_BODY_BYTES = 200;
const SMALL_BODIES = 200;
/** Each keeps in memory what its queue takes: together more than any bound of memory. */
const GIANTS = 8;
const READY_COUNT = 2500;
const COMMANDS_IN_FLIGHT = 4;
const ANSWERED_MS_MAX = 20_000;
/** Longer than any attack. */
const DELAY_MS = 600_000;

/** Publishes at full speed until the time is over. */
async function flood(arena: Arena, topic: string, command: Buffer): Promise<void> {
  const { host, tcpPort } = arena.target;
  const publisher = await Connection.open(tcpPort, {}, host);
  await arena.together(COMMANDS_IN_FLIGHT, async () => {
    while (arena.isOn) {
      const answer = publisher.ask(command);
      if (!(await arena.inTime(answer, ANSWERED_MS_MAX))) {
        arena.fault(`a publish to "${topic}" is not answered`);
        return;
      }
      if ((await answer) === 'OK') continue;
      arena.fault(`a publish to "${topic}" is answered with ${await answer}`);
      return;
    }
  });
  publisher.destroy();
}

async function fill(arena: Arena, ending: string, delayMs = 0): Promise<void> {
  const body = Buffer.alloc(BODY_BYTES, 'g');
  await arena.together(GIANTS, async (index) => {
    const topic = `hostile-giant${index}${ending}`;
    const reader = await arena.client(line('SUB', topic, `stuck${ending}`));
    await reader.receives('OK');
    await flood(arena, topic, delayMs > 0 ? dpub(topic, delayMs, body) : pub(topic, body));
    await arena.forget(topic);
  });
}

async function hoard(arena: Arena): Promise<void> {
  const topic = 'hostile-hoard';
  await arena.together(GIANTS, async () => {
    const consumer = await arena.client(line('SUB', topic, 'hoard'), line('RDY', READY_COUNT));
    await consumer.receives('OK');
  });
  await flood(arena, topic, pub(topic, Buffer.alloc(BODY_BYTES / 10, 'g')));
  await arena.forget(topic);
}

async function overflow(arena: Arena): Promise<void> {
  const topic = 'hostile-overflow';
  const reader = await arena.client(line('SUB', topic, 'stuck'));
  await reader.receives('OK');
  const bodies = Array<Buffer>(SMALL_BODIES).fill(Buffer.alloc(SMALL_BODY_BYTES, 'g'));
  await arena.together(2, () => flood(arena, topic, mpub(topic, bodies)));
  await arena.forget(topic);
}

/** What they hold is memory for messages, which the bound of the whole is for. */
const GROWTH_MIB_MAX = 512;

/** Topics that take what they can. */
export const GIANT_TOPICS: readonly Scenario[] = [
  { name: 'giant: nobody reads', growthMibMax: GROWTH_MIB_MAX, run: (arena) => fill(arena, '') },
  {
    name: 'giant: ephemeral, nobody reads',
    growthMibMax: GROWTH_MIB_MAX,
    run: (arena) => fill(arena, '#ephemeral'),
  },
  {
    name: 'giant: deferred',
    growthMibMax: GROWTH_MIB_MAX,
    run: (arena) => fill(arena, '', DELAY_MS),
  },
  { name: 'giant: nobody finishes', growthMibMax: GROWTH_MIB_MAX, run: hoard },
  { name: 'giant: overflow', growthMibMax: GROWTH_MIB_MAX, run: overflow },
];
