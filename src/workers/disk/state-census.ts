/**
 * Counts the states of a queue when it is opened, and finds sidecars without a segment: a crash may come between the
 * removal of a segment and that of its sidecars.
 *
 * Thread: disk.
 */

import type { QueuePlace } from './files/queue-place.ts';
import type { QueueContext } from './queue-context.ts';
import { removeSidecars } from './segments/passed-segments.ts';
import type { RecordStates } from './states/record-states.ts';

/** An estimate: a state may belong to an earlier record at the same place. */
export interface StateCensus {
  readonly finished: number;
  readonly deferred: number;
  /** The last place at which a finished record may begin. */
  readonly lastFinished: QueuePlace | undefined;
}

/** Counts the states of the segments between two places. Errors: throws when states cannot be read. */
export function takeCensus(states: RecordStates, from: QueuePlace, to: QueuePlace): StateCensus {
  let finished = 0;
  let deferred = 0;
  let lastFinished: QueuePlace | undefined;
  for (const segment of [...states.segments].sort((a, b) => a - b)) {
    if (segment < from.segment || segment > to.segment) continue;
    const start = segment === from.segment ? from.position : 0;
    const end = segment === to.segment ? to.position : Number.POSITIVE_INFINITY;
    const count = states.count(segment, start, end);
    finished += count.finished;
    deferred += count.deferred;
    if (count.finished > 0) lastFinished = { segment, position: count.lastFinished };
  }
  return { finished, deferred, lastFinished };
}

/**
 * Returns the segments before `from` that have sidecars, and removes the sidecars of segments after `to`, whose
 * numbers new segments will get. Errors: logged.
 */
export function straySidecars(
  source: QueueContext,
  states: RecordStates,
  from: QueuePlace,
  to: QueuePlace,
): number[] {
  const segments = new Set([...states.segments, ...source.index.takeChecksums(source.queueName)]);
  for (const segment of segments) {
    if (segment > to.segment) removeSidecars(source, states, segment);
  }
  return [...segments].filter((segment) => segment < from.segment);
}
