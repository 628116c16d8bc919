/** Topics whose names fall evenly on the broker's threads, which by themselves they only do when there are many. */

import { nameHash } from '../../src/shared/name-hash.ts';
import type { WorkerCounts } from './thread-shares.ts';

/**
 * So many topics: the first falls on the first pump thread and the queue of its channel on the first disk thread, the
 * next ones on the next pump threads, and so on through all pairs of the two.
 */
export function spreadTopics(
  prefix: string,
  count: number,
  channel: string,
  { pumps, disks }: WorkerCounts,
): string[] {
  return Array.from({ length: count }, (_, index) => {
    const pump = index % pumps;
    const disk = Math.floor(index / pumps) % disks;
    for (let number = 0; ; number++) {
      const topic = `${prefix}_${index}_${number}`;
      const isThere = nameHash(topic) % pumps === pump;
      if (isThere && nameHash(`${topic}:${channel}`) % disks === disk) return topic;
    }
  });
}
