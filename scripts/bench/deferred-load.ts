/**
 * Many deferred messages at once: how late do they come?
 */

import { once } from 'node:events';
import { connect, type Link } from './link.ts';
import { FrameWalker, MESSAGE_FRAME_BYTES, OK_BYTES } from './wire.ts';

/** Commands that are not answered yet, so that none waits long for the broker. */
const IN_FLIGHT_MAX = 200;
const COMMANDS_PER_WRITE = 100;

export type DeferredLoad = {
  topic: string;
  messages: number;
  /** The messages come due from this long after the first publish, evenly over `spreadMs`. */
  delayMs: number;
  spreadMs: number;
};

/** Units: ms. A negative lateness is a message that came early. */
export type Lateness = { p50: number; p99: number; max: number; min: number };

/** Publishes messages of which each says when it is due, and compares with when it comes. */
export async function deferred(port: number, load: DeferredLoad): Promise<Lateness> {
  const consumer = await connect(port);
  const samples = new Float64Array(load.messages);
  let received = 0;
  const walker = new FrameWalker();
  const done = new Promise<void>((resolve) => {
    consumer.on('data', (chunk: Buffer) => {
      const nowMs = performance.now();
      const fins = walker.take(chunk, (bytes, at) => {
        samples[received++] = nowMs - bytes.readDoubleBE(at + MESSAGE_FRAME_BYTES);
      });
      if (fins.length > 0) consumer.write(fins);
      if (received === load.messages) resolve();
    });
  });
  consumer.write(`SUB ${load.topic} bench\nRDY 2500\n`);
  await once(consumer, 'data');
  const producer = await connect(port);
  await publishDeferred(producer, load);
  await done;
  consumer.destroy();
  producer.destroy();
  const sorted = samples.sort();
  const at = (share: number): number => sorted[Math.floor(share * (load.messages - 1))];
  return { p50: at(0.5), p99: at(0.99), max: at(1), min: at(0) };
}

async function publishDeferred(producer: Link, load: DeferredLoad): Promise<void> {
  const startMs = performance.now();
  let sent = 0;
  let answeredBytes = 0;
  producer.on('data', (chunk: Buffer) => {
    answeredBytes += chunk.length;
  });
  while (sent < load.messages) {
    while (sent - answeredBytes / OK_BYTES > IN_FLIGHT_MAX) await once(producer, 'data');
    const commands: Buffer[] = [];
    const nowMs = performance.now();
    for (let i = 0; i < COMMANDS_PER_WRITE && sent < load.messages; i++, sent++) {
      const dueMs = startMs + load.delayMs + (sent / load.messages) * load.spreadMs;
      const delayMs = Math.max(0, Math.round(dueMs - nowMs));
      const body = Buffer.alloc(12);
      body.writeUInt32BE(8);
      body.writeDoubleBE(nowMs + delayMs, 4);
      commands.push(Buffer.from(`DPUB ${load.topic} ${delayMs}\n`), body);
    }
    producer.write(Buffer.concat(commands));
  }
}
