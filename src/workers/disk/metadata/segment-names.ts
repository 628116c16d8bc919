/**
 * Makes a queue's metadata name each new segment before a record in it counts as written. nsqd opens a queue at the
 * write position of its metadata: it never reads later segments, and overwrites them.
 *
 * The metadata names the start of the segment, after all earlier records, which are durable by then; so it is correct
 * whether or not the records in the segment survive a crash. If the append is undone, so is the naming, since some of
 * the earlier records may belong to that append.
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
  /** The metadata from before the current append began its first segment. */
  #before: QueueMetadata | undefined;

  /** `extent` returns what the queue holds without the current append. */
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
    // Durably: a power loss must not bring back metadata of an undone append.
    if (this.#before !== undefined) this.#metadata.write(this.#before);
    this.#before = undefined;
  }
}
