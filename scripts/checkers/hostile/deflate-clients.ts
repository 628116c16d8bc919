/**
 * Thousands of clients with deflate that are idle, or stall in the middle of a large body.
 */

import { constants, deflateRawSync } from 'node:zlib';
import { identify, line } from '../../../src/protocol/commands.ts';
import type { Attack, Scenario } from './attack.ts';
import type { HostileConnection } from './hostile-connection.ts';

const KIB = 1024;
const CLIENTS = 1000;
const AT_A_TIME = 50;
const TOPIC = 'hostile-deflate';
const BATCH_BYTES = 4_900_000;
const SENT_BYTES = 300 * KIB;
const AGREED_MS_MAX = 20_000;

/** An MPUB of one message, of which only a part is sent. */
function partOfBatch(): Buffer {
  const head = Buffer.alloc(3 * 4);
  head.writeInt32BE(BATCH_BYTES, 0);
  head.writeInt32BE(1, 4);
  head.writeInt32BE(BATCH_BYTES - 8, 8);
  const plain = Buffer.concat([line('MPUB', TOPIC), head, Buffer.alloc(SENT_BYTES, 'd')]);
  return deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH });
}

async function crowd(attack: Attack, work: (client: HostileConnection) => void): Promise<void> {
  const { connectionsMax = CLIENTS } = attack.target;
  const count = Math.min(CLIENTS, Math.floor((3 * connectionsMax) / 4));
  await attack.together(AT_A_TIME, async (index) => {
    for (let at = index; at < count && attack.isOn; at += AT_A_TIME) {
      const client = await attack.client(identify({ feature_negotiation: true, deflate: true }));
      if (!(await attack.inTime(client.receives('"deflate":true'), AGREED_MS_MAX))) {
        attack.fault('deflate is not agreed to');
        return;
      }
      work(client);
    }
  });
  await attack.end();
}

/** Clients with deflate, which take memory. */
export const DEFLATE_CLIENTS: readonly Scenario[] = [
  { name: 'deflate: idle', growthMibMax: 48, run: (attack) => crowd(attack, () => undefined) },
  {
    name: 'deflate: part of an MPUB',
    // what each holds while it waits, and its decompressor
    growthMibMax: 48 + (CLIENTS * 256) / KIB,
    run: async (attack) => {
      const part = partOfBatch();
      await crowd(attack, (client) => client.send(part));
      await attack.close();
      await attack.expectNothingIn(TOPIC);
    },
  },
];
