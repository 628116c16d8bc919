/**
 * Topics that fill the broker's memory, or write to its disk at full speed, next to those of others.
 */

import { dpub, line, mpub, pub } from '../../../src/protocol/commands.ts';
import { Connection } from '../../kit/connection.ts';
import type { Attack, Scenario } from './attack.ts';

const BODY_BYTES = 1_000_000;
const SMALL_BODY_BYTES = 200;
const SMALL_BODIES = 200;
/** Each of them keeps as much in memory as its queue takes: together more than any limit on memory. */
const GIANTS = 8;
const READY_COUNT = 2500;
const COMMANDS_IN_FLIGHT = 4;
const ANSWERED_MS_MAX = 20_000;
/** Longer than any attack. */
const DELAY_MS = 600_000;

/** Publishes at full speed until the time is over. */
async function flood(attack: Attack, topic: string, command: Buffer): Promise<void> {
  const { host, tcpPort } = attack.target;
  const publisher = await Connection.open(tcpPort, {}, host);
  await attack.together(COMMANDS_IN_FLIGHT, async () => {
    while (attack.isOn) {
      const answer = publisher.ask(command);
      if (!(await attack.inTime(answer, ANSWERED_MS_MAX))) {
        attack.fault(`a publish to "${topic}" is not answered`);
        return;
      }
      if ((await answer) === 'OK') continue;
      attack.fault(`a publish to "${topic}" is answered with ${await answer}`);
      return;
    }
  });
  publisher.destroy();
}

async function fill(attack: Attack, ending: string, delayMs = 0): Promise<void> {
  const body = Buffer.alloc(BODY_BYTES, 'g');
  await attack.together(GIANTS, async (index) => {
    const topic = `hostile-giant${index}${ending}`;
    const reader = await attack.client(line('SUB', topic, `stuck${ending}`));
    await reader.receives('OK');
    await flood(attack, topic, delayMs > 0 ? dpub(topic, delayMs, body) : pub(topic, body));
    await attack.forget(topic);
  });
}

async function hoard(attack: Attack): Promise<void> {
  const topic = 'hostile-hoard';
  await attack.together(GIANTS, async () => {
    const consumer = await attack.client(line('SUB', topic, 'hoard'), line('RDY', READY_COUNT));
    await consumer.receives('OK');
  });
  await flood(attack, topic, pub(topic, Buffer.alloc(BODY_BYTES / 10, 'g')));
  await attack.forget(topic);
}

async function overflow(attack: Attack): Promise<void> {
  const topic = 'hostile-overflow';
  const reader = await attack.client(line('SUB', topic, 'stuck'));
  await reader.receives('OK');
  const bodies = Array<Buffer>(SMALL_BODIES).fill(Buffer.alloc(SMALL_BODY_BYTES, 'g'));
  await attack.together(2, () => flood(attack, topic, mpub(topic, bodies)));
  await attack.forget(topic);
}

/** What they hold is memory for messages, which the total limit covers. */
const GROWTH_MIB_MAX = 512;

/** Topics that take as much as they can. */
export const GIANT_TOPICS: readonly Scenario[] = [
  { name: 'giant: nobody reads', growthMibMax: GROWTH_MIB_MAX, run: (attack) => fill(attack, '') },
  {
    name: 'giant: ephemeral, nobody reads',
    growthMibMax: GROWTH_MIB_MAX,
    run: (attack) => fill(attack, '#ephemeral'),
  },
  {
    name: 'giant: deferred',
    growthMibMax: GROWTH_MIB_MAX,
    run: (attack) => fill(attack, '', DELAY_MS),
  },
  { name: 'giant: nobody finishes', growthMibMax: GROWTH_MIB_MAX, run: hoard },
  { name: 'giant: overflow', growthMibMax: GROWTH_MIB_MAX, run: overflow },
];
