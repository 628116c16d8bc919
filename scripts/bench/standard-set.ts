/**
 * The documented set of loads that `all` runs. The counts are those for `--messages 2M`; all of them are scaled with
 * it, and what is measured by its time is not.
 */

/** One of the set. `words`: the sub-command and its arguments. */
export type StandardLoad = {
  readonly name: string;
  readonly words: readonly string[];
  /** Counts that are scaled, by their flags. */
  readonly counts: Readonly<Record<string, number>>;
  /** Run once instead of as often as the others: it takes long, or is made of many samples by itself. */
  readonly isOnce: boolean;
};

/** What the counts below are made for. */
export const STANDARD_MESSAGES = 2_000_000;

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
  often('fan-out to 10 channels, held', 'fanout', { messages: 0.5 * MILLION }),
  often('fan-out to 10 channels, consumed', 'fanout --consume', { messages: 0.5 * MILLION }),
  often('overflow to disk', 'overflow', { messages: 1.5 * MILLION }),
  once('latency at 1000 msg/s', 'latency --rate 1000', {}),
  once('latency at 10000 msg/s', 'latency --rate 10000', {}),
  once('deferred messages', 'deferred', { messages: MILLION }),
  once('topics with a channel each', 'topics', { topics: 10_000 }),
  once('idle consumers', 'idle', { consumers: 10_000 }),
  often('churn of connections', 'churn --kind connections', { messages: 20_000 }),
  often('churn of channels', 'churn --kind channels', { messages: 20_000 }),
];

/** The words of a load of the set, with its counts for so many messages. */
export function scaledWords({ words, counts }: StandardLoad, messages: number): string[] {
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
