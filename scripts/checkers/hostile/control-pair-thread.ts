/**
 * A well-behaved publisher and consumer in their own thread: an attack affects them as it affects other clients.
 *
 * On each request the thread posts the latencies since the previous one.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { line, pub } from '../../../src/protocol/commands.ts';
import { Connection } from '../../kit/connection.ts';
import { type ControlPairSetup, type ControlReading, LOST_MS } from './control-pair.ts';

const PERIOD_MS = 10;
const READY_COUNT = 100;
const BODY_BYTES = 200;

if (parentPort === null) throw new Error('start the control pair as a worker');
const port = parentPort;
// the start parameters of the thread
const { host, tcpPort, topic, channel } = workerData as ControlPairSetup;

let latencies: number[] = [];
let refused = 0;
const outstanding = new Map<number, number>();
let number = 0;

const consumer = await Connection.open(
  tcpPort,
  {
    onMessage: ({ id, body }) => {
      consumer.send(line('FIN', id));
      const of = Number(body.readBigUInt64BE());
      const dueMs = outstanding.get(of);
      if (dueMs === undefined) return;
      outstanding.delete(of);
      latencies.push(performance.now() - dueMs);
    },
  },
  host,
);
if ((await consumer.ask(line('SUB', topic, channel))) !== 'OK') {
  throw new Error('the consumer of the control pair cannot subscribe');
}
consumer.send(line('RDY', READY_COUNT));
const publisher = await Connection.open(tcpPort, {}, host);

port.on('message', () => {
  const nowMs = performance.now();
  const oldestMs = Math.max(0, ...[...outstanding.values()].map((dueMs) => nowMs - dueMs));
  const isConnected = !publisher.hasEnded && !consumer.hasEnded;
  const told: ControlReading = { latencies, refused, oldestMs, isConnected };
  port.postMessage(told);
  latencies = [];
  refused = 0;
  // reported once
  for (const [of, dueMs] of outstanding) if (nowMs - dueMs > LOST_MS) outstanding.delete(of);
});

// Messages are published when they are due, however long earlier ones take.
for (let dueMs = performance.now(); ; dueMs += PERIOD_MS) {
  await delay(Math.max(0, dueMs - performance.now()));
  const body = Buffer.alloc(BODY_BYTES);
  body.writeBigUInt64BE(BigInt(++number));
  if (publisher.hasEnded) continue;
  const of = number;
  outstanding.set(of, dueMs);
  void publisher.ask(pub(topic, body)).then((answer) => {
    if (answer === 'OK') return;
    outstanding.delete(of);
    refused++;
  });
}
