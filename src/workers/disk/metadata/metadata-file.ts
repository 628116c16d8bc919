/**
 * A disk queue's metadata on disk, with its copy: written when it changes and before a record in a new segment counts,
 * removed with the queue.
 *
 * Thread: disk.
 */

import { dirname } from 'node:path';
import type { ForeignChecksums } from '../checksums/foreign-checksums.ts';
import { type DiskLog, LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses, fileError } from '../files/file-error.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import type { SegmentNaming } from '../segments/segment-writer.ts';
import { writeMetadataCopy } from './metadata-copy.ts';
import { formatMetadata, type QueueMetadata, writeMetadata } from './queue-metadata.ts';

/** The dependencies of a metadata file. */
export interface MetadataFileOptions {
  readonly fileSystem: FileSystem;
  readonly files: QueueFiles;
  readonly log: DiskLog;
}

/** How many times removing an old copy is tried before records are accepted anyway. */
const OLD_COPY_TRIES = 5;

export class MetadataFile {
  readonly #options: MetadataFileOptions;
  /** Checksums that contradict the metadata that is put in place. */
  readonly #foreign: ForeignChecksums;
  /** The metadata last known to be in place; a later write that reported an error may have replaced it. */
  #placed: QueueMetadata | undefined;
  /** The text on disk, if known. */
  #text: string | undefined;
  /** Whether that text is durable; an earlier process may have been killed before it was. */
  #isDurable = false;
  /** Whether a copy of an earlier queue with this name may exist. */
  #mayHaveOldCopy: boolean;
  #oldCopyTries = 0;
  /** Whether only the copy tells where the queue begins: then it must not change before valid metadata is written. */
  #doesCopyCount: boolean;
  /** Whether a failure to write the copy has been logged. */
  #hasToldOfCopy = false;

  /** `onDisk` is the metadata in the file; undefined if there is none, it is invalid, or the copy is used instead. */
  constructor(
    options: MetadataFileOptions,
    foreign: ForeignChecksums,
    onDisk: QueueMetadata | undefined,
    doesCopyCount: boolean,
  ) {
    this.#options = options;
    this.#foreign = foreign;
    this.#placed = onDisk;
    this.#text = onDisk === undefined ? undefined : formatMetadata(onDisk);
    this.#mayHaveOldCopy = onDisk === undefined && !doesCopyCount;
    this.#doesCopyCount = doesCopyCount;
  }

  /** The metadata last known to be in place; undefined if there is none. */
  get placed(): QueueMetadata | undefined {
    return this.#placed;
  }

  /** Whether there is metadata on disk that differs. */
  isOlderThan(metadata: QueueMetadata): boolean {
    return this.#text !== undefined && this.#text !== formatMetadata(metadata);
  }

  /**
   * Called before the first records are written: the copy of an earlier queue must not decide which of them are
   * finished. Metadata names their segment first, so the copy is used only if the metadata is damaged. So after some
   * failed attempts the copy is left: accepting records matters more than this risk.
   *
   * Errors: throws; it may then still exist.
   */
  removeOldCopy(): void {
    try {
      this.#removeOldCopy();
    } catch (error) {
      if (++this.#oldCopyTries < OLD_COPY_TRIES) throw error;
      this.#options.log(LOG_ERROR, `${errorWithCauses(error)}; it is left there`);
      this.#mayHaveOldCopy = false;
    }
  }

  /** Writes metadata durably. Errors: throws; the old metadata may then still be in place. */
  write(metadata: QueueMetadata): void {
    this.place(metadata);
    this.makeDurable();
  }

  /** Writes metadata for the next process; after a power loss the old one may return. Errors: as `write`. */
  place(metadata: QueueMetadata): void {
    const text = formatMetadata(metadata);
    if (text === this.#text) return;
    const { fileSystem, files } = this.#options;
    const previousText = this.#text ?? '';
    // Until the write succeeds, the text on disk is unknown.
    this.#text = undefined;
    this.#isDurable = false;
    // A kill in between leaves a copy that is newer, or one that is still in use.
    if (!this.#doesCopyCount) {
      this.#foreign.remove();
      this.#writeCopy(text, previousText);
    }
    writeMetadata(fileSystem, files, metadata);
    if (this.#doesCopyCount) {
      this.#writeCopy(text, '');
      // Until now they showed that the metadata on disk is wrong.
      this.#foreign.remove();
    }
    this.#doesCopyCount = false;
    this.#text = text;
    this.#placed = metadata;
  }

  /** Makes what was placed durable. Errors: throws; then it must be placed again first. */
  makeDurable(): void {
    if (this.#isDurable) return;
    const { fileSystem, files } = this.#options;
    try {
      fileSystem.syncDirectory(dirname(files.metadata));
    } catch (cause) {
      // A second sync need not write what a failed one has not written, so the metadata is written again.
      this.#text = undefined;
      throw fileError('sync metadata', files.metadata, cause);
    }
    this.#isDurable = true;
  }

  /** Removes metadata and copy, if they exist. Errors: throws; some of it may then still exist. */
  remove(): void {
    const { fileSystem, files } = this.#options;
    this.#placed = undefined;
    this.#text = undefined;
    this.#mayHaveOldCopy = true;
    this.#doesCopyCount = false;
    this.#removeOldCopy();
    try {
      fileSystem.remove(files.temporary);
      fileSystem.remove(files.metadata);
      fileSystem.syncDirectory(dirname(files.metadata));
    } catch (cause) {
      throw fileError('remove metadata', files.metadata, cause);
    }
  }

  #removeOldCopy(): void {
    if (!this.#mayHaveOldCopy) return;
    const { fileSystem, files } = this.#options;
    try {
      fileSystem.remove(files.metadataCopy);
    } catch (cause) {
      throw fileError('remove copy of metadata', files.metadataCopy, cause);
    }
    this.#mayHaveOldCopy = false;
    this.#oldCopyTries = 0;
  }

  /** Errors: logged once, since the copy is needed only if something else fails too. */
  #writeCopy(text: string, previousText: string): void {
    const { fileSystem, files } = this.#options;
    try {
      writeMetadataCopy(fileSystem, files, text, previousText);
      this.#hasToldOfCopy = false;
    } catch (error) {
      this.#tellOfCopy(error);
      this.#tryRemoveCopy();
    }
  }

  /** An old copy would contradict newer metadata. Errors: as of `#writeCopy`; its next call tries again. */
  #tryRemoveCopy(): void {
    try {
      this.#options.fileSystem.remove(this.#options.files.metadataCopy);
    } catch (error) {
      this.#tellOfCopy(error);
    }
  }

  #tellOfCopy(error: unknown): void {
    if (!this.#hasToldOfCopy) this.#options.log(LOG_WARNING, errorWithCauses(error));
    this.#hasToldOfCopy = true;
  }
}

/** What a queue holds before its write place. */
export type QueueExtent = Pick<QueueMetadata, 'depth' | 'readSegment' | 'readPosition'>;

/**
 * Makes a queue's metadata name each new segment before a record in it counts as written. nsqd opens a queue at the
 * write position of its metadata: it never reads later segments, and overwrites them.
 *
 * The metadata names the start of the segment, after all earlier records, which are durable by then; so it is correct
 * whether or not the records in the segment survive a crash. If the append is undone, so is the naming, since some of
 * the earlier records may belong to that append.
 */
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
