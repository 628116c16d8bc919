/**
 * Finds the checksum entries of a segment's records by position; sequential lookups are cheap. A cursor owns no
 * buffer: it reads into one that all queues of a thread share.
 *
 * Errors: `seek` throws if the checksums cannot be read. Missing, short and damaged ones count as not written.
 * Thread: disk.
 */

import { assert } from '../../../shared/assert.ts';
import { CHECKSUM_BLOCK_BYTES, type SharedBlock } from '../files/disk-scratch.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import { dataViewOf } from '../records/data-view.ts';
import {
  ENTRY_BYTES,
  entryChecksum,
  entryPosition,
  entrySize,
  samePartsOf,
} from './checksum-entry.ts';

/** Entries read at once: about 16 KiB. */
const CHUNK_ENTRIES = CHECKSUM_BLOCK_BYTES / ENTRY_BYTES;

assert(Number.isInteger(CHUNK_ENTRIES), 'a block has whole entries');

export class ChecksumCursor {
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  readonly #block: SharedBlock;
  /** The bytes of the block, and a view of them. */
  readonly #chunk: Buffer;
  readonly #chunkView: DataView;
  #segment = -1;
  /** Index of the chunk's first entry, and how many it has. */
  #chunkStart = 0;
  #chunkCount = 0;
  /** Index of the entry where the last search ended. */
  #index = 0;
  /** The position of the last search. */
  #sought = 0;
  /** Index after the last entry, once known. */
  #end = Number.POSITIVE_INFINITY;
  /** The entry found last: its offset in the chunk, and the position of its record in the segment. */
  #entry = 0;
  #position = 0;

  constructor(openFiles: OpenFiles, files: QueueFiles) {
    this.#openFiles = openFiles;
    this.#files = files;
    this.#block = openFiles.scratch.checksums;
    this.#chunk = this.#block.bytes;
    this.#chunkView = this.#block.view;
  }

  /** Drops the entries read so far, since there may be more now. */
  refresh(): void {
    this.#chunkCount = 0;
    this.#end = Number.POSITIVE_INFINITY;
  }

  /**
   * Moves to the first entry at or after this position. Returns false if there is none. The getters below describe
   * that entry until the next search of any cursor.
   */
  seek(segment: number, position: number): boolean {
    if (segment !== this.#segment) this.#enter(segment);
    if (position < this.#sought) this.#index = 0;
    this.#sought = position;
    let isClose = false;
    while (this.#index < this.#end && this.#load()) {
      const first = this.#index;
      if (this.#scan(position)) return true;
      // A whole chunk of entries lies before the position; entries are in order.
      if (this.#index - first === CHUNK_ENTRIES && !isClose) {
        this.#approach(position);
        isClose = true;
      }
    }
    return false;
  }

  /** The position of the entry's record. */
  get position(): number {
    return this.#position;
  }

  /** The size of the record, from its entry. */
  get size(): number {
    return entrySize(this.#chunk, this.#entry);
  }

  /** The record's checksum, from its entry. */
  get checksum(): number {
    return entryChecksum(this.#chunk, this.#entry);
  }

  /** How many of the two parts of the record at `at` match the entry. */
  samePartsOf(bytes: Uint8Array, at: number): number {
    return samePartsOf(this.#chunk, this.#entry, bytes, dataViewOf(bytes), at);
  }

  #enter(segment: number): void {
    this.#segment = segment;
    this.#index = 0;
    this.#sought = 0;
    this.refresh();
  }

  /** Loads the entry at the index into the chunk. Returns false if there is none. */
  #load(): boolean {
    const at = this.#index - this.#chunkStart;
    if (this.#block.owner === this && at >= 0 && at < this.#chunkCount) return true;
    this.#read(this.#index);
    return this.#chunkCount > 0;
  }

  #read(index: number): void {
    this.#block.owner = this;
    this.#chunkCount = 0;
    const path = this.#files.checksums(this.#segment);
    const got = this.#openFiles.read(path, this.#chunk, 0, this.#chunk.length, index * ENTRY_BYTES);
    this.#chunkStart = index;
    this.#chunkCount = got === 'missing' ? 0 : Math.floor(got / ENTRY_BYTES);
    if (this.#chunkCount < CHUNK_ENTRIES) this.#end = index + this.#chunkCount;
  }

  /** Scans the chunk from the index on. */
  #scan(position: number): boolean {
    const end = this.#chunkStart + this.#chunkCount;
    for (; this.#index < end; this.#index++) {
      const entry = (this.#index - this.#chunkStart) * ENTRY_BYTES;
      const found = entryPosition(this.#chunk, this.#chunkView, entry);
      if (found === undefined || found < position) continue;
      this.#entry = entry;
      this.#position = found;
      return true;
    }
    return false;
  }

  /** Moves the index forward to an entry shortly before the position, by binary search. */
  #approach(position: number): void {
    const size = this.#openFiles.size(this.#files.checksums(this.#segment));
    let low = this.#index;
    let high = size === 'missing' ? 0 : Math.floor(size / ENTRY_BYTES);
    while (high - low > CHUNK_ENTRIES) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#positionFrom(middle);
      if (found !== undefined && found < position) low = middle;
      else high = middle;
    }
    this.#index = low;
  }

  /** The position in the first undamaged entry from the index on, within the chunk. */
  #positionFrom(index: number): number | undefined {
    this.#read(index);
    for (let entry = 0; entry < this.#chunkCount * ENTRY_BYTES; entry += ENTRY_BYTES) {
      const found = entryPosition(this.#chunk, this.#chunkView, entry);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
