/**
 * Finds the entries of a segment's records among its checksums by position, and cheaply for records that follow each
 * other. A cursor owns no buffer: it reads into one that the queues of a thread share.
 *
 * Errors: `seek` throws when the checksums cannot be read. Missing, short and damaged ones count as not written.
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

/** Entries read at once: some 16 KiB. */
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
  /** Index of the entry that the last search has ended at. */
  #index = 0;
  /** The position that the last search was for. */
  #sought = 0;
  /** Index behind the last entry, once that was seen. */
  #end = Number.POSITIVE_INFINITY;
  /** The entry found last: where it lies in the chunk, and its record in the segment. */
  #entry = 0;
  #position = 0;

  constructor(openFiles: OpenFiles, files: QueueFiles) {
    this.#openFiles = openFiles;
    this.#files = files;
    this.#block = openFiles.scratch.checksums;
    this.#chunk = this.#block.bytes;
    this.#chunkView = this.#block.view;
  }

  /** Forgets what was read: there may be more entries now. */
  refresh(): void {
    this.#chunkCount = 0;
    this.#end = Number.POSITIVE_INFINITY;
  }

  /**
   * Goes to the first entry at or behind this position. Returns false if there is none. What the getters below say of
   * the entry holds until the next search, of whatever cursor.
   */
  seek(segment: number, position: number): boolean {
    if (segment !== this.#segment) this.#enter(segment);
    if (position < this.#sought) this.#index = 0;
    this.#sought = position;
    let isClose = false;
    while (this.#index < this.#end && this.#load()) {
      const first = this.#index;
      if (this.#scan(position)) return true;
      // A whole chunk of entries and not there yet; they are in order.
      if (this.#index - first === CHUNK_ENTRIES && !isClose) {
        this.#approach(position);
        isClose = true;
      }
    }
    return false;
  }

  /** Where the record of the entry begins. */
  get position(): number {
    return this.#position;
  }

  /** Bytes of the record, by its entry. */
  get size(): number {
    return entrySize(this.#chunk, this.#entry);
  }

  /** The record's checksum, by its entry. */
  get checksum(): number {
    return entryChecksum(this.#chunk, this.#entry);
  }

  /** How many of the two parts of the record at `at` are as the entry says. */
  samePartsOf(bytes: Uint8Array, at: number): number {
    return samePartsOf(this.#chunk, this.#entry, bytes, dataViewOf(bytes), at);
  }

  #enter(segment: number): void {
    this.#segment = segment;
    this.#index = 0;
    this.#sought = 0;
    this.refresh();
  }

  /** Has the entry at the index in the chunk. Returns false if there is none. */
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

  /** Looks through the chunk from the index on. */
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

  /** Moves the index forward to an entry before the position, close to it, by halving what is left. */
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

  /** The position in the first entry from there on that is not damaged, as far as the chunk goes. */
  #positionFrom(index: number): number | undefined {
    this.#read(index);
    for (let entry = 0; entry < this.#chunkCount * ENTRY_BYTES; entry += ENTRY_BYTES) {
      const found = entryPosition(this.#chunk, this.#chunkView, entry);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
