/**
 * Removes all files of a queue. First the metadata is set to empty, so that a crash leaves all records or none. Then
 * the segments are removed durably, before the metadata: without metadata and sidecars their records would be
 * recovered.
 *
 * Thread: disk.
 */

import { AssertionError } from '../../shared/assert.ts';
import { LOG_WARNING } from './files/disk-log.ts';
import { errorWithCauses, fileError } from './files/file-error.ts';
import { syncSidecars } from './files/sidecar-directory.ts';
import type { MetadataFile } from './metadata/metadata-file.ts';
import type { QueueContext } from './queue-context.ts';
import { removeSidecars } from './segments/passed-segments.ts';
import type { SegmentReader } from './segments/segment-reader.ts';
import { SEGMENTS_TO_TRY } from './segments/segment-span.ts';
import type { SegmentWriter } from './segments/segment-writer.ts';
import type { RecordStates } from './states/record-states.ts';

/** The parts of a queue that have files. */
export interface QueueParts {
  readonly source: QueueContext;
  readonly metadata: MetadataFile;
  readonly reader: SegmentReader;
  readonly writer: SegmentWriter;
  readonly states: RecordStates;
}

/**
 * Errors: throws if a file could not be removed; some files may be gone, and metadata may describe the queue as
 * empty.
 */
export function removeQueueFiles(parts: QueueParts): void {
  const { source, metadata, reader, writer, states } = parts;
  const { openFiles, files } = source;
  const segments = segmentsOf(parts);
  const hasMetadata = openFiles.size(files.metadata) !== 'missing';
  // Without metadata there is nothing to change: recovery finds what a crash leaves behind.
  if (hasMetadata) callEmpty(parts, writer.lastSegment + 1);
  let isOneGone = false;
  for (const segment of segments) {
    if (openFiles.remove(files.segment(segment))) isOneGone = true;
  }
  // If metadata exists, an earlier attempt may have removed only segments.
  if (isOneGone || hasMetadata) syncDataPath(source);
  metadata.remove();
  reader.passed.removeSidecars();
  for (const segment of segments) removeSidecars(source, states, segment);
  if (isOneGone) syncSidecars(source);
}

/** Makes the removal of segments durable. Errors: throws. */
export function syncDataPath({ fileSystem, dataPath }: QueueContext): void {
  try {
    fileSystem.syncDirectory(dataPath);
  } catch (cause) {
    throw fileError('sync directory', dataPath, cause);
  }
}

function callEmpty({ metadata, source: { log } }: QueueParts, segment: number): void {
  try {
    metadata.write({
      ...{ depth: 0, readSegment: segment, readPosition: 0 },
      ...{ writeSegment: segment, writePosition: 0 },
    });
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    // Emptying a queue may be how an operator makes room on a full disk; a crash then leaves a part of it.
    log(LOG_WARNING, `removing a queue that metadata still names - ${errorWithCauses(error)}`);
  }
}

/** Numbers of the segments that may exist. */
function segmentsOf({ source, reader, writer }: QueueParts): readonly number[] {
  const first = reader.firstSegment;
  const last = writer.lastSegment;
  // Damaged or edited metadata may span too many numbers to try.
  if (last - first > SEGMENTS_TO_TRY) {
    return source.index.list(source.queueName).filter((number) => number <= last);
  }
  // A crash may have restored earlier segments.
  const earlier = source.index.known(source.queueName).filter((number) => number < first);
  return [...earlier, ...Array.from({ length: last - first + 1 }, (_, index) => first + index)];
}
