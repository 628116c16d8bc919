/**
 * The loads: each drives a server that listens on a port, and says how long it took.
 */

import { once } from 'node:events';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { connect, type Layers } from './link.ts';
import { FrameWalker, MESSAGE_FRAME_BYTES, mpub, OK_BYTES, pub, receiveBytes } from './wire.ts';

export type PublishLoad = {
  topic: string;
  /** Messages altogether. */
  messages: number;
  /** Messages of one command; 1 is a PUB. */
  batch: number;
  size: number;
  connections: number;
  /** Commands of one connection that are not answered yet. */
  inFlight: number;
  layers?: Layers;
};

/** Publishes as fast as it goes. Units: resolves with ms. */
export async function publish(port: number, load: PublishLoad): Promise<number> {
  const command =
    load.batch === 1 ? pub(load.topic, load.size) : mpub(load.topic, load.batch, load.size);
  const commands = Math.ceil(load.messages / load.batch / load.connections);
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, () => connect(port, load.layers)),
  );
  const start = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      let sent = 0;
      let answeredBytes = 0;
      const done = receiveBytes(socket, commands * OK_BYTES);
      const send = (): void => {
        while (sent < commands && sent - Math.floor(answeredBytes / OK_BYTES) < load.inFlight) {
          socket.write(command);
          sent++;
        }
      };
      socket.on('data', (chunk: Buffer) => {
        answeredBytes += chunk.length;
        socket.cork();
        send();
        socket.uncork();
      });
      send();
      await done;
    }),
  );
  const elapsedMs = performance.now() - start;
  for (const socket of sockets) socket.destroy();
  return elapsedMs;
}

export type ConsumeLoad = {
  topic: string;
  channel: string;
  messages: number;
  connections: number;
  rdy: number;
  layers?: Layers;
};

/** Consumes and finishes until so many messages have come. Units: resolves with ms. */
export async function consume(port: number, load: ConsumeLoad): Promise<number> {
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, () => connect(port, load.layers)),
  );
  let received = 0;
  let finish = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  for (const socket of sockets) {
    const walker = new FrameWalker();
    socket.on('data', (chunk: Buffer) => {
      const fins = walker.take(chunk, () => {
        received++;
      });
      if (fins.length > 0) socket.write(fins);
      if (received >= load.messages) finish();
    });
  }
  const start = performance.now();
  for (const socket of sockets)
    socket.write(`SUB ${load.topic} ${load.channel}\nRDY ${load.rdy}\n`);
  await done;
  const elapsedMs = performance.now() - start;
  // The last FINs are on their way; they are part of the work.
  await delay(200);
  for (const socket of sockets) socket.destroy();
  return elapsedMs;
}

/** Latencies in ms, from the time a message was due to be published to its arrival. */
export type Latencies = { p50: number; p99: number; max: number; count: number };

/**
 * Publishes at a fixed rate, whatever the server does, and consumes at the same time. A message that could not
 * be sent in time counts from when it was due, so a stall is not hidden by the generator's own waiting.
 */
export async function latency(
  port: number,
  topic: string,
  ratePerSecond: number,
  seconds: number,
): Promise<Latencies> {
  const consumer = await connect(port);
  const producer = await connect(port);
  const total = ratePerSecond * seconds;
  const samples = new Float64Array(total);
  let received = 0;
  let finish = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const walker = new FrameWalker();
  consumer.on('data', (chunk: Buffer) => {
    const nowMs = performance.now();
    const fins = walker.take(chunk, (bytes, at) => {
      samples[received++] = nowMs - bytes.readDoubleBE(at + MESSAGE_FRAME_BYTES);
    });
    if (fins.length > 0) consumer.write(fins);
    if (received === total) finish();
  });
  consumer.write(`SUB ${topic} bench\nRDY 2500\n`);
  await once(consumer, 'data');
  producer.on('data', () => undefined);

  const command = pub(topic, 200);
  const bodyAt = command.length - 200;
  const startMs = performance.now();
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1000) * ratePerSecond));
    producer.cork();
    for (; sent < due; sent++) {
      const message = Buffer.from(command);
      message.writeDoubleBE(startMs + (sent * 1000) / ratePerSecond, bodyAt);
      producer.write(message);
    }
    producer.uncork();
    // A timer would be late by up to a millisecond, which is more than what is measured.
    await setImmediate();
  }
  await done;
  consumer.destroy();
  producer.destroy();
  const sorted = samples.sort();
  return {
    p50: sorted[Math.floor(total * 0.5)],
    p99: sorted[Math.floor(total * 0.99)],
    max: sorted[total - 1],
    count: total,
  };
}
