/**
 * Compressed input that expands enormously.
 */

import { constants, deflateRawSync } from 'node:zlib';
import { identify, line, pub, sized } from '../../../src/protocol/commands.ts';
import { SnappyEncoder } from '../../../src/protocol/compression/snappy-encoder.ts';
import type { Attack, Scenario } from './attack.ts';

const MIB = 1024 * 1024;
const BOMB_BYTES = 100 * MIB;
const AT_A_TIME = 3;
const CLOSED_MS_MAX = 20_000;

/** The content of a bomb. */
const CONTENTS: readonly (() => Buffer)[] = [
  () => Buffer.alloc(BOMB_BYTES),
  () => pub('hostile-bomb', Buffer.alloc(BOMB_BYTES)),
  () => Buffer.concat([line('MPUB', 'hostile-bomb'), sized(Buffer.alloc(BOMB_BYTES))]),
];

/** Compresses a whole stream. */
type Compress = (bytes: Buffer) => Buffer;

function deflate(bytes: Buffer): Buffer {
  return deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
}

function snappy(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  new SnappyEncoder().encode([bytes], (encoded) => pieces.push(...encoded));
  return Buffer.concat(pieces);
}

async function explode(attack: Attack, kind: string, compress: Compress): Promise<void> {
  const bombs = CONTENTS.map((content) => compress(content()));
  await attack.together(AT_A_TIME, async (index) => {
    do {
      const client = await attack.client(identify({ feature_negotiation: true, [kind]: true }));
      if (!(await attack.inTime(client.receives(`"${kind}":true`), CLOSED_MS_MAX))) {
        attack.fault(`${kind} is not agreed to`);
        return;
      }
      await client.sendWhole(bombs[index % bombs.length]);
      if (!(await attack.inTime(client.closed, CLOSED_MS_MAX))) {
        attack.fault(`bomb ${index} is still listened to`);
        return;
      }
    } while (attack.isOn);
  });
  await attack.expectNothingIn('hostile-bomb');
}

/** Small input that expands to large output. */
export const BOMBS: readonly Scenario[] = [
  {
    name: 'bombs through deflate',
    growthMibMax: 96,
    run: (attack) => explode(attack, 'deflate', deflate),
  },
  {
    name: 'bombs through snappy',
    growthMibMax: 96,
    run: (attack) => explode(attack, 'snappy', snappy),
  },
];
