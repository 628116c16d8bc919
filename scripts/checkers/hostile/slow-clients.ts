/**
 * Clients that read or send almost nothing.
 */

import { line, MAGIC, mpub, pub } from '../../../src/protocol/commands.ts';
import type { Attack, Scenario } from './attack.ts';

const KIB = 1024;
const READY_MAX = 2500;
const SECOND_MS = 1000;
const CHANNELS = 4;
const MESSAGE_BYTES = 64 * KIB;
const BATCH = 8;
/** What every channel has to store, mostly on disk. */
const BULK_MESSAGES = 768;
const SLOW_WRITERS = 200;
const SLOW_READERS = 50;

async function neverRead(attack: Attack): Promise<void> {
  const topic = 'hostile-bulk';
  for (let index = 0; index < CHANNELS; index++) {
    const consumer = await attack.client(line('SUB', topic, `stuck-${index}`));
    await consumer.receives('OK');
    consumer.stopReading();
    consumer.send(line('RDY', READY_MAX));
  }
  const publisher = await attack.client();
  const batch = mpub(topic, Array<Buffer>(BATCH).fill(Buffer.alloc(MESSAGE_BYTES, 'b')));
  for (let sent = 0; sent < BULK_MESSAGES && attack.isOn; sent += BATCH) {
    await publisher.sendWhole(batch);
  }
  await attack.end();
  await attack.close();
  await attack.forget(topic);
}

async function writeSlowly(attack: Attack): Promise<void> {
  const topic = 'hostile-slow';
  const bytes = Buffer.concat([MAGIC, pub(topic, Buffer.alloc(MESSAGE_BYTES))]);
  const writers = await Promise.all(Array.from({ length: SLOW_WRITERS }, () => attack.connect()));
  for (let at = 0; attack.isOn; at++) {
    for (const writer of writers) writer.send(bytes.subarray(at, at + 1));
    await attack.pause(SECOND_MS);
  }
  await attack.expectNothingIn(topic);
}

async function readSlowly(attack: Attack): Promise<void> {
  const topic = 'hostile-slow-reading';
  const readers = await Promise.all(
    Array.from({ length: SLOW_READERS }, async () => {
      const reader = await attack.client(line('SUB', topic, 'slow'));
      await reader.receives('OK');
      reader.stopReading();
      reader.send(line('RDY', READY_MAX));
      return reader;
    }),
  );
  const publisher = await attack.client();
  const batch = mpub(topic, Array<Buffer>(BATCH).fill(Buffer.alloc(MESSAGE_BYTES, 's')));
  for (let sent = 0; sent < BULK_MESSAGES && attack.isOn; sent += BATCH) {
    await publisher.sendWhole(batch);
  }
  while (attack.isOn) {
    for (const reader of readers) reader.read(1);
    await attack.pause(SECOND_MS);
  }
  await attack.close();
  await attack.forget(topic);
}

/** Clients that are slow on purpose. */
export const SLOW_CLIENTS: readonly Scenario[] = [
  { name: 'consumers that never read', growthMibMax: 96, run: neverRead },
  { name: 'a byte a second, sent', growthMibMax: 32, run: writeSlowly },
  // each has up to 1 MiB on its way
  { name: 'a byte a second, read', growthMibMax: 128, run: readSlowly },
];
