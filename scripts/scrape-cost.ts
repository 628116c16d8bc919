// Measures what answers about thousands of channels cost the broker's main thread: CPU time, garbage collections, and
// the longest turn of its event loop, during which no other client is served.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProbeReport, ProbeRequest } from './checkers/scrape/turn-probe.ts';
import { readArguments, wholeNumber } from './kit/arguments.ts';
import { BrokerProcess } from './kit/broker.ts';

const USAGE = `usage: node scripts/scrape-cost.ts [options]

Starts a broker with many channels, requests the metrics of all of them repeatedly, and prints the
cost for its main thread: CPU time and time of garbage collections in one series of requests, and the
longest turn of its event loop in another, because watching turns takes CPU time itself.

  --channels N    of all topics together (default 10000)
  --topics N      number of topics (default 100)
  --requests N    in each series (default 10)
  --warm-up N     requests before that (default 5)
  --path PATH     path to request, such as /stats?format=json (default /metrics)
  --entry FILE    start.cjs of another checkout, to compare with

Example:
  node scripts/scrape-cost.ts --requests 20

Exit code: 0 measured, 2 bad arguments.`;

const PROBE = path.join(import.meta.dirname, 'checkers/scrape/turn-probe.ts');
const OWN_ENTRY = path.join(import.meta.dirname, '../src/main/start.cjs');
const PAUSE_MS = 300;

const values = readArguments(USAGE, {
  channels: { type: 'string', default: '10000' },
  topics: { type: 'string', default: '100' },
  requests: { type: 'string', default: '10' },
  'warm-up': { type: 'string', default: '5' },
  path: { type: 'string', default: '/metrics' },
  entry: { type: 'string', default: OWN_ENTRY },
});
const topicCount = wholeNumber('topics', values.topics, 1, USAGE);
const channelCount = wholeNumber('channels', values.channels, topicCount, USAGE);
const requestCount = wholeNumber('requests', values.requests, 1, USAGE);
const warmUpCount = wholeNumber('warm-up', values['warm-up'], 0, USAGE);

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-scrape-'));
writeFileSync(path.join(dataPath, 'nsqd.dat'), metadata());
const child = startProbed();
const broker = new BrokerProcess(child);
await broker.listening();
for (let i = 0; i < warmUpCount; i++) await measure('cpu');
const costs = await series('cpu');
const turns = await series('turns');
const { bytes } = costs[0];
console.log(
  [
    `${channelCount} channels in ${topicCount} topics, ${values.path}: ${bytes} bytes, ${requestCount} requests`,
    `CPU time of main, ms        ${spread(costs, ({ cpuMs }) => cpuMs)}`,
    `of it collections, ms       ${spread(costs, ({ collectionMs }) => collectionMs)}`,
    `longest turn, ms            ${spread(turns, ({ longestTurnMs }) => longestTurnMs)}`,
    `from request to end, ms     ${spread(costs, ({ elapsedMs }) => elapsedMs)}`,
  ].join('\n'),
);
agent.destroy();
await broker.stop();
rmSync(dataPath, { recursive: true });

type Cost = ProbeReport & { readonly bytes: number; readonly elapsedMs: number };

function metadata(): string {
  const topics = Array.from({ length: topicCount }, (_, topic) => ({
    name: `topic${topic}`,
    paused: false,
    channels: Array.from(
      { length: Math.ceil((channelCount - topic) / topicCount) },
      (_, number) => ({
        name: `channel${number}`,
        paused: false,
      }),
    ),
  }));
  return JSON.stringify({ version: '1.3.0', topics });
}

function startProbed(): ChildProcess {
  const flags = [
    '--tcp-address=127.0.0.1:0',
    '--http-address=127.0.0.1:0',
    `--data-path=${dataPath}`,
    `--metrics-topics-max=${channelCount}`,
  ];
  const started = spawn(process.execPath, ['--import', PROBE, values.entry, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  process.on('exit', () => void started.kill('SIGKILL'));
  return started;
}

async function tellProbe(request: ProbeRequest): Promise<unknown> {
  const answer = once(child, 'message');
  child.send(request);
  return (await answer)[0];
}

async function series(what: 'cpu' | 'turns'): Promise<Cost[]> {
  const list: Cost[] = [];
  while (list.length < requestCount) list.push(await measure(what));
  return list;
}

async function measure(what: 'cpu' | 'turns'): Promise<Cost> {
  await pause(PAUSE_MS);
  await tellProbe(what);
  const startMs = performance.now();
  const bytes = await ask();
  const elapsedMs = performance.now() - startMs;
  // The boundary to the other process: the probe's report has this shape.
  const report = (await tellProbe('tell')) as ProbeReport;
  return { ...report, bytes, elapsedMs };
}

/** Bytes of the answer's body. */
function ask(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const options = { host: '127.0.0.1', port: broker.httpPort, path: values.path, agent };
  get(options, (response) => {
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    response.on('end', () => {
      if (response.statusCode === 200) resolve(size);
      else reject(new Error(`ask for "${values.path}": ${response.statusCode}`));
    });
    response.on('error', reject);
  }).on('error', reject);
  return promise;
}

/** The smallest, median and largest of a figure. */
function spread(costs: readonly Cost[], read: (cost: Cost) => number): string {
  const sorted = costs.map(read).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  return `${least.toFixed(1)} least, ${median.toFixed(1)} median, ${most.toFixed(1)} most`;
}
