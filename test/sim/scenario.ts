/**
 * The parameters that a seed chooses: sizes, numbers of threads, limits.
 *
 * Thread: any.
 * Units: bytes and ms.
 */

import type { BacklogBounds } from '../../src/workers/pump/backend/write-backlog.ts';
import type { FanOutBounds } from '../../src/workers/pump/fan-out.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';

/**
 * The disks' part: they never fail; or writes, or reads as well, fail for a while, again and again. Nothing is
 * emptied or deleted where reads fail: what cannot be opened cannot be removed, and is there again.
 */
export type DiskFaults = 'none' | 'writes' | 'reads';

export type Scenario = {
  readonly seed: number;
  readonly steps: number;
  readonly diskFaults: DiskFaults;
  readonly pumpCount: number;
  readonly diskCount: number;
  /** Many small messages that few ask for. */
  readonly isDeep: boolean;
  readonly memQueueSize: number;
  /** Whether publishers wait for stable storage. */
  readonly isSynced: boolean;
  /** Above this many bytes of messages a pump prefers the disk. */
  readonly memoryBudgetBytes: number;
  /** What of a topic, and of all, may be on its way to the disk; undefined for the usual. */
  readonly backlogBounds: BacklogBounds | undefined;
  /** What a turn may hand from topics to channels; undefined for the usual. */
  readonly fanOutBounds: FanOutBounds | undefined;
  readonly bodyBytesMax: number;
  /** Messages of one publish. */
  readonly batchMax: number;
  readonly readyMax: number;
  readonly maxBytesPerFile: number;
  readonly syncEvery: number;
  readonly syncTimeoutMs: number;
  readonly maxMsgTimeoutMs: number;
  readonly deliverRingBytes: number;
  /** Of the request and the reply rings. */
  readonly diskRingBytes: number;
  readonly topicNames: readonly string[];
  readonly channelNames: readonly string[];
};

const TOPIC_NAMES = ['orders', 'clicks', 'mail', 'noise#ephemeral'];
const CHANNEL_NAMES = ['archive', 'billing', 'tail#ephemeral'];
/** A little more than one slab of the store, two, and five. */
const MEMORY_BUDGETS = [300_000, 600_000, 1_400_000];
const MEM_QUEUE_SIZES = [0, 0, 1, 5, 20, 100, 10_000];

/** The run's own stream of random numbers. */
export function randomOf(seed: number): Random {
  // the first random numbers of neighbouring seeds are similar
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  for (let i = 0; i < 8; i++) random(2);
  return random;
}

export function drawScenario(
  seed: number,
  steps: number,
  diskFaults: DiskFaults,
  random: Random,
): Scenario {
  const isLarge = random(6) === 0;
  const isDeep = !isLarge && random(10) === 0;
  return {
    seed,
    steps,
    diskFaults,
    pumpCount: 1 + random(2),
    diskCount: 1 + random(2),
    isDeep,
    memQueueSize:
      MEM_QUEUE_SIZES[isDeep ? MEM_QUEUE_SIZES.length - 1 : random(MEM_QUEUE_SIZES.length)],
    // Not drawn. A publish whose sync fails is refused and delivered, which the model has no place for.
    isSynced: seed % 3 === 0 && diskFaults === 'none',
    memoryBudgetBytes: random(4) === 0 ? MEMORY_BUDGETS[random(3)] : Number.POSITIVE_INFINITY,
    backlogBounds:
      random(2) === 0 ? { holdBytes: 2000, crowdedBytes: 10_000, fullBytes: 20_000 } : undefined,
    // Not drawn, so that a seed stays what it was in all else.
    fanOutBounds:
      seed % 2 === 0 ? { atOnce: seed % 4 === 0 ? 0 : 1, perTurn: 1 + (seed % 7) } : undefined,
    bodyBytesMax: isLarge ? 16_000 : isDeep ? 16 : 40 + random(400),
    batchMax: isDeep ? 1000 : 200,
    readyMax: isDeep ? 10_000 : 200,
    maxBytesPerFile: isLarge ? 30_000 + random(200_000) : 500 + random(8000),
    syncEvery: 1 + random(60),
    syncTimeoutMs: 1 + random(2000),
    maxMsgTimeoutMs: 500 + random(20_000),
    // The least holds two batches of frames.
    deliverRingBytes: 2 ** (isDeep ? 20 : 18),
    // A record of the largest body fits half of the ring.
    diskRingBytes: isLarge ? 2 ** (16 + random(2)) : 2 ** (12 + random(5)),
    topicNames: TOPIC_NAMES.slice(0, isDeep ? 1 : 1 + random(TOPIC_NAMES.length)),
    channelNames: CHANNEL_NAMES.slice(0, 1 + random(CHANNEL_NAMES.length)),
  };
}
