/**
 * Appends the checksums of new records to those of their segment. It runs after the records are written, so no entry
 * describes a record whose append was undone.
 *
 * Errors: none. A failure is logged, and the segment gets no more checksums.
 * Thread: disk.
 */

import { type DiskLog, LOG_WARNING } from '../files/disk-log.ts';
import { errorText } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import { dataViewOf } from '../records/data-view.ts';
import { storedSize } from '../records/disk-record.ts';
import { ChecksumCursor } from './checksum-cursor.ts';
import { ENTRY_BYTES, fitsEntry, writeEntry } from './checksum-entry.ts';

/** The dependencies of a checksum writer. */
export interface ChecksumWriterOptions {
  readonly openFiles: OpenFiles;
  readonly files: QueueFiles;
  readonly log: DiskLog;
}

/** Entries written at once: enough for most batches. */
const CHUNK_ENTRIES = 3276;

/** One for the thread: writing is never interrupted. */
const chunk = Buffer.allocUnsafeSlow(CHUNK_ENTRIES * ENTRY_BYTES);
const chunkView = dataViewOf(chunk);

export class ChecksumWriter {
  readonly #options: ChecksumWriterOptions;
  /** The segment whose checksums are being written, and the number of its entries. */
  #segment = -1;
  #count = 0;
  /** A segment whose checksums could not be written. */
  #failed = -1;

  constructor(options: ChecksumWriterOptions) {
    this.#options = options;
  }

  /** Adds the entries of the records from `start` to `end`, which were written to their segment at `position`. */
  add(segment: number, position: number, bytes: Uint8Array, start: number, end: number): void {
    if (segment === this.#failed || !fitsEntry(position + (end - start))) return;
    try {
      if (segment !== this.#segment || position === 0) this.#takeUp(segment, position);
      this.#write(bytes, start, end, position);
    } catch (error) {
      this.#failed = segment;
      this.#segment = -1;
      this.#options.log(
        LOG_WARNING,
        `failed to write checksums of segment ${segment}, continuing without - ${errorText(error)}`,
      );
    }
  }

  /** Finds the place of the next entry. Entries from this position on belong to records that no longer exist. */
  #takeUp(segment: number, position: number): void {
    const { openFiles, files } = this.#options;
    const path = files.checksums(segment);
    this.#segment = segment;
    this.#count = 0;
    if (position > 0) {
      const size = openFiles.size(path);
      if (size === 'missing') return;
      if (!new ChecksumCursor(openFiles, files).seek(segment, position)) {
        this.#count = Math.floor(size / ENTRY_BYTES);
        return;
      }
    }
    openFiles.remove(path);
  }

  #write(bytes: Uint8Array, start: number, end: number, position: number): void {
    const view = dataViewOf(bytes);
    let filled = 0;
    for (let at = start; at < end; ) {
      if (filled === chunk.length) filled = this.#flush(filled);
      writeEntry(chunk, chunkView, filled, bytes, view, at, position + (at - start));
      filled += ENTRY_BYTES;
      at += storedSize(bytes, at);
    }
    this.#flush(filled);
  }

  /** Returns how many bytes are left to be written: 0. */
  #flush(length: number): number {
    const { openFiles, files } = this.#options;
    openFiles.writeAid(files.checksums(this.#segment), chunk, 0, length, this.#count * ENTRY_BYTES);
    this.#count += length / ENTRY_BYTES;
    return 0;
  }
}
