/** Topics whose names fall evenly on the broker's threads, which by themselves they only do when there are many. */

import { nameHash } from '../../src/shared/name-hash.ts';
import type { WorkerCounts } from './thread-shares.ts';

/** Names that are tried for each pair of a pump and a disk thread, some pairs of which have none. */
const TRIES = 50;

/**
 * So many topics, one after the other on the next pump thread, the queue of each one's channel on the disk thread that
 * has the fewest until then, of those that names on that pump thread can fall on.
 */
export function spreadTopics(
  prefix: string,
  count: number,
  channel: string,
  { pumps, disks }: WorkerCounts,
): string[] {
  const loads = Array.from({ length: disks }, () => 0);
  const diskOf = (topic: string): number => nameHash(`${topic}:${channel}`) % disks;
  return Array.from({ length: count }, (_, index) => {
    const least = Math.min(...loads);
    let best: string | null = null;
    for (let number = 0; best === null || number < TRIES * pumps * disks; number++) {
      const topic = `${prefix}_${index}_${number}`;
      if (nameHash(topic) % pumps !== index % pumps) continue;
      if (best === null || loads[diskOf(topic)] < loads[diskOf(best)]) best = topic;
      if (loads[diskOf(best)] === least) break;
    }
    loads[diskOf(best)]++;
    return best;
  });
}
