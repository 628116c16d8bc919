/**
 * A disk queue's metadata on disk, with its copy: written when it is another than before, removed with the queue.
 *
 * Thread: disk.
 */

import { dirname } from 'node:path';
import type { ForeignChecksums } from '../checksums/foreign-checksums.ts';
import { type DiskLog, LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorText, fileError } from '../files/file-error.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import { writeMetadataCopy } from './metadata-copy.ts';
import { formatMetadata, type QueueMetadata, writeMetadata } from './queue-metadata.ts';

/** What a metadata file is made of. */
export interface MetadataFileOptions {
  readonly fileSystem: FileSystem;
  readonly files: QueueFiles;
  readonly log: DiskLog;
}

/** So often removing an old copy is tried before records are taken beside it. */
const OLD_COPY_TRIES = 5;

export class MetadataFile {
  readonly #options: MetadataFileOptions;
  /** Checksums that would speak against what is put in place. */
  readonly #foreign: ForeignChecksums;
  /** What was put in place last, or found there; a later one may be in place that failed to be called so. */
  #placed: QueueMetadata | undefined;
  /** What is on disk as text, if that is known. */
  #text: string | undefined;
  /** Whether that is durable: who has put it in place may have been killed before it was. */
  #isDurable = false;
  /** Whether a copy may be left of another queue that had the name. */
  #mayHaveOldCopy: boolean;
  #oldCopyTries = 0;
  /** Whether the copy is all that says where the queue begins: then it must not be touched before metadata does. */
  #doesCopyCount: boolean;
  /** Whether the log says that the copy cannot be written. */
  #hasToldOfCopy = false;

  /** `onDisk` is what the file says; undefined if there is none, or none that counts, or the copy counts instead. */
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

  /** What is in place, or was before a later one that failed may have come there; undefined if there is none. */
  get placed(): QueueMetadata | undefined {
    return this.#placed;
  }

  /** Whether there is metadata on disk, and it is another. */
  isOlderThan(metadata: QueueMetadata): boolean {
    return this.#text !== undefined && this.#text !== formatMetadata(metadata);
  }

  /**
   * To be called before there are records: what is left of another queue must not tell which of them are finished.
   * Metadata names their segment before they are there, and then the copy is asked only if that is damaged. So after
   * some tries it is left: records are worth more than what it can do.
   *
   * Errors: throws, and it may still be there.
   */
  removeOldCopy(): void {
    try {
      this.#removeOldCopy();
    } catch (error) {
      if (++this.#oldCopyTries < OLD_COPY_TRIES) throw error;
      this.#options.log(LOG_ERROR, `${errorText(error)}; it is left there`);
      this.#mayHaveOldCopy = false;
    }
  }

  /** Puts metadata in place, durably. Errors: throws, and the old one may still be in place. */
  write(metadata: QueueMetadata): void {
    this.place(metadata);
    this.#makeDurable();
  }

  /**
   * Puts metadata in place for whoever opens the queue after this process; a power loss may still bring the old one
   * back. Errors: as `write`.
   */
  place(metadata: QueueMetadata): void {
    const text = formatMetadata(metadata);
    if (text === this.#text) return;
    const { fileSystem, files } = this.#options;
    const previousText = this.#text ?? '';
    // Until it is known to be in place, what is on disk is unknown.
    this.#text = undefined;
    this.#isDurable = false;
    // Whoever is killed in between leaves a copy that is newer, or that counts still.
    if (!this.#doesCopyCount) {
      this.#foreign.remove();
      this.#writeCopy(text, previousText);
    }
    writeMetadata(fileSystem, files, metadata);
    if (this.#doesCopyCount) {
      this.#writeCopy(text, '');
      // Until now they told that what is on disk is wrong.
      this.#foreign.remove();
    }
    this.#doesCopyCount = false;
    this.#text = text;
    this.#placed = metadata;
  }

  /** Removes metadata and copy, if there are any. Errors: throws, and some of it may still be there. */
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

  #makeDurable(): void {
    if (this.#isDurable) return;
    const { fileSystem, files } = this.#options;
    try {
      fileSystem.syncDirectory(dirname(files.metadata));
    } catch (cause) {
      // What a failed sync has not made durable, a second one need not: it is put in place once more.
      this.#text = undefined;
      throw fileError('sync metadata', files.metadata, cause);
    }
    this.#isDurable = true;
  }

  /** Errors: logged once, as nothing needs the copy unless something else fails too. */
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

  /** An old copy would speak against metadata that is newer. Errors: as of `#writeCopy`; its next call tries again. */
  #tryRemoveCopy(): void {
    try {
      this.#options.fileSystem.remove(this.#options.files.metadataCopy);
    } catch (error) {
      this.#tellOfCopy(error);
    }
  }

  #tellOfCopy(error: unknown): void {
    if (!this.#hasToldOfCopy) this.#options.log(LOG_WARNING, errorText(error));
    this.#hasToldOfCopy = true;
  }
}
