/**
 * Clients that request large answers over HTTP, and do not read them.
 */

import { identify, line } from '../../../src/protocol/commands.ts';
import type { Attack, Scenario } from './attack.ts';

/** Consumers with texts of this length in IDENTIFY make an answer of 4 MB. */
const TALKERS = 80;
const TALK_BYTES = 50_000;
const ASKERS = 600;
const AT_A_TIME = 50;
const ASKED_MS = 50;
const TAKEN_MS_MAX = 10_000;
const REQUEST = Buffer.from('GET /stats?format=json HTTP/1.1\r\nHost: x\r\n\r\n');
const PIPELINED = 100;

async function neverTake(attack: Attack): Promise<void> {
  const topic = 'hostile-stats#ephemeral';
  await attack.together(TALKERS, async (index) => {
    const talker = await attack.client(
      identify({ client_id: `${index}`, user_agent: 'u'.repeat(TALK_BYTES) }),
      line('SUB', topic, `c${index % AT_A_TIME}#ephemeral`),
    );
    await talker.receives('OK', 2);
  });
  const { connectionsMax = ASKERS + TALKERS } = attack.target;
  const askers = Math.min(ASKERS, connectionsMax - 2 * TALKERS);
  await attack.together(AT_A_TIME, async (index) => {
    for (let at = index; at < askers && attack.isOn; at += AT_A_TIME) {
      const client = await attack.connect(attack.target.httpPort);
      client.stopReading();
      client.send(...Array<Buffer>(PIPELINED).fill(REQUEST));
    }
  });
  while (attack.isOn) {
    if (!(await attack.inTime(attack.messageCount(topic), TAKEN_MS_MAX))) {
      attack.fault('a well-behaved client gets no statistics');
    }
    await attack.pause(ASKED_MS);
  }
}

/** Answers that the client does not read. */
export const UNTAKEN_ANSWERS: readonly Scenario[] = [
  // answers on their way, and the data that is collected for one of them
  { name: 'HTTP: statistics not taken', growthMibMax: 128, needsHttp: true, run: neverTake },
];
