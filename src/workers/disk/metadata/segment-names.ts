/**
 * Makes a queue's metadata name each new segment before a record in it counts as written. nsqd opens a queue at the
 * write position of its metadata: it never reads later segments, and writes over them.
 *
 * What is named is the beginning of the segment, with all records before it, which are durable by then; so the metadata
 * is true whether the records in the segment are there after a crash or not. If the append is undone, so is the naming:
 * some of the records before may be of it.
 *
 * Thread: disk.
 */

import type { SegmentNaming } from '../segments/segment-writer.ts';
import type { MetadataFile } from './metadata-file.ts';
import type { QueueMetadata } from './queue-metadata.ts';

/** What a queue holds before its write place. */
export type QueueExtent = Pick<QueueMetadata, 'depth' | 'readSegment' | 'readPosition'>;

export class SegmentNames implements SegmentNaming {
  readonly #metadata: MetadataFile;
  readonly #extent: () => QueueExtent;
  /** What was in place before the append under way has begun its first segment. */
  #before: QueueMetadata | undefined;

  /** `extent` tells what the queue holds without the append under way. */
  constructor(metadata: MetadataFile, extent: () => QueueExtent) {
    this.#metadata = metadata;
    this.#extent = extent;
  }

  name(segment: number, records: number): void {
    const { depth, readSegment, readPosition } = this.#extent();
    this.#before ??= this.#metadata.placed;
    this.#metadata.place({
      ...{ depth: depth + records, readSegment, readPosition },
      ...{ writeSegment: segment, writePosition: 0 },
    });
  }

  keep(): void {
    this.#before = undefined;
  }

  takeBack(): void {
    // Durably: a power loss must not bring back what is not true any more.
    if (this.#before !== undefined) this.#metadata.write(this.#before);
    this.#before = undefined;
  }
}
