/**
 * Kills `ringmq to-file` again and again under load, and checks that every published message is in the files.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Producer } from '../src/client/client.ts';
import { archivedLines } from './kit/archived-lines.ts';
import { readArguments } from './kit/arguments.ts';
import { startBroker } from './kit/broker.ts';

const USAGE = `usage: node scripts/to-file-kills.ts [options]

Kills ringmq to-file again and again under load, and checks that every published message is in the
files.

  --kills N       number of kills (default 200)
  --seed S        seed of the times between kills (default: the time)
  --flags FLAGS   more flags for to-file, such as --flags="--gzip"

Exit code: 0 nothing is missing, 1 a message is missing, 2 bad arguments.`;

const TOPIC = 'kills';
const BATCH = 50;
const LIFE_MS_MAX = 400;
/** Node needs this long to start. */
const START_MS = 150;
const PUBLISH_PAUSE_MS = 5;
const DRAIN_MS = 250;
const DRAIN_CHECKS_MAX = 240;

const values = readArguments(USAGE, {
  kills: { type: 'string', default: '200' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  flags: { type: 'string', default: '' },
});
const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-kills-'));
const output = path.join(directory, 'out');
const broker = await startBroker({ dataPath: directory });
const producer = new Producer({ nsqd: [`127.0.0.1:${broker.tcpPort}`] });
let state = Number(values.seed);
let publishedCount = 0;
let isPublishing = true;

console.log(`seed ${values.seed}, ${values.kills} kills, flags "${values.flags}"`);
await broker.ask(`/topic/create?topic=${TOPIC}`, 'POST');
await broker.ask(`/channel/create?topic=${TOPIC}&channel=nsq_to_file`, 'POST');
const publishing = publish();
for (let kill = 1; kill <= Number(values.kills); kill++) {
  const child = startTool();
  await pause(START_MS + random() * LIFE_MS_MAX);
  child.kill('SIGKILL');
  await once(child, 'exit');
  if (kill % 20 === 0) console.log(`${kill} kills, ${publishedCount} messages published`);
}
isPublishing = false;
await publishing;
const last = startTool();
await drained();
last.kill('SIGTERM');
const [code] = await once(last, 'exit');

const found = new Set(await archivedLines(output));
const missing = Array.from({ length: publishedCount }, (_, number) => `m${number}`).filter(
  (line) => !found.has(line),
);
console.log(`${publishedCount} published, ${missing.length} missing, exit code ${code}`);
await producer.close();
await broker.stop();
rmSync(directory, { recursive: true });
process.exitCode = missing.length === 0 && code === 0 && publishedCount > 0 ? 0 : 1;

function startTool(): ReturnType<typeof spawn> {
  const flags = [
    `--topic=${TOPIC}`,
    `--nsqd-tcp-address=127.0.0.1:${broker.tcpPort}`,
    `--output-dir=${output}`,
    '--sync-interval=50ms',
    ...values.flags.split(' ').filter((flag) => flag !== ''),
  ];
  const entry = path.join(import.meta.dirname, 'ringmq.cjs');
  return spawn(process.execPath, [entry, 'to-file', ...flags], { stdio: 'ignore' });
}

async function publish(): Promise<void> {
  while (isPublishing) {
    const bodies = Array.from({ length: BATCH }, (_, index) => `m${publishedCount + index}`);
    await producer.publishMany(TOPIC, bodies);
    publishedCount += BATCH;
    await pause(PUBLISH_PAUSE_MS);
  }
}

/** Errors: rejects if messages still wait after a minute. */
async function drained(): Promise<void> {
  for (let check = 0; check < DRAIN_CHECKS_MAX; check++) {
    await pause(DRAIN_MS);
    const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${TOPIC}`));
    const [{ depth, in_flight_count: inFlight, deferred_count: deferred }] =
      stats.topics[0].channels;
    if (depth + inFlight + deferred === 0) return;
  }
  throw new Error('messages still wait');
}

/** From 0 to 1; the same for the same seed. */
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}
