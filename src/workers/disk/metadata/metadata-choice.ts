/**
 * Decides whether to trust a disk queue's metadata when the queue is opened.
 *
 * Metadata that equals its copy is valid. If it equals the text that the copy was about to replace, a crash came
 * between the two writes, and the copy is newer. Metadata that differs but fits the segments is valid too: nsqd has
 * written it since. Otherwise it was damaged or lost, and the copy replaces it. The copy may be older than the
 * segments: then records may be read twice, but none is skipped.
 *
 * If metadata is valid, but the records of its first segment do not match the checksums, the segment was replaced.
 * Then it is read from its start.
 *
 * Thread: disk.
 */

import { RecordCheck, type RecordVerdict } from '../checksums/record-check.ts';
import { checkDataPath } from '../files/data-path.ts';
import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses } from '../files/file-error.ts';
import { keptAs } from '../files/sidecar-patience.ts';
import type { QueueContext } from '../queue-context.ts';
import { RECORD_BYTES_MIN } from '../records/disk-record.ts';
import { countRecords } from '../segments/segment-count.ts';
import { type MetadataCopy, readMetadataCopy } from './metadata-copy.ts';
import { formatMetadata, type QueueMetadata, readMetadata } from './queue-metadata.ts';

/** What is known about a queue before its segments are checked. */
export interface MetadataChoice {
  readonly metadata: QueueMetadata | 'missing' | 'unusable';
  /** Whether this metadata is on disk. */
  readonly isOnDisk: boolean;
  /** Whether its depth is valid for its positions. */
  readonly isDepthKnown: boolean;
}

/**
 * Reads metadata and copy and chooses. Errors: throws if the metadata exists and cannot be read, for some time if the
 * copy is needed and cannot be read, and if the data directory is missing.
 */
export function chooseMetadata(source: QueueContext): MetadataChoice {
  const metadata = readMetadata(source.fileSystem, source.files);
  if (metadata === 'missing' || metadata === 'unusable') return withoutMetadata(source, metadata);
  // An empty queue has nothing to lose, and there may be thousands of them.
  if (isEmpty(metadata)) return asItIs(metadata);
  const copy = tryReadCopy(source);
  if (copy === undefined) return asItIs(metadata);
  const text = formatMetadata(metadata);
  if (text === formatMetadata(copy.metadata)) return checkReadSegment(source, metadata);
  if (text === copy.previousText) {
    return { metadata: copy.metadata, isOnDisk: false, isDepthKnown: true };
  }
  if (fitsSegments(source, metadata)) return asItIs(metadata);
  source.log(LOG_WARNING, 'metadata does not fit the segments, its copy is used');
  return fromCopy(source, copy.metadata, source.index.list(source.queueName));
}

function asItIs(metadata: QueueMetadata | 'missing' | 'unusable'): MetadataChoice {
  return { metadata, isOnDisk: true, isDepthKnown: true };
}

function withoutMetadata(source: QueueContext, metadata: 'missing' | 'unusable'): MetadataChoice {
  checkDataPath(source.openFiles, source.dataPath);
  const segments = source.index.known(source.queueName);
  // Deleting a queue with nsqd or by hand leaves its copy behind.
  const first = segments.at(0);
  const copy = first === undefined ? undefined : readNeededCopy(source, first);
  if (copy === undefined) return asItIs(metadata);
  source.log(LOG_ERROR, `metadata is ${metadata}, its copy is used`);
  return fromCopy(source, copy.metadata, segments);
}

/**
 * The copy determines the read position if its first segment is known to be unchanged and no segment precedes it:
 * nsqd may have restarted the queue.
 */
function fromCopy(
  source: QueueContext,
  copy: QueueMetadata,
  segments: readonly number[],
): MetadataChoice {
  const { readSegment, readPosition } = copy;
  const first = segments.at(0) ?? readSegment;
  const isSame =
    first === readSegment && checkSegment(source, readSegment, readPosition) === 'same';
  const isCopyRight = isSame || first > readSegment;
  const metadata = isCopyRight ? copy : { ...copy, readSegment: first, readPosition: 0 };
  return { metadata, isOnDisk: false, isDepthKnown: false };
}

function checkReadSegment(source: QueueContext, metadata: QueueMetadata): MetadataChoice {
  const { readSegment, readPosition } = metadata;
  if (readPosition === 0 || checkSegment(source, readSegment, readPosition) !== 'other') {
    return asItIs(metadata);
  }
  source.log(
    LOG_ERROR,
    `segment ${readSegment} is not the one that metadata names, it is read from its start`,
  );
  return { metadata: { ...metadata, readPosition: 0 }, isOnDisk: false, isDepthKnown: false };
}

/** Whether the record at this position, or the first one, shows that the segment is the one of its checksums. */
function checkSegment(source: QueueContext, segment: number, readPosition: number): RecordVerdict {
  const check = new RecordCheck({ ...source, log: () => undefined });
  const { front } = source.openFiles.scratch;
  for (const position of readPosition === 0 ? [0] : [readPosition, 0]) {
    const path = source.files.segment(segment);
    const got = source.openFiles.read(path, front, 0, RECORD_BYTES_MIN, position);
    if (got !== RECORD_BYTES_MIN) continue;
    const verdict = check.checkFront(segment, position, front, 0);
    if (verdict === 'same' || verdict === 'damaged') return 'same';
    if (check.isDistrusted(segment)) return 'other';
  }
  return 'unknown';
}

/** Reads the copy that replaces the metadata. Errors: throws for some time if it cannot be read. */
function readNeededCopy(source: QueueContext, segment: number): MetadataCopy | undefined {
  const { fileSystem, files, openFiles, patience } = source;
  const path = files.metadataCopy;
  try {
    const copy = readMetadataCopy(fileSystem, files);
    patience.onUsed('read', path);
    return copy;
  } catch (error) {
    const probe = (): unknown =>
      openFiles.read(files.segment(segment), openFiles.scratch.front, 0, 1, 0);
    if (!patience.isOver('read', path, error, probe)) throw error;
    const aside = patience.setAside(openFiles, path);
    const reason = errorWithCauses(error);
    source.log(LOG_ERROR, `continuing without the copy of metadata, ${keptAs(aside)} - ${reason}`);
    return undefined;
  }
}

function tryReadCopy(source: QueueContext): MetadataCopy | undefined {
  try {
    return readMetadataCopy(source.fileSystem, source.files);
  } catch (error) {
    source.log(LOG_WARNING, `metadata is not checked - ${errorWithCauses(error)}`);
    return undefined;
  }
}

function isEmpty(metadata: QueueMetadata): boolean {
  return (
    metadata.depth === 0 &&
    metadata.readSegment === metadata.writeSegment &&
    metadata.readPosition === metadata.writePosition
  );
}

/**
 * Whether the depth equals the number of records from the read position on, and the last one ends at the write
 * position. After a crash, segments before the last may have a torn end.
 */
function fitsSegments(source: QueueContext, metadata: QueueMetadata): boolean {
  const { readSegment, readPosition, writeSegment, writePosition } = metadata;
  const segments = source.index
    .list(source.queueName)
    .filter((segment) => segment >= readSegment && segment <= writeSegment);
  if (segments.at(0) !== readSegment) return false;
  if (writePosition > 0 && segments.at(-1) !== writeSegment) return false;
  let depth = 0;
  for (const segment of segments) {
    const size = source.openFiles.size(source.files.segment(segment));
    const from = segment === readSegment ? readPosition : 0;
    const to = segment === writeSegment ? writePosition : size;
    if (size === 'missing' || to === 'missing' || to > size) return false;
    const path = source.files.segment(segment);
    const { count, end } = countRecords(source.openFiles, path, from, to, source.recordBytesMax);
    if (segment === writeSegment && end !== to) return false;
    depth += count;
  }
  return depth === metadata.depth;
}
