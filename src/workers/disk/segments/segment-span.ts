/**
 * Counts the records and bytes between two places of a queue, which may be many segments apart.
 *
 * Thread: disk.
 */

import type { QueuePlace } from '../files/queue-place.ts';
import type { QueueContext } from '../queue-context.ts';
import { countRecords, type SegmentCount } from './segment-count.ts';

/** For more segments than this the directory is listed instead of trying each number. */
export const SEGMENTS_TO_TRY = 1000;

/**
 * Counts the records from one place of a queue to another, by reading all of them. Errors: throws if a segment cannot
 * be read.
 */
export function countBetween(source: QueueContext, from: QueuePlace, to: QueuePlace): number {
  let count = 0;
  for (const segment of source.index.list(source.queueName)) {
    if (segment < from.segment || segment > to.segment) continue;
    const start = segment === from.segment ? from.position : 0;
    const size = sizeOrZero(source, segment);
    const end = segment === to.segment ? Math.min(size, to.position) : size;
    count += countSegment(source, segment, start, end).count;
  }
  return count;
}

/**
 * Bytes of the segments from one place of a queue to another. Errors: throws if the size of a segment cannot be read.
 */
export function bytesBetween(source: QueueContext, from: QueuePlace, to: QueuePlace): number {
  if (from.segment === to.segment) return Math.max(0, to.position - from.position);
  let bytes = to.position - from.position;
  // Damaged or edited metadata may span too many numbers to try.
  const isLong = to.segment - from.segment > SEGMENTS_TO_TRY;
  const count = isLong ? 0 : to.segment - from.segment;
  const segments = isLong
    ? source.index.known(source.queueName)
    : Array.from({ length: count }, (_, index) => from.segment + index);
  for (const segment of segments) {
    if (segment >= from.segment && segment < to.segment) bytes += sizeOrZero(source, segment);
  }
  return Math.max(0, bytes);
}

/** The first segment above `segment` that exists, undefined if there is none. Lists the directory. */
export function nextSegmentOf(source: QueueContext, segment: number): number | undefined {
  return source.index.list(source.queueName).find((number) => number > segment);
}

/** Counts the records of a part of a segment. Errors: throws if it cannot be read. */
export function countSegment(
  source: QueueContext,
  segment: number,
  from: number,
  to: number,
): SegmentCount {
  return countRecords(
    source.openFiles,
    source.files.segment(segment),
    from,
    to,
    source.recordBytesMax,
  );
}

/** Bytes of a segment's file. */
export function segmentSize(source: QueueContext, segment: number): number | 'missing' {
  return source.openFiles.size(source.files.segment(segment));
}

/** Bytes of a segment's file; 0 if it is missing. */
export function sizeOrZero(source: QueueContext, segment: number): number {
  const size = segmentSize(source, segment);
  return size === 'missing' ? 0 : size;
}
