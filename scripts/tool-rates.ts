/**
 * Measures the tools beside the programs whose place they take: the same work at the same broker, from the start of the
 * program to the last message, with the program's CPU time.
 *
 *     node scripts/tool-rates.ts [--originals=DIR] [--server="nsqd"] [--only=to-http] [--scale=1]
 *
 * Without `--originals` only the project's tools run. `--server` is a command for the shell that gets nsqd's flags.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Producer } from '../src/client/client.ts';
import { startBroker } from './kit/broker.ts';
import { cpuUsOf } from './kit/proc.ts';

/** A tool's work. */
type Work = {
  readonly original: string;
  readonly count: number;
  readonly flags: (place: { readonly tcp: string; readonly sink: string }) => readonly string[];
  /** Of the tool's channel; without one the tool reads standard input. */
  readonly channel?: string;
};

const TOPIC = 'rates';
const BODY_BYTES = 200;
const POLL_MS = 20;
const BATCH = 1000;
const POSTED = Buffer.from('POST ');
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-rates-'));
const output = path.join(directory, 'files');
const lines = path.join(directory, 'lines');
const WORKS: readonly Work[] = [
  {
    original: 'to_nsq',
    count: 100_000,
    flags: ({ tcp }) => [`--topic=${TOPIC}`, `--nsqd-tcp-address=${tcp}`],
  },
  {
    original: 'nsq_tail',
    count: 200_000,
    channel: 'tail',
    flags: ({ tcp }) => [`--topic=${TOPIC}`, '--channel=tail', `--nsqd-tcp-address=${tcp}`],
  },
  {
    original: 'nsq_to_file',
    count: 200_000,
    channel: 'nsq_to_file',
    flags: ({ tcp }) => [
      `--topic=${TOPIC}`,
      `--nsqd-tcp-address=${tcp}`,
      `--output-dir=${output}`,
      '--max-in-flight=2000',
      '--sync-interval=100ms',
    ],
  },
  {
    original: 'nsq_to_http',
    count: 40_000,
    channel: 'nsq_to_http',
    flags: ({ tcp, sink }) => [
      `--topic=${TOPIC}`,
      `--nsqd-tcp-address=${tcp}`,
      `--post=http://${sink}/`,
    ],
  },
  {
    original: 'nsq_to_nsq',
    count: 100_000,
    channel: 'nsq_to_nsq',
    flags: ({ tcp }) => [
      `--topic=${TOPIC}`,
      '--destination-topic=copies',
      `--nsqd-tcp-address=${tcp}`,
      `--destination-nsqd-tcp-address=${tcp}`,
    ],
  },
];

const { values } = parseArgs({
  options: {
    originals: { type: 'string', default: '' },
    server: { type: 'string' },
    only: { type: 'string', default: '' },
    scale: { type: 'string', default: '1' },
  },
});
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => {
    let count = 0;
    for (let at = bytes.indexOf(POSTED); at !== -1; at = bytes.indexOf(POSTED, at + 1)) count++;
    if (count > 0) socket.write(ANSWER.repeat(count));
  });
  socket.on('error', () => undefined);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const sink = `127.0.0.1:${(server.address() as AddressInfo).port}`;

const entry = path.join(import.meta.dirname, 'ringmq.cjs');
for (const work of WORKS) {
  if (!work.original.includes(values.only.replaceAll('-', '_'))) continue;
  await measure(work, 'ringmq', process.execPath, [entry, work.original]);
  if (values.originals === '') continue;
  await measure(work, 'nsq', path.join(values.originals, work.original), []);
}
server.close();
rmSync(directory, { recursive: true });

async function measure(
  work: Work,
  label: string,
  program: string,
  words: readonly string[],
): Promise<void> {
  const count = Math.round(work.count * Number(values.scale));
  const dataPath = mkdtempSync(path.join(directory, 'data-'));
  const flags = [`--mem-queue-size=${2 * count}`];
  const broker = await startBroker({ server: values.server, dataPath, flags });
  const tcp = `127.0.0.1:${broker.tcpPort}`;
  await broker.ask(`/topic/create?topic=${TOPIC}`, 'POST');
  const { channel } = work;
  if (channel === undefined) writeFileSync(lines, `${'x'.repeat(BODY_BYTES)}\n`.repeat(count));
  else {
    await broker.ask(`/channel/create?topic=${TOPIC}&channel=${channel}`, 'POST');
    await fill(tcp, count);
  }

  const startMs = performance.now();
  const child = spawn(program, [...words, ...work.flags({ tcp, sink })], {
    stdio: [channel === undefined ? 'pipe' : 'ignore', 'ignore', 'ignore'],
  });
  if (child.stdin !== null) createReadStream(lines).pipe(child.stdin);
  const cpuUs = await cpuAtEnd(child, async () => {
    const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${TOPIC}`));
    const [topic] = stats.topics;
    if (channel === undefined) return topic.message_count === count;
    const [{ depth, in_flight_count: inFlight }] = topic.channels;
    return topic.depth + depth + inFlight === 0;
  });
  const seconds = (performance.now() - startMs) / 1000;
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await broker.stop();

  const rate = Math.round(count / seconds).toLocaleString('en');
  const cost = (cpuUs / count).toFixed(1);
  console.log(
    `${work.original.padEnd(12)} ${label.padEnd(7)} ${rate.padStart(9)} msg/s ${cost} µs of CPU each`,
  );
}

/** CPU time of the program when the work is done. Units: µs. */
async function cpuAtEnd(child: ChildProcess, isDone: () => Promise<boolean>): Promise<number> {
  let cpuUs = 0;
  for (;;) {
    cpuUs = cpuUsOf(child.pid ?? 0) ?? cpuUs;
    if (await isDone()) return cpuUsOf(child.pid ?? 0) ?? cpuUs;
    await pause(POLL_MS);
  }
}

async function fill(tcp: string, count: number): Promise<void> {
  const producer = new Producer({ nsqd: [tcp] });
  const body = 'x'.repeat(BODY_BYTES);
  for (let at = 0; at < count; at += BATCH) {
    await producer.publishMany(
      TOPIC,
      Array.from({ length: Math.min(BATCH, count - at) }, () => body),
    );
  }
  await producer.close();
}
