/**
 * Takes backups of a broker under load, starts a broker on each, and checks that it has every message that was
 * acknowledged before the backup began and not finished before it ended.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { Consumer, Producer } from '../src/client/client.ts';
import { readArguments } from './kit/arguments.ts';
import { type BrokerProcess, startBroker } from './kit/broker.ts';

const USAGE = `usage: node scripts/backups.ts [options]

Takes backups of a broker under load, starts a broker on each of them, and checks that nothing is
missing that was acknowledged before the backup and is not finished.

  --backups N        number of backups (default 10)
  --server COMMAND   start this server on the backups instead of RingMQ, such as nsqd

Exit code: 0 nothing is missing, 1 a message is missing, 2 bad arguments.`;

const FLAGS = ['--mem-queue-size=0', '--max-bytes-per-file=65536'];
const BATCH = 50;
const PUBLISH_PAUSE_MS = 5;
const MOVE_PAUSE_MS = 50;
const LIFE_MS = 500;
/** One in this many messages is not finished. */
const KEPT = 20;
const DRAIN_MS = 100;
const DRAIN_CHECKS_MAX = 600;
/** The channels of the topic: x is consumed, the messages of y are moved to another topic in portions. */
const CHANNELS = [
  ['t', 'x'],
  ['t', 'y'],
  ['u', 'z'],
] as const;

const values = readArguments(USAGE, {
  backups: { type: 'string', default: '10' },
  server: { type: 'string' },
});
const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-backups-'));
const dataPath = path.join(directory, 'data');
mkdirSync(dataPath);
const broker = await startBroker({ dataPath, flags: FLAGS });
for (const [topic, channel] of CHANNELS) {
  await broker.ask(`/topic/create?topic=${topic}`, 'POST');
  await broker.ask(`/channel/create?topic=${topic}&channel=${channel}`, 'POST');
}
const producer = new Producer({ nsqd: [`127.0.0.1:${broker.tcpPort}`] });
const finished = new Set<number>();
let publishedCount = 0;
let isRunning = true;

const consumer = new Consumer({ topic: 't', channel: 'x', nsqd: [`127.0.0.1:${broker.tcpPort}`] });
const loads = [publish(), move(), consume()];
let failures = 0;
for (let number = 1; number <= Number(values.backups); number++) {
  await pause(LIFE_MS);
  if (!(await checkBackup(number))) failures++;
}
isRunning = false;
await consumer.close();
await Promise.all(loads);
await producer.close();
await broker.stop();
rmSync(directory, { recursive: true });
console.log(`${values.backups} backups of ${publishedCount} messages, ${failures} failed`);
process.exitCode = failures === 0 && publishedCount > 0 ? 0 : 1;

/** Takes a backup, and reads it. Returns whether it is complete. */
async function checkBackup(number: number): Promise<boolean> {
  const target = path.join(directory, `backup-${number}`);
  const publishedBefore = publishedCount;
  const outcome = await backUp(target);
  const wanted = Array.from({ length: publishedBefore }, (_, index) => index);
  const unfinished = wanted.filter((message) => !finished.has(message));
  const found = await contentOf(target);
  const moved = found.get('u:z') ?? new Set();
  const missing = [
    ...unfinished.filter((message) => found.get('t:x')?.has(message) !== true),
    ...wanted.filter((message) => found.get('t:y')?.has(message) !== true && !moved.has(message)),
  ];
  console.log(
    `backup ${number}: exit code ${outcome.code}, ${publishedBefore} messages before it, ` +
      `${missing.length} missing${outcome.text === '' ? '' : `, ${outcome.text.trimEnd()}`}`,
  );
  rmSync(target, { recursive: true });
  return outcome.code === 0 && missing.length === 0;
}

/** In a separate process, because the load continues meanwhile. */
async function backUp(target: string): Promise<{ code: number; text: string }> {
  const entry = path.join(import.meta.dirname, 'ringmq.cjs');
  const child = spawn(process.execPath, [entry, 'backup', dataPath, target], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [[code], errors] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
  return { code, text: errors };
}

/** The messages of each channel, as a broker delivers them that starts on the backup. */
async function contentOf(target: string): Promise<Map<string, Set<number>>> {
  const restored = await startBroker({ server: values.server, dataPath: target, flags: FLAGS });
  const found = new Map<string, Set<number>>();
  for (const [topic, channel] of CHANNELS) {
    const messages = new Set<number>();
    found.set(`${topic}:${channel}`, messages);
    const reader = new Consumer({ topic, channel, nsqd: [`127.0.0.1:${restored.tcpPort}`] });
    const reading = (async () => {
      for await (const message of reader) {
        messages.add(Number(message.text()));
        await message.finish();
      }
    })();
    await drained(restored, topic, channel);
    await reader.close();
    await reading;
  }
  await restored.kill();
  return found;
}

/** Errors: rejects if messages still wait after a minute. */
async function drained(restored: BrokerProcess, topic: string, channel: string): Promise<void> {
  for (let check = 0; check < DRAIN_CHECKS_MAX; check++) {
    await pause(DRAIN_MS);
    const stats = JSON.parse(
      await restored.ask(`/stats?format=json&topic=${topic}&channel=${channel}`),
    );
    const of = stats.topics[0];
    const [{ depth, in_flight_count: inFlight, deferred_count: deferred }] = of.channels;
    if (of.depth + depth + inFlight + deferred === 0) return;
  }
  throw new Error('messages still wait');
}

async function publish(): Promise<void> {
  while (isRunning) {
    const bodies = Array.from({ length: BATCH }, (_, index) => `${publishedCount + index}`);
    await producer.publishMany('t', bodies);
    publishedCount += BATCH;
    await pause(PUBLISH_PAUSE_MS);
  }
}

async function move(): Promise<void> {
  while (isRunning) {
    await broker.ask(`/messages/move?from=t:y&to=u&limit=${BATCH}&state=ready`, 'POST');
    await pause(MOVE_PAUSE_MS);
  }
}

async function consume(): Promise<void> {
  for await (const message of consumer) {
    const number = Number(message.text());
    if (number % KEPT === 0) continue;
    // The finish is under way from here on, so the backup may contain it.
    finished.add(number);
    await message.finish();
  }
}
