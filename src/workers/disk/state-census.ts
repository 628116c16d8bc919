/**
 * What the states say of all that a queue holds, when it is opened; and which sidecars are of nothing in it, as a crash
 * may come between a segment's removal and theirs.
 *
 * Thread: disk.
 */

import type { QueuePlace } from './files/queue-place.ts';
import type { QueueContext } from './queue-context.ts';
import { removeSidecars } from './segments/passed-segments.ts';
import type { RecordStates } from './states/record-states.ts';

/** As far as is known: a state may be of another record than the one that lies there now. */
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
 * Segments before a place that have sidecars. What lies beside segments behind the other place is removed: those
 * numbers are given to new segments. Errors: logged.
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
