/**
 * What a seed decides: the broker's configuration, and the load and the end of each of its lives.
 */

import { type Random, seededRandom } from '../../../test/support/seeded-random.ts';

/** How a life of the broker, from start to end, ends. */
type LifeEnd =
  /** Killed at any moment. */
  | 'kill'
  /** Killed when nothing was finished for a while, so that every finish is settled. */
  | 'quiet kill'
  /** Killed when everything was finished, so that nothing may be redelivered. */
  | 'drained kill'
  /** Killed soon after its start, perhaps before it listens. */
  | 'kill at the start'
  /** Killed during a clean shutdown. */
  | 'kill at the end'
  /** Shut down cleanly. */
  | 'clean';

/** One life of the broker. Units: `delayMs` from the start, or from the signal to shut down, to the kill. */
export type Life = {
  readonly end: LifeEnd;
  /** Acknowledged publishes and deliveries before it ends. */
  readonly operations: number;
  readonly delayMs: number;
  readonly publishers: number;
  /** Unanswered commands of a publisher. */
  readonly pipeline: number;
  readonly pauseMs: number;
  readonly readyCount: number;
  readonly random: Random;
};

const SYNC_TIMEOUT_MS = 200;
/** The time between when a sync is due and when it is done, on a busy machine. */
const SYNC_SLACK_MS = 1000;
const OPERATIONS_MIN = 50;
const OPERATIONS_MAX = 6000;
/** Units: ms that a publisher waits between commands; 0 for none. */
const PAUSES = [0, 0, 2, 10];
/** With pauses there are fewer operations, by this factor. */
const PACED_SHARE = 8;
const START_DELAY_MS_MAX = 1500;
const END_DELAY_MS_MAX = 60;
const SEED_FACTOR = 0x9e3779b1;
const LIFE_FACTOR = 0x85ebca6b;
/** The first random numbers of neighbouring seeds are similar. */
const SKIPPED = 8;

/** How long before a kill an answer must be confirmed in order to survive it: two sync timeouts, and the slack. */
export const SETTLE_MS = 2 * SYNC_TIMEOUT_MS + SYNC_SLACK_MS;

const ENDS: readonly (readonly [LifeEnd, number])[] = [
  ['kill', 40],
  ['quiet kill', 20],
  ['drained kill', 10],
  ['kill at the start', 5],
  ['kill at the end', 5],
  ['clean', 20],
];

/** The random numbers of one part of a run. */
export function randomFor(seed: number, part: number): Random {
  const random = seededRandom(Math.imul(seed + 1, SEED_FACTOR) ^ Math.imul(part + 1, LIFE_FACTOR));
  for (let i = 0; i < SKIPPED; i++) random(2);
  return random;
}

/** The broker's flags. */
export function brokerFlags(seed: number, memQueueSize: number): string[] {
  const random = randomFor(seed, -1);
  const pick = <T>(...from: readonly T[]): T => from[random(from.length)];
  return [
    `--mem-queue-size=${memQueueSize}`,
    `--max-bytes-per-file=${pick(20_000, 100_000, 1_000_000, 100_000_000)}`,
    `--sync-every=${pick(1, 20, 2500)}`,
    `--sync-timeout=${SYNC_TIMEOUT_MS}ms`,
    '--msg-timeout=60s',
  ];
}

/** One life. */
export function planLife(seed: number, index: number): Life {
  const random = randomFor(seed, index);
  const end = pickEnd(random);
  const delayMs = random(end === 'kill at the end' ? END_DELAY_MS_MAX : START_DELAY_MS_MAX);
  const pauseMs = PAUSES[random(PAUSES.length)];
  const most = pauseMs === 0 ? OPERATIONS_MAX : OPERATIONS_MAX / PACED_SHARE;
  return {
    end,
    pauseMs,
    // few more often than many
    operations: OPERATIONS_MIN + random(1 + random(most)),
    delayMs,
    publishers: 2 + random(3),
    pipeline: 1 + random(8),
    readyCount: [1, 10, 100, 500][random(4)],
    random,
  };
}

function pickEnd(random: Random): LifeEnd {
  let weight = random(ENDS.reduce((sum, [, each]) => sum + each, 0));
  for (const [end, each] of ENDS) {
    if (weight < each) return end;
    weight -= each;
  }
  return 'kill';
}
