/** `topics`: thousands of idle topics with a channel each. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Load, subcommand } from '../load.ts';
import { amount, count } from '../options.ts';
import type { Figures } from '../report/metrics.ts';
import { peakOf, type RunContext } from '../run-context.ts';
import { createChannel, deleteTopic } from '../server-queries.ts';
import { needsFor } from './traffic-options.ts';

const METADATA_FILE = 'nsqd.dat';
const METADATA_VERSION = '1.3.0';
/** Requests that run at the same time. */
const REQUESTS_MAX = 8;

const OPTIONS = {
  topics: count(10_000, 1, 'topics, each with a channel'),
  seconds: amount(5, 0.1, 'seconds of observation while the server is idle'),
  settle: amount(2, 0, 'seconds before that, for the server to become idle'),
} as const;

const LOAD: Load<typeof OPTIONS> = {
  name: 'topics',
  unit: 'topic',
  summary: 'thousands of topics with a channel each: start, memory, idle CPU, exit',
  about: `A server that is started finds the topics in its metadata. Its start is measured until it accepts
connections, its exit from SIGTERM on. On a running server the topics are created over HTTP and
deleted afterwards, and start and exit are not measured.`,
  examples: ['', '--topics 1000 --seconds 30'],
  options: OPTIONS,
  warmUp: 'none',
  check: () => undefined,
  needs: ({ topics }) => ({
    ...needsFor(1, null),
    prepare: (dataPath) => writeFileSync(path.join(dataPath, METADATA_FILE), metadata(topics)),
  }),
  sink: () => 'the null sink has no topics',
  run: async (context, values) => {
    const { target } = context;
    if (target.process !== null) {
      const idle = await watch(context, values.settle, values.seconds);
      const peak = peakOf(target);
      const exitMs = await target.process.end();
      return { startMs: target.process.startMs, ...idle, ...peak, exitMs };
    }
    const names = Array.from({ length: values.topics }, (_, index) => `${context.topic}_${index}`);
    const { httpAddress } = target;
    await forEach(names, (name) => createChannel(httpAddress, name, 'bench'));
    const idle = await watch(context, values.settle, values.seconds);
    await forEach(names, (name) => deleteTopic(httpAddress, name));
    return { ...idle, ...peakOf(target) };
  },
};

/** Lets the server settle, and then measures it idle. */
async function watch(context: RunContext, settle: number, seconds: number): Promise<Figures> {
  const { target } = context;
  context.tell('watching it idle', 0);
  await delay(settle * 1000);
  const beforeUs = target.cpuUs();
  await delay(seconds * 1000);
  const afterUs = target.cpuUs();
  const residentMib = target.residentMib();
  const isKnown = beforeUs !== undefined && afterUs !== undefined;
  return {
    ...(residentMib === undefined ? {} : { residentMib }),
    ...(isKnown ? { idleCpu: (afterUs - beforeUs) / (seconds * 10_000) } : {}),
  };
}

async function forEach(
  names: readonly string[],
  doOne: (name: string) => Promise<void>,
): Promise<void> {
  const rest = names.values();
  const worker = async (): Promise<void> => {
    for (const name of rest) await doOne(name);
  };
  await Promise.all(Array.from({ length: REQUESTS_MAX }, worker));
}

/** The format of nsqd's list of topics. */
function metadata(count: number): string {
  const topics = Array.from({ length: count }, (_, index) => ({
    name: `topic${index}`,
    paused: false,
    channels: [{ name: 'bench', paused: false }],
  }));
  return JSON.stringify({ topics, version: METADATA_VERSION });
}

export const TOPICS = subcommand(LOAD);
