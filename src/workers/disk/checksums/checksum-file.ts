/**
 * The checksums of a segment's records, in a file beside the segment: an entry for each record, in the order of
 * positions.
 *
 *     0         6        10         14      16      18      20
 *     [ position | size | checksum | front | id | check ]   big-endian
 *
 * The checksum is the whole record's. `front` (size, timestamp, attempts) and `id` are checksums of two parts that
 * differ between any two records. If one part matches and the whole record does not, the record is damaged. If no part
 * matches, it is another record, and the entry is out of date. The check covers the entry itself.
 *
 * The file is optional: it is never synced, and missing or wrong entries count as not written. `ChecksumCursor` reads
 * it, `ChecksumWriter` writes it.
 *
 * Units: positions and sizes in bytes, sizes with the size field.
 * Thread: disk.
 */

import { assert } from '../../../shared/assert.ts';
import { readUint16, readUint32, writeUint16, writeUint32 } from '../../../shared/big-endian.ts';
import { type DiskLog, LOG_WARNING } from '../files/disk-log.ts';
import { CHECKSUM_BLOCK_BYTES, type SharedBlock } from '../files/disk-scratch.ts';
import { errorWithCauses } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import {
  dataViewOf,
  ID_OFFSET,
  RECORD_BYTES_MIN,
  recordChecksum,
  storedSize,
} from '../records/disk-record.ts';

/** Bytes of an entry. */
export const ENTRY_BYTES = 20;

const SIZE = 6;
const CHECKSUM = 10;
const FRONT = 14;
const ID = 16;
const CHECK = 18;

/** Positions from here on do not fit an entry. */
const POSITION_END = 2 ** 48;

/** Writes the entry of the record at `at`, whose size field is valid and which lies at `position` in its segment. */
export function writeEntry(
  entries: Uint8Array,
  entriesView: DataView,
  entry: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  position: number,
): void {
  const size = storedSize(bytes, at);
  writeUint16(Math.floor(position / 2 ** 32), entries, entry);
  writeUint32(position, entries, entry + 2);
  writeUint32(size, entries, entry + SIZE);
  writeUint32(recordChecksum(bytes, view, at, at + size), entries, entry + CHECKSUM);
  writeUint16(frontChecksum(bytes, view, at), entries, entry + FRONT);
  writeUint16(idChecksum(bytes, view, at), entries, entry + ID);
  writeUint16(recordChecksum(entries, entriesView, entry, entry + CHECK), entries, entry + CHECK);
}

/** Whether the position of a record fits an entry. */
function fitsEntry(position: number): boolean {
  return position < POSITION_END;
}

/** The position in the entry; undefined if the entry is damaged or empty. */
export function entryPosition(
  entries: Uint8Array,
  entriesView: DataView,
  entry: number,
): number | undefined {
  const check = recordChecksum(entries, entriesView, entry, entry + CHECK) & 0xffff;
  if (check !== readUint16(entries, entry + CHECK)) return undefined;
  return readUint16(entries, entry) * 2 ** 32 + readUint32(entries, entry + 2);
}

/** The size in the entry. */
export function entrySize(entries: Uint8Array, entry: number): number {
  return readUint32(entries, entry + SIZE);
}

/** The record's checksum in the entry. */
export function entryChecksum(entries: Uint8Array, entry: number): number {
  return readUint32(entries, entry + CHECKSUM);
}

/** How many of the two parts of the record at `at` match the entry. */
export function samePartsOf(
  entries: Uint8Array,
  entry: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
): number {
  const front = readUint16(entries, entry + FRONT) === frontChecksum(bytes, view, at) ? 1 : 0;
  const id = readUint16(entries, entry + ID) === idChecksum(bytes, view, at) ? 1 : 0;
  return front + id;
}

function frontChecksum(bytes: Uint8Array, view: DataView, at: number): number {
  return recordChecksum(bytes, view, at, at + ID_OFFSET) & 0xffff;
}

function idChecksum(bytes: Uint8Array, view: DataView, at: number): number {
  return recordChecksum(bytes, view, at + ID_OFFSET, at + RECORD_BYTES_MIN) & 0xffff;
}

/** Entries read at once: about 16 KiB. */
const READ_ENTRIES = CHECKSUM_BLOCK_BYTES / ENTRY_BYTES;

assert(Number.isInteger(READ_ENTRIES), 'a block has whole entries');

/**
 * Finds the checksum entries of a segment's records by position; sequential lookups are cheap. A cursor owns no
 * buffer: it reads into one that all queues of a thread share.
 *
 * Errors: `seek` throws if the checksums cannot be read. Missing, short and damaged ones count as not written.
 */
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
      if (this.#index - first === READ_ENTRIES && !isClose) {
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
    if (this.#chunkCount < READ_ENTRIES) this.#end = index + this.#chunkCount;
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
    while (high - low > READ_ENTRIES) {
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

/** The dependencies of a checksum writer. */
export interface ChecksumWriterOptions {
  readonly openFiles: OpenFiles;
  readonly files: QueueFiles;
  readonly log: DiskLog;
}

/** Entries written at once: enough for most batches. They fit into the thread's draft. */
const WRITTEN_ENTRIES = 3276;
const WRITTEN_BYTES = WRITTEN_ENTRIES * ENTRY_BYTES;

/**
 * Appends the checksums of new records to those of their segment. It runs after the records are written, so no entry
 * describes a record whose append was undone.
 *
 * Errors: none. A failure is logged, and the segment gets no more checksums.
 */
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
        `failed to write checksums of segment ${segment}, continuing without - ${errorWithCauses(error)}`,
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
    const { draft } = this.#options.openFiles.scratch;
    const draftView = dataViewOf(draft);
    const view = dataViewOf(bytes);
    let filled = 0;
    for (let at = start; at < end; ) {
      if (filled === WRITTEN_BYTES) filled = this.#flush(filled);
      writeEntry(draft, draftView, filled, bytes, view, at, position + (at - start));
      filled += ENTRY_BYTES;
      at += storedSize(bytes, at);
    }
    this.#flush(filled);
  }

  /** Returns how many bytes are left to be written: 0. */
  #flush(length: number): number {
    const { openFiles, files } = this.#options;
    const { draft } = openFiles.scratch;
    openFiles.writeAid(files.checksums(this.#segment), draft, 0, length, this.#count * ENTRY_BYTES);
    this.#count += length / ENTRY_BYTES;
    return 0;
  }
}
