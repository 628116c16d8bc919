/**
 * The topics and channels of a run: one with a channel, one with two, and one whose channels are created late.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askPort, type CheckedServer } from './checked-server.ts';

/** A channel, and the share of a run's lives after which it is created. */
export type PlannedChannel = {
  readonly topic: string;
  readonly channel: string;
  readonly after: number;
};

/** All topics. */
export const TOPICS = ['one', 'two', 'late'] as const;

/** All channels. Messages of a topic without channels wait for the first. */
export const CHANNELS: readonly PlannedChannel[] = [
  { topic: 'one', channel: 'only', after: 0 },
  { topic: 'two', channel: 'left', after: 0 },
  { topic: 'two', channel: 'right', after: 0 },
  { topic: 'late', channel: 'first', after: 1 / 3 },
  { topic: 'late', channel: 'second', after: 2 / 3 },
];

const POLL_MS = 10;
const POLLS_MAX = 1000;

/** Creates a topic on all brokers, and waits until they have saved it. */
export async function createTopic({ brokers }: CheckedServer, topic: string): Promise<void> {
  for (const { httpPort, dataPath } of brokers) {
    await askPort(httpPort, `/topic/create?topic=${topic}`, 'POST');
    await written(dataPath, `topic "${topic}"`, (names) => names.has(topic));
  }
}

/** Creates a channel on all brokers, and waits until they have saved it. */
export async function createChannel(
  { brokers }: CheckedServer,
  { topic, channel }: PlannedChannel,
): Promise<void> {
  const isThere = (names: Names): boolean => names.get(topic)?.has(channel) === true;
  for (const { httpPort, dataPath } of brokers) {
    await askPort(httpPort, `/channel/create?topic=${topic}&channel=${channel}`, 'POST');
    await written(dataPath, `channel "${topic}/${channel}"`, isThere);
  }
}

/** The names of channels by the names of topics. */
type Names = ReadonlyMap<string, ReadonlySet<string>>;

async function written(
  dataPath: string,
  what: string,
  isThere: (names: Names) => boolean,
): Promise<void> {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    if (isThere(readNames(path.join(dataPath, 'nsqd.dat')))) return;
    await delay(POLL_MS);
  }
  throw new Error(`the broker did not write ${what} into nsqd.dat`);
}

function readNames(file: string): Names {
  // nsqd's own format
  const { topics } = JSON.parse(readFileSync(file, 'utf8')) as {
    topics: readonly { name: string; channels: readonly { name: string }[] | null }[] | null;
  };
  return new Map(
    (topics ?? []).map(({ name, channels }) => [name, new Set(channels?.map((one) => one.name))]),
  );
}
