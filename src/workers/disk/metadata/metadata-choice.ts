/**
 * Decides whether to trust a disk queue's metadata when the queue is opened.
 *
 * Metadata that equals its copy is good. If it is the text that the copy was to replace, there was a crash between both
 * writes, and the copy is newer. Metadata that differs and fits the segments is good too: nsqd has written it since.
 * Otherwise it was damaged or lost, and the copy replaces it. The copy may be older than the segments: then records may
 * be read twice, but none is skipped.
 *
 * If metadata is good, but its first segment has other records than its checksums say, segments were exchanged. Then
 * that segment is read from its start.
 *
 * Thread: disk.
 */

import { RecordCheck, type Verdict } from '../checksums/record-check.ts';
import { checkDataPath } from '../files/data-path.ts';
import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorText } from '../files/file-error.ts';
import { keptAs } from '../files/sidecar-patience.ts';
import type { QueueContext } from '../queue-context.ts';
import { RECORD_BYTES_MIN } from '../records/disk-record.ts';
import { countRecords } from '../segments/segment-count.ts';
import { type MetadataCopy, readMetadataCopy } from './metadata-copy.ts';
import { formatMetadata, type QueueMetadata, readMetadata } from './queue-metadata.ts';

/** What is known of a queue before its segments are looked at. */
export interface MetadataChoice {
  readonly metadata: QueueMetadata | 'missing' | 'unusable';
  /** Whether the same metadata is on disk. */
  readonly isOnDisk: boolean;
  /** Whether its depth is right for its positions. */
  readonly isDepthKnown: boolean;
}

const front = Buffer.allocUnsafeSlow(RECORD_BYTES_MIN);

/**
 * Reads metadata and copy and chooses. Errors: throws when the metadata exists and cannot be read, when the copy
 * is needed and cannot be read (until patience is over), or when there is no data directory.
 */
export function chooseMetadata(source: QueueContext): MetadataChoice {
  const metadata = readMetadata(source.fileSystem, source.files);
  if (metadata === 'missing' || metadata === 'unusable') return withoutMetadata(source, metadata);
  // An empty queue has nothing to lose, and there may be thousands.
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
  // A queue that was deleted by nsqd or by hand leaves a copy.
  const first = segments.at(0);
  const copy = first === undefined ? undefined : readNeededCopy(source, first);
  if (copy === undefined) return asItIs(metadata);
  source.log(LOG_ERROR, `metadata is ${metadata}, its copy is used`);
  return fromCopy(source, copy.metadata, segments);
}

/**
 * The copy decides where to begin if its first segment is known to be the same one, and there is no segment before it:
 * nsqd may have started the queue again.
 */
function fromCopy(
  source: QueueContext,
  copy: QueueMetadata,
  segments: readonly number[],
): MetadataChoice {
  const { readSegment, readPosition } = copy;
  const first = segments.at(0) ?? readSegment;
  const isSame =
    first === readSegment && judgeSegment(source, readSegment, readPosition) === 'same';
  const isCopyRight = isSame || first > readSegment;
  const metadata = isCopyRight ? copy : { ...copy, readSegment: first, readPosition: 0 };
  return { metadata, isOnDisk: false, isDepthKnown: false };
}

function checkReadSegment(source: QueueContext, metadata: QueueMetadata): MetadataChoice {
  const { readSegment, readPosition } = metadata;
  if (readPosition === 0 || judgeSegment(source, readSegment, readPosition) !== 'other') {
    return asItIs(metadata);
  }
  source.log(
    LOG_ERROR,
    `segment ${readSegment} is another than metadata speaks of, it is read from its start`,
  );
  return { metadata: { ...metadata, readPosition: 0 }, isOnDisk: false, isDepthKnown: false };
}

/** Whether a segment, by the record at this position or the first, is the one that its checksums were written for. */
function judgeSegment(source: QueueContext, segment: number, readPosition: number): Verdict {
  const check = new RecordCheck({ ...source, log: () => undefined });
  for (const position of readPosition === 0 ? [0] : [readPosition, 0]) {
    const path = source.files.segment(segment);
    const got = source.openFiles.read(path, front, 0, RECORD_BYTES_MIN, position);
    if (got !== RECORD_BYTES_MIN) continue;
    const verdict = check.judgeFront(segment, position, front, 0);
    if (verdict === 'same' || verdict === 'damaged') return 'same';
    if (check.isDistrusted(segment)) return 'other';
  }
  return 'unknown';
}

/** Reads the copy that replaces the metadata. Errors: throws when it cannot be read, until patience is over. */
function readNeededCopy(source: QueueContext, segment: number): MetadataCopy | undefined {
  const { fileSystem, files, openFiles, patience } = source;
  const path = files.metadataCopy;
  try {
    const copy = readMetadataCopy(fileSystem, files);
    patience.onUsed('read', path);
    return copy;
  } catch (error) {
    const probe = (): unknown => openFiles.read(files.segment(segment), front, 0, 1, 0);
    if (!patience.isOver('read', path, error, probe)) throw error;
    const aside = patience.setAside(openFiles, path);
    const reason = errorText(error);
    source.log(LOG_ERROR, `going on without the copy of metadata, ${keptAs(aside)} - ${reason}`);
    return undefined;
  }
}

function tryReadCopy(source: QueueContext): MetadataCopy | undefined {
  try {
    return readMetadataCopy(source.fileSystem, source.files);
  } catch (error) {
    source.log(LOG_WARNING, `metadata is not checked - ${errorText(error)}`);
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
 * Whether the number of records from the read position on is the depth, and they end at the write position. Segments
 * before the last may have a torn end, after a crash.
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
