/**
 * First figures: `node scripts/bench.ts [--messages N] [--runs N] [--server COMMAND] [--only REGEX]`
 *
 * Drives a broker, and beside it in the same run a null sink that reads and throws away, and prints for each
 * load the rate and the CPU time that the server spent per message; the best of the runs, because whatever
 * else the machine does only ever slows a run down. `--server` measures another nsqd instead, its command
 * taking nsqd's flags.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from '../test/support/certificates.ts';
import { readArguments, wholeNumber } from './arguments.ts';
import { deferred } from './bench/deferred-load.ts';
import type { Layers } from './bench/link.ts';
import { consume, latency, type PublishLoad, publish } from './bench/loads.ts';
import { Server } from './bench/server.ts';
import { mpub, pub } from './bench/wire.ts';

const TOPIC = 'bench';
const CHANNEL = 'bench';
const SIZE = 200;
const LAYERED: readonly (readonly [string, Layers])[] = [
  ['TLS', { tls: true }],
  ['snappy', { compression: 'snappy' }],
  ['deflate', { compression: 'deflate' }],
  ['TLS and snappy', { tls: true, compression: 'snappy' }],
];
const certificate = makeCertificate({ commonName: 'localhost' });
const root = path.dirname(import.meta.dirname);

const USAGE = `usage: node scripts/bench.ts [options]

  --messages N       messages of a load (default 2000000)
  --runs N           runs of each load, of which the best counts (default 3)
  --only REGEX       only loads whose names match; also "latency" and "deferred"
  --server COMMAND   measure another nsqd; the command gets nsqd's flags`;

const values = readArguments(USAGE, {
  messages: { type: 'string', default: '2000000' },
  runs: { type: 'string', default: '3' },
  server: { type: 'string' },
  only: { type: 'string', default: '' },
});
const messages = wholeNumber('messages', values.messages, 1000, USAGE);
const runs = wholeNumber('runs', values.runs, 1, USAGE);
const only = new RegExp(values.only, 'i');

type Figure = { rate: number; cpuUs: number };

const batches: PublishLoad = {
  topic: TOPIC,
  messages,
  batch: 200,
  size: SIZE,
  connections: 2,
  inFlight: 2,
};
const singles: PublishLoad = {
  ...batches,
  messages: messages / 10,
  batch: 1,
  connections: 64,
  inFlight: 1,
};
const layered: PublishLoad = { ...batches, messages: messages / 4 };
const pipelined: PublishLoad = { ...singles, inFlight: 8 };

console.log(
  `Node ${process.version}, ${os.availableParallelism()} cores, ${os.cpus()[0]?.model ?? ''}`,
);
console.log(`${messages} messages of ${SIZE} bytes, best of ${runs} runs\n`);
console.log('load                               server        msg/s   CPU µs/msg');
for (const [name, load] of [
  ['MPUB 200, 2 connections × 2', batches],
  ['PUB, 64 connections × 1', singles],
  ['PUB, 64 connections × 8', pipelined],
] as const) {
  if (!only.test(name)) continue;
  const commandBytes = (load.batch === 1 ? pub(TOPIC, SIZE) : mpub(TOPIC, load.batch, SIZE)).length;
  print(name, 'null sink', await best(() => publishToSink(load, commandBytes)));
  print(name, 'broker', await best(() => publishToBroker(load)));
}
const CONSUME = 'consume, RDY 2500, 2 connections';
if (only.test(CONSUME)) print(CONSUME, 'broker', await best(() => consumeFromBroker({})));
for (const [name, layers] of LAYERED) {
  if (!only.test(name)) continue;
  print(`MPUB, ${name}`, 'broker', await best(() => publishToBroker({ ...layered, layers })));
  print(`consume, ${name}`, 'broker', await best(() => consumeFromBroker(layers)));
}
for (const rate of [1000, 10_000]) {
  if (!only.test('latency')) continue;
  const found = await withBroker((server) => latency(server.port, TOPIC, rate, 5));
  const ms = (value: number): string => value.toFixed(2);
  console.log(
    `latency at ${rate} msg/s`.padEnd(35),
    `p50 ${ms(found.p50)} ms, p99 ${ms(found.p99)} ms, max ${ms(found.max)} ms`,
  );
}

if (only.test('deferred')) await printLateness();

async function printLateness(): Promise<void> {
  const late = await withBroker(async (server) => {
    const load = { topic: TOPIC, messages: messages / 2, delayMs: 10_000, spreadMs: 10_000 };
    const lateness = await deferred(server.port, load);
    console.log(
      `${`${messages / 2} deferred messages`.padEnd(34)} peak memory ${Math.round(server.peakMemoryMiB())} MiB`,
    );
    return lateness;
  });
  console.log(
    'lateness'.padEnd(34),
    `p50 ${late.p50.toFixed(2)} ms, p99 ${late.p99.toFixed(2)} ms, max ${late.max.toFixed(2)} ms, earliest ${late.min.toFixed(2)} ms`,
  );
}

async function best(run: () => Promise<Figure>): Promise<Figure> {
  const figures: Figure[] = [];
  for (let i = 0; i < runs; i++) figures.push(await run());
  return {
    rate: Math.max(...figures.map((figure) => figure.rate)),
    cpuUs: Math.min(...figures.map((figure) => figure.cpuUs)),
  };
}

async function publishToSink(load: PublishLoad, commandBytes: number): Promise<Figure> {
  const program = path.join(root, 'scripts', 'bench', 'null-sink.ts');
  const server = await Server.start('null sink', process.execPath, [
    program,
    '{port}',
    String(commandBytes),
  ]);
  try {
    return await measure(server, load.messages, () => publish(server.port, load));
  } finally {
    await server.stop();
  }
}

function publishToBroker(load: PublishLoad): Promise<Figure> {
  return withBroker((server) => measure(server, load.messages, () => publish(server.port, load)));
}

function consumeFromBroker(layers: Layers): Promise<Figure> {
  return withBroker(async (server) => {
    const count = Object.keys(layers).length === 0 ? messages : messages / 4;
    await publish(server.port, { ...batches, messages: count });
    const load = {
      topic: TOPIC,
      channel: CHANNEL,
      messages: count,
      connections: 2,
      rdy: 2500,
      layers,
    };
    const figure = await measure(server, count, () => consume(server.port, load));
    console.log(
      `${''.padEnd(35)} peak memory with ${count} queued: ${Math.round(server.peakMemoryMiB())} MiB`,
    );
    return figure;
  });
}

async function withBroker<T>(use: (server: Server) => Promise<T>): Promise<T> {
  const dataPath = mkdtempSync(path.join(os.tmpdir(), 'ringmq-bench-'));
  writeFileSync(path.join(dataPath, 'cert.pem'), certificate.cert);
  writeFileSync(path.join(dataPath, 'key.pem'), certificate.key);
  const flags = [
    '--tcp-address=127.0.0.1:{port}',
    '--http-address=',
    `--data-path=${dataPath}`,
    `--mem-queue-size=${2 * messages}`,
    '--log-level=error',
    `--tls-cert=${path.join(dataPath, 'cert.pem')}`,
    `--tls-key=${path.join(dataPath, 'key.pem')}`,
    '--https-address=',
  ];
  const words = values.server?.split(' ') ?? [
    process.execPath,
    path.join(root, 'src', 'main', 'index.ts'),
  ];
  const [program = '', ...before] = words;
  const server = await Server.start('broker', program, [...before, ...flags]);
  try {
    return await use(server);
  } finally {
    await server.stop();
    rmSync(dataPath, { recursive: true, force: true });
  }
}

/** `run` resolves with ms. */
async function measure(server: Server, count: number, run: () => Promise<number>): Promise<Figure> {
  const before = server.cpuUs();
  const elapsedMs = await run();
  return { rate: (count / elapsedMs) * 1000, cpuUs: (server.cpuUs() - before) / count };
}

function print(name: string, server: string, { rate, cpuUs }: Figure): void {
  const columns = [
    name.padEnd(34),
    server.padEnd(10),
    Math.round(rate).toLocaleString('en').padStart(11),
    cpuUs.toFixed(2).padStart(10),
  ];
  console.log(columns.join(' '));
}
