/**
 * Determines what a disk queue holds when it is opened: the metadata is as old as the last sync, and the segments may
 * hold more or less than it says.
 *
 * It changes nothing on disk. Records that were not synced before a crash are kept if they are whole. Writing
 * continues in a new segment, so that no record ever follows a torn one at the end of an old segment.
 *
 * Thread: disk.
 * Source: go-diskqueue `retrieveMetaData`; differs in counting records that the metadata does not cover, in finding
 * segments above the write segment, and in never overwriting segments whose metadata is missing.
 */

import { LOG_ERROR, LOG_WARNING } from './files/disk-log.ts';
import type { QueuePlace } from './files/queue-place.ts';
import { chooseMetadata, type MetadataChoice } from './metadata/metadata-choice.ts';
import type { QueueMetadata } from './metadata/queue-metadata.ts';
import type { QueueContext } from './queue-context.ts';
import {
  countBetween,
  countSegment,
  nextSegmentOf,
  segmentSize,
  sizeOrZero,
} from './segments/segment-span.ts';

/** The result of opening a queue. */
export interface RecoveredQueue extends QueueMetadata {
  /**
   * For each segment with bytes that may not be durable, where they begin; metadata must not name them before a sync.
   */
  readonly unsynced: readonly QueuePlace[];
  /** The metadata on disk, if it can be read and is trusted. */
  readonly metadata: QueueMetadata | undefined;
  /** Whether the metadata on disk is damaged or missing and the copy is used. */
  readonly isRepaired: boolean;
}

/** Reads the queue's files. Errors: throws if something cannot be read; may be repeated. */
export function recoverQueue(source: QueueContext): RecoveredQueue {
  const choice = chooseMetadata(source);
  const { metadata } = choice;
  if (metadata === 'missing') return recoverWithoutMetadata(source, LOG_WARNING, 'no metadata');
  if (metadata === 'unusable') {
    return recoverWithoutMetadata(source, LOG_ERROR, 'metadata that cannot be read');
  }
  return recoverFromMetadata(source, metadata, choice);
}

function recoverWithoutMetadata(
  source: QueueContext,
  level: typeof LOG_WARNING | typeof LOG_ERROR,
  reason: string,
): RecoveredQueue {
  const segments = laterSegments(source, -1);
  const first = segments.at(0) ?? 0;
  const last = segments.at(-1);
  const depth = segments.reduce(
    (sum, segment) => sum + countSegment(source, segment, 0, sizeOrZero(source, segment)).count,
    0,
  );
  if (last !== undefined || level === LOG_ERROR) {
    source.log(level, `${reason}: ${segments.length} segments with ${depth} records found`);
  }
  return {
    depth,
    readSegment: first,
    readPosition: 0,
    writeSegment: last === undefined ? 0 : last + 1,
    writePosition: 0,
    unsynced: segments.map(startOf),
    metadata: undefined,
    isRepaired: false,
  };
}

function recoverFromMetadata(
  source: QueueContext,
  metadata: QueueMetadata,
  { isOnDisk, isDepthKnown }: MetadataChoice,
): RecoveredQueue {
  const write = findWritePlace(source, metadata);
  const read = findReadPlace(source, metadata, write);
  const mustCount = !isDepthKnown || read.hasMoved || write.isShort || !isDepthPossible(metadata);
  const depth = mustCount ? countBetween(source, read, write) : metadata.depth + write.added;
  if (mustCount && depth !== metadata.depth) {
    source.log(LOG_WARNING, `depth is ${depth}, metadata says ${metadata.depth}`);
  }
  return {
    depth,
    readSegment: read.segment,
    readPosition: read.position,
    writeSegment: write.segment,
    writePosition: write.position,
    unsynced: write.unsynced,
    metadata: isOnDisk ? metadata : undefined,
    isRepaired: !isOnDisk,
  };
}

function isDepthPossible(metadata: QueueMetadata): boolean {
  const isEmpty =
    metadata.readSegment === metadata.writeSegment &&
    metadata.readPosition === metadata.writePosition;
  return isEmpty ? metadata.depth === 0 : metadata.depth > 0;
}

interface WritePlace extends QueuePlace {
  /** Records after the metadata's write position. */
  readonly added: number;
  /** Whether records before the metadata's write position are missing. */
  readonly isShort: boolean;
  readonly unsynced: readonly QueuePlace[];
}

/** Compares the write segment with the metadata, and looks for later segments. */
function findWritePlace(source: QueueContext, metadata: QueueMetadata): WritePlace {
  const { writeSegment, writePosition } = metadata;
  const size = segmentSize(source, writeSegment);
  const later = laterSegments(source, writeSegment);
  const isGone = size === 'missing' && hasUnreadInWriteSegment(metadata);
  const isShort = isGone || (size !== 'missing' && size < writePosition);
  // If this is also the read segment, the check of the read position logs it.
  if (isShort && (size !== 'missing' || metadata.readSegment !== writeSegment)) {
    source.log(
      LOG_ERROR,
      `segment ${writeSegment} ends at ${size === 'missing' ? 0 : size}, ` +
        `metadata says ${writePosition}: what followed is lost`,
    );
  }
  const unsynced = later.map(startOf);
  let added = 0;
  if (size !== 'missing' && size > writePosition) {
    added += countUnsynced(source, writeSegment, writePosition, size);
    unsynced.unshift({ segment: writeSegment, position: writePosition });
  }
  for (const segment of later) {
    added += countUnsynced(source, segment, 0, sizeOrZero(source, segment));
  }
  if (!isShort && unsynced.length === 0) {
    return { segment: writeSegment, position: writePosition, added, isShort, unsynced };
  }
  const last = later.at(-1) ?? writeSegment;
  return { segment: last + 1, position: 0, added, isShort, unsynced };
}

/** Segments above this one. Some in between may have been read and removed, so the index is used as well. */
function laterSegments(source: QueueContext, segment: number): number[] {
  const exists = (number: number): boolean => segmentSize(source, number) !== 'missing';
  const known = source.index.known(source.queueName);
  const later = known.filter((number) => number > segment && exists(number));
  let next = (later.at(-1) ?? segment) + 1;
  while (exists(next)) later.push(next++);
  return later;
}

interface ReadPlace extends QueuePlace {
  readonly hasMoved: boolean;
}

/**
 * The metadata's read place, unless its segment is missing: a segment is removed only after metadata no longer names
 * it.
 */
function findReadPlace(
  source: QueueContext,
  metadata: QueueMetadata,
  write: QueuePlace,
): ReadPlace {
  const { readSegment, readPosition } = metadata;
  const isAtWritePlace = readSegment === write.segment && readPosition === write.position;
  if (isAtWritePlace || segmentSize(source, readSegment) !== 'missing') {
    return { segment: readSegment, position: readPosition, hasMoved: false };
  }
  const next = Math.min(nextSegmentOf(source, readSegment) ?? write.segment, write.segment);
  if (readSegment < metadata.writeSegment || hasUnreadInWriteSegment(metadata)) {
    source.log(LOG_ERROR, `segment ${readSegment} is gone, its records are lost`);
  }
  return { segment: next, position: 0, hasMoved: true };
}

/** Counts and logs the records written after the last sync. */
function countUnsynced(source: QueueContext, segment: number, from: number, size: number): number {
  const { count, end } = countSegment(source, segment, from, size);
  const torn = end === size ? '' : ` and ${size - end} torn bytes`;
  source.log(
    LOG_WARNING,
    `segment ${segment} has ${count} records${torn} after position ${from}, where metadata ends: ` +
      'writing continues in a new segment',
  );
  return count;
}

function hasUnreadInWriteSegment(metadata: QueueMetadata): boolean {
  const from = metadata.readSegment === metadata.writeSegment ? metadata.readPosition : 0;
  return from < metadata.writePosition;
}

function startOf(segment: number): QueuePlace {
  return { segment, position: 0 };
}
