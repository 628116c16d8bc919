/**
 * `all`: the documented set of loads. Their counts are those for `--messages 2M` and are scaled with it; durations are
 * not.
 */

import os from 'node:os';
import path from 'node:path';
import type { Subcommand } from './load.ts';
import { type Command, entryPlan } from './load.ts';
import { CHURN } from './loads/churn.ts';
import { FANOUT } from './loads/fanout.ts';
import { COLD, IDLE_MEMORY } from './loads/fresh-server.ts';
import { HTTP } from './loads/http.ts';
import { IDLE } from './loads/idle.ts';
import { LATENCY, LOW_RATE } from './loads/latency.ts';
import { DEFERRED, EXPIRY } from './loads/lateness.ts';
import { MIXED } from './loads/mixed.ts';
import { OVERFLOW } from './loads/overflow.ts';
import { TOPICS } from './loads/topics.ts';
import { PUB, PUBSUB, SUB } from './loads/traffic.ts';
import {
  ArgumentError,
  count,
  describeOptions,
  type OptionValues,
  optionalPattern,
  optionalText,
  readOptions,
  wordsOf,
} from './options.ts';
import type { LoadPlan } from './run-load.ts';
import { checkRunOptions, RUN_OPTIONS, type RunValues } from './run-options.ts';
import { specsOf } from './servers.ts';

export const SUBCOMMANDS: readonly Subcommand[] = [
  PUB,
  SUB,
  PUBSUB,
  LATENCY,
  FANOUT,
  OVERFLOW,
  DEFERRED,
  EXPIRY,
  HTTP,
  TOPICS,
  IDLE,
  CHURN,
  COLD,
  IDLE_MEMORY,
  LOW_RATE,
  MIXED,
];

/** A load of the set. `words`: the sub-command and its arguments. */
export type StandardLoad = {
  readonly name: string;
  readonly words: readonly string[];
  /** Counts that are scaled, by their flags. */
  readonly counts: Readonly<Record<string, number>>;
  /** Runs once, whatever `--runs` says: it takes long, or takes many samples by itself. */
  readonly isOnce: boolean;
};

/** The value of `--messages` that the counts below are for. */
const STANDARD_MESSAGES = 2_000_000;

const MILLION = 1_000_000;
const COUNT_MIN = 10;

const LAYERS = [
  ['TLS', ['--tls']],
  ['snappy', ['--compression', 'snappy']],
  ['deflate', ['--compression', 'deflate']],
  ['TLS and snappy', ['--tls', '--compression', 'snappy']],
] as const;

export const STANDARD_SET: readonly StandardLoad[] = [
  often('MPUB 200, 2 connections × 2', 'pub', { messages: 2 * MILLION }),
  often('PUB, 64 connections × 1', 'pub --batch 1 --connections 64 --in-flight 1', {
    messages: 0.2 * MILLION,
  }),
  often('PUB, 64 connections × 8', 'pub --batch 1 --connections 64 --in-flight 8', {
    messages: 0.2 * MILLION,
  }),
  often('consume, RDY 2500, 2 connections', 'sub', { messages: 2 * MILLION }),
  often('publish and consume, one channel', 'pubsub', { messages: 2 * MILLION }),
  ...LAYERS.flatMap(([name, flags]) => [
    often(`MPUB, ${name}`, `pub ${flags.join(' ')}`, { messages: 0.5 * MILLION }),
    often(`consume, ${name}`, `sub ${flags.join(' ')}`, { messages: 0.5 * MILLION }),
  ]),
  often('HTTP POST /pub, 64 connections', 'http', { messages: 0.2 * MILLION }),
  often('HTTP POST /mpub of 100, 4 connections', 'http --batch 100 --connections 4', {
    messages: MILLION,
  }),
  often('HTTP POST /mpub of 100, binary', 'http --batch 100 --binary --connections 16', {
    messages: MILLION,
  }),
  often('HTTP POST /pub, 16 pipelined', 'http --in-flight 16', { messages: 0.5 * MILLION }),
  often('HTTP POST /pub, new connections', 'http --new-connections', { messages: 20_000 }),
  often('PUB, OK after the sync', 'pub --batch 1 --connections 64 --acknowledge fsync', {
    messages: 50_000,
  }),
  often('the first messages after a start', 'cold', { messages: 0.2 * MILLION }),
  often('mixed topics, sizes and consumers', 'mixed', { messages: 0.3 * MILLION }),
  often('fan-out to 10 channels, held', 'fanout', { messages: 0.5 * MILLION }),
  often('fan-out to 10 channels, consumed', 'fanout --consume', { messages: 0.5 * MILLION }),
  often('overflow to disk', 'overflow', { messages: 1.5 * MILLION }),
  once('latency at 1000 msg/s', 'latency --rate 1000', {}),
  once('latency at 10000 msg/s', 'latency --rate 10000', {}),
  once('low rate, 100 msg/s', 'low-rate --rate 100', {}),
  once('idle, without topics and clients', 'idle-memory', {}),
  once('deferred messages', 'deferred', { messages: MILLION }),
  once('messages that expire', 'expiry', { messages: MILLION }),
  once('topics with a channel each', 'topics', { topics: 10_000 }),
  once('idle consumers', 'idle', { consumers: 10_000 }),
  often('churn of connections', 'churn --kind connections', { messages: 20_000 }),
  often('churn of channels', 'churn --kind channels', { messages: 20_000 }),
];

/** The words of a load of the set, with its counts scaled to this many messages. */
function scaledWords({ words, counts }: StandardLoad, messages: number): string[] {
  const scale = messages / STANDARD_MESSAGES;
  const flags = Object.entries(counts).flatMap(([flag, count]) => [
    `--${flag}`,
    String(Math.max(COUNT_MIN, Math.round(count * scale))),
  ]);
  return [...words, ...flags];
}

function often(name: string, words: string, counts: StandardLoad['counts']): StandardLoad {
  return { name, words: words.split(' '), counts, isOnce: false };
}

function once(name: string, words: string, counts: StandardLoad['counts']): StandardLoad {
  return { ...often(name, words, counts), isOnce: true };
}

const MESSAGES_MIN = 1000;

const ALL_OPTIONS = {
  messages: count(
    STANDARD_MESSAGES,
    MESSAGES_MIN,
    'messages of the first load; all other counts scale with it',
  ),
  only: optionalPattern('run only loads whose names match'),
  report: optionalText(
    'PREFIX',
    'write the report to PREFIX.md and PREFIX.json (default: in the directory for temporary files)',
  ),
} as const;

/** The options of `all`. `reportPrefix`: null for a path in the directory of temporary files. */
type AllPlan = {
  readonly common: RunValues;
  readonly plans: readonly LoadPlan[];
  readonly reportPrefix: string | null;
};

export const ALL: Command = {
  name: 'all',
  summary: 'a set of these, with a report (the default)',
  usage: allUsage,
  read: (words) => {
    const { common, plans, reportPrefix } = readAll(words);
    const specs = specsOf(common, true);
    return {
      common,
      specs,
      plans: plans.map((plan) => entryPlan(plan, specs, null)),
      reportPrefix: reportPrefix ?? path.join(os.tmpdir(), `ringmq-bench-${fileDate()}`),
    };
  },
};

/** Reads the words after `all`. Errors: throws an `ArgumentError`. */
export function readAll(words: readonly string[]): AllPlan {
  const table = { ...RUN_OPTIONS, ...ALL_OPTIONS };
  const values: OptionValues<typeof table> = readOptions(table, words);
  checkRunOptions(values);
  const passedOn = wordsOf(['memQueueSize', 'warmUp'], table, words);
  const chosen = STANDARD_SET.filter(({ name }) => values.only?.test(name) ?? true);
  if (chosen.length === 0) {
    const names = STANDARD_SET.map(({ name }) => `  ${name}`).join('\n');
    throw new ArgumentError(`--only ${values.only?.source} matches none of\n${names}`);
  }
  const plans = chosen.map((standard) => {
    const [name, ...rest] = scaledWords(standard, values.messages);
    return {
      name: standard.name,
      load: subcommandOf(name).read([...rest, ...passedOn]),
      runs: standard.isOnce ? 1 : values.runs,
    };
  });
  return { common: values, plans, reportPrefix: values.report };
}

/** `program`: the command that the user has typed. */
export function allUsage(program: string): string {
  const set = STANDARD_SET.map(
    ({ name, isOnce, words, counts }) =>
      `  ${name}${isOnce ? ' (once)' : ''}\n      ${scaledWords({ name, isOnce, words, counts }, STANDARD_MESSAGES).join(' ')}`,
  );
  return `usage: ${program} [all] [options]

Runs a set of loads and writes a report, as Markdown and as JSON. Loads that a null sink can take
are measured on it too.

Of this sub-command:
${describeOptions(ALL_OPTIONS)}

Of every load:
${describeOptions(RUN_OPTIONS)}

The set:
${set.join('\n')}

Examples:
  ${program} --messages 200k --runs 1
  ${program} all --only 'MPUB 200|consume, RDY' --runs 5 --against-server nsqd
  ${program} all --report today --compare yesterday.json`;
}

function subcommandOf(name: string): Subcommand {
  const found = SUBCOMMANDS.find((subcommand) => subcommand.name === name);
  if (found === undefined) throw new Error(`the set has an unknown load "${name}"`);
  return found;
}

/** The time as part of a file name. */
function fileDate(): string {
  return new Date()
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:]/g, '');
}
