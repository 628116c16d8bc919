/**
 * Measures the tools and the programs that they replace.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Producer } from '../src/client/client.ts';
import { readArguments } from './kit/arguments.ts';
import { startBroker } from './kit/broker.ts';
import { cpuUsOf } from './kit/proc.ts';

/** The environment of a tool. */
type Place = {
  readonly tcp: string;
  readonly http: string;
  readonly sink: string;
  /** HTTP address of the second broker, for work that has one. */
  readonly target: string;
};

/** A kind of work for a tool. */
type Work = {
  /** Begins with the name of the program that the tool replaces, if there is one. */
  readonly name: string;
  /** Options that only the project's tool has. */
  readonly isOurs?: true;
  readonly count: number;
  readonly flags: (place: Place) => readonly string[];
  /** Where messages wait for the tool: a channel, a topic without channels, or lines of standard input. */
  readonly from: { readonly channel: string } | 'topic' | 'input';
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
const fileFlags =
  (...more: readonly string[]) =>
  ({ tcp }: Place): readonly string[] => [
    `--topic=${TOPIC}`,
    `--nsqd-tcp-address=${tcp}`,
    `--output-dir=${output}`,
    '--filename-format=<TOPIC><REV>.log',
    '--max-in-flight=2000',
    '--sync-interval=100ms',
    ...more,
  ];
const ARCHIVE = { channel: 'nsq_to_file' };
const WORKS: readonly Work[] = [
  {
    name: 'to_nsq',
    count: 100_000,
    from: 'input',
    flags: ({ tcp }) => [`--topic=${TOPIC}`, `--nsqd-tcp-address=${tcp}`],
  },
  {
    name: 'nsq_tail',
    count: 200_000,
    from: { channel: 'tail' },
    flags: ({ tcp }) => [`--topic=${TOPIC}`, '--channel=tail', `--nsqd-tcp-address=${tcp}`],
  },
  { name: 'nsq_to_file', count: 200_000, from: ARCHIVE, flags: fileFlags() },
  { name: 'nsq_to_file --gzip', count: 200_000, from: ARCHIVE, flags: fileFlags('--gzip') },
  {
    name: 'nsq_to_file --zstd',
    isOurs: true,
    count: 200_000,
    from: ARCHIVE,
    flags: fileFlags('--zstd'),
  },
  {
    name: 'nsq_to_http',
    count: 40_000,
    from: { channel: 'nsq_to_http' },
    flags: ({ tcp, sink }) => [
      `--topic=${TOPIC}`,
      `--nsqd-tcp-address=${tcp}`,
      `--post=http://${sink}/`,
    ],
  },
  {
    name: 'nsq_to_nsq',
    count: 100_000,
    from: { channel: 'nsq_to_nsq' },
    flags: ({ tcp }) => [
      `--topic=${TOPIC}`,
      '--destination-topic=copies',
      `--nsqd-tcp-address=${tcp}`,
      `--destination-nsqd-tcp-address=${tcp}`,
    ],
  },
  {
    name: 'mirror',
    isOurs: true,
    count: 100_000,
    from: 'topic',
    flags: ({ http, target }) => [
      `--nsqd-http-address=${http}`,
      `--destination-nsqd-http-address=${target}`,
    ],
  },
];

const USAGE = `usage: node scripts/tool-rates.ts [options]

Measures the tools, and the programs that they replace: the same work with the same broker, from the
start of the program to the last message, with the program's CPU time.

  --originals DIR    where nsq's tools are; without it only RingMQ's tools run
  --server COMMAND   the broker: a shell command that gets nsqd's flags (default: RingMQ)
  --only NAME        run only tools whose names contain this
  --scale X          multiply the number of messages by this (default 1)

Exit code: 0 done, 2 bad arguments.`;

const values = readArguments(USAGE, {
  originals: { type: 'string', default: '' },
  server: { type: 'string' },
  only: { type: 'string', default: '' },
  scale: { type: 'string', default: '1' },
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
  if (!work.name.includes(values.only.replaceAll('-', '_'))) continue;
  const [tool] = work.name.split(' ');
  await measure(work, 'ringmq', process.execPath, [entry, tool]);
  if (values.originals === '' || work.isOurs) continue;
  await measure(work, 'nsq', path.join(values.originals, tool), []);
}
server.close();
rmSync(directory, { recursive: true });

async function measure(
  work: Work,
  label: string,
  program: string,
  words: readonly string[],
): Promise<void> {
  const { name, from } = work;
  const count = Math.round(work.count * Number(values.scale));
  const broker = await start(count);
  // Only work that copies to another broker needs one.
  const target = from === 'topic' ? await start(count) : null;
  const place = {
    tcp: `127.0.0.1:${broker.tcpPort}`,
    http: `127.0.0.1:${broker.httpPort}`,
    sink,
    target: `127.0.0.1:${target?.httpPort}`,
  };
  await broker.ask(`/topic/create?topic=${TOPIC}`, 'POST');
  if (typeof from === 'object') {
    await broker.ask(`/channel/create?topic=${TOPIC}&channel=${from.channel}`, 'POST');
  }
  if (from === 'input') writeFileSync(lines, `${'x'.repeat(BODY_BYTES)}\n`.repeat(count));
  else await fill(place.tcp, count);

  const startMs = performance.now();
  const child = spawn(program, [...words, ...work.flags(place)], {
    stdio: [from === 'input' ? 'pipe' : 'ignore', 'ignore', 'ignore'],
  });
  if (child.stdin !== null) createReadStream(lines).pipe(child.stdin);
  const cpuUs = await cpuAtEnd(child, async () => {
    const stats = await (target ?? broker).ask(`/stats?format=json&topic=${TOPIC}`);
    const [topic] = JSON.parse(stats).topics ?? [];
    if (typeof from === 'string') return topic?.message_count === count;
    const [{ depth, in_flight_count: inFlight }] = topic.channels;
    return topic.depth + depth + inFlight === 0;
  });
  const seconds = (performance.now() - startMs) / 1000;
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await broker.stop();
  await target?.stop();

  const rate = Math.round(count / seconds).toLocaleString('en');
  const cost = (cpuUs / count).toFixed(1);
  console.log(
    `${name.padEnd(18)} ${label.padEnd(7)} ${rate.padStart(9)} msg/s ${cost} µs of CPU each`,
  );
}

/** A broker with room for all messages in memory. */
function start(count: number): ReturnType<typeof startBroker> {
  const dataPath = mkdtempSync(path.join(directory, 'data-'));
  const flags = [`--mem-queue-size=${2 * count}`];
  return startBroker({ server: values.server, dataPath, flags });
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
