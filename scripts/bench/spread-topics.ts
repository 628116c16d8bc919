/** Topics whose names fall evenly on the broker's threads, which by themselves they only do when there are many. */

import { nameHash } from '../../src/shared/name-hash.ts';
import type { WorkerCounts } from './thread-shares.ts';

/**
 * So many topics, one after the other on the next pump thread, and the queues of their channels on the next disk
 * thread, so that after a while every pair of the two has had its turn.
 */
export function spreadTopics(
  prefix: string,
  count: number,
  channel: string,
  { pumps, disks }: WorkerCounts,
): string[] {
  const round = leastCommonMultiple(pumps, disks);
  return Array.from({ length: count }, (_, index) => {
    const pump = index % pumps;
    // one further with every round, which would else repeat the pairs of the first
    const disk = (index + Math.floor(index / round)) % disks;
    for (let number = 0; ; number++) {
      const topic = `${prefix}_${index}_${number}`;
      const isThere = nameHash(topic) % pumps === pump;
      if (isThere && nameHash(`${topic}:${channel}`) % disks === disk) return topic;
    }
  });
}

function leastCommonMultiple(a: number, b: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}
