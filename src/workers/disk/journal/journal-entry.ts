/**
 * The layout of a journal file: a header, then entries without gaps, as long as their checksums are right and their
 * generation is the header's. What follows belongs to an earlier generation, or was never synced.
 *
 * Shape of the header, in a sector of its own: checksum(4) magic(4) generation(8).
 * Shape of an entry: checksum(4) length(4) generation(8) segment(8) position(8) kind(2) length of the name(2) bytes of
 * records(4) count of due times(4); the queue's name, disk records, and due times of 8 bytes, one for each record or
 * none. The checksum covers everything after it. Numbers are little-endian, those of 8 bytes are doubles.
 * Units: `length` in bytes, of the whole entry; positions in bytes from the start of a segment; due times in Unix ms.
 * Thread: any.
 */

import { dataViewOf, recordChecksum } from '../records/disk-record.ts';

/** Where the first entry begins: a page, so that the header is never written with an entry. */
export const ENTRIES_OFFSET = 4096;
/** Bytes of the header that have a meaning; a sector is written whole or not at all. */
export const HEADER_BYTES = 16;

const MAGIC = 0x4c4e4a52;

const CHECKSUM = 0;
const LENGTH = 4;
const GENERATION = 8;
const SEGMENT = 16;
const POSITION = 24;
const KIND = 32;
const NAME_BYTES = 34;
const RECORDS_BYTES = 36;
const DUE_COUNT = 40;
const ENTRY_HEADER_BYTES = 44;
const DUE_BYTES = 8;

const KIND_RECORDS = 1;
const KIND_DROP = 2;

/** The content of an entry: records of a segment, or that all earlier records of the queue are dropped. */
export interface JournalEntry {
  readonly isDrop: boolean;
  readonly queueName: string;
  readonly segment: number;
  readonly position: number;
  /** Disk records. */
  readonly records: Buffer;
  /** For each record, 0 for at once; empty if none has one. */
  readonly dueTimes: readonly number[];
}

/** Records that were written to a segment: `source` from `start` to `end`, and their due times. */
export interface EntrySource {
  readonly segment: number;
  readonly position: number;
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly dueTimes: readonly number[];
}

/** Bytes of an entry with these records. */
export function entryBytes(nameBytes: number, recordsBytes: number, dueCount: number): number {
  return ENTRY_HEADER_BYTES + nameBytes + recordsBytes + dueCount * DUE_BYTES;
}

/** Writes the header of a generation to the start of `target`. */
export function writeHeader(target: Buffer, generation: number): void {
  const view = dataViewOf(target);
  view.setUint32(4, MAGIC, true);
  view.setFloat64(8, generation, true);
  view.setUint32(CHECKSUM, recordChecksum(target, view, LENGTH, HEADER_BYTES), true);
}

/** The generation of a journal file; undefined if it has no header. */
export function readHeader(bytes: Buffer): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = dataViewOf(bytes);
  if (view.getUint32(4, true) !== MAGIC) return undefined;
  if (view.getUint32(CHECKSUM, true) !== recordChecksum(bytes, view, LENGTH, HEADER_BYTES)) {
    return undefined;
  }
  return view.getFloat64(8, true);
}

/** Writes an entry with records at `at`; the room must be there. Returns where it ends. */
export function writeRecords(
  target: Buffer,
  at: number,
  generation: number,
  queueName: string,
  entry: EntrySource,
): number {
  const { segment, position, source, start, end, dueTimes } = entry;
  const view = dataViewOf(target);
  const nameBytes = target.write(queueName, at + ENTRY_HEADER_BYTES, 'utf8');
  view.setFloat64(at + SEGMENT, segment, true);
  view.setFloat64(at + POSITION, position, true);
  view.setUint16(at + KIND, KIND_RECORDS, true);
  view.setUint32(at + RECORDS_BYTES, end - start, true);
  view.setUint32(at + DUE_COUNT, dueTimes.length, true);
  let next = at + ENTRY_HEADER_BYTES + nameBytes;
  target.set(source.subarray(start, end), next);
  next += end - start;
  for (const dueMs of dueTimes) {
    view.setFloat64(next, dueMs, true);
    next += DUE_BYTES;
  }
  return seal(target, view, at, next, nameBytes, generation);
}

/** As `writeRecords`, for an entry that drops a queue. */
export function writeDrop(
  target: Buffer,
  at: number,
  generation: number,
  queueName: string,
): number {
  const view = dataViewOf(target);
  const nameBytes = target.write(queueName, at + ENTRY_HEADER_BYTES, 'utf8');
  view.setFloat64(at + SEGMENT, 0, true);
  view.setFloat64(at + POSITION, 0, true);
  view.setUint16(at + KIND, KIND_DROP, true);
  view.setUint32(at + RECORDS_BYTES, 0, true);
  view.setUint32(at + DUE_COUNT, 0, true);
  return seal(target, view, at, at + ENTRY_HEADER_BYTES + nameBytes, nameBytes, generation);
}

function seal(
  target: Buffer,
  view: DataView,
  at: number,
  end: number,
  nameBytes: number,
  generation: number,
): number {
  view.setUint32(at + LENGTH, end - at, true);
  view.setFloat64(at + GENERATION, generation, true);
  view.setUint16(at + NAME_BYTES, nameBytes, true);
  view.setUint32(at + CHECKSUM, recordChecksum(target, view, at + LENGTH, end), true);
  return end;
}

/** The entries of a journal file, in their order. Shape: `bytes` is the whole file. */
export function readEntries(bytes: Buffer): JournalEntry[] {
  const generation = readHeader(bytes);
  const entries: JournalEntry[] = [];
  if (generation === undefined) return entries;
  const view = dataViewOf(bytes);
  let at = ENTRIES_OFFSET;
  while (at + ENTRY_HEADER_BYTES <= bytes.length) {
    const end = at + view.getUint32(at + LENGTH, true);
    if (end < at + ENTRY_HEADER_BYTES || end > bytes.length) break;
    if (view.getFloat64(at + GENERATION, true) !== generation) break;
    const checksum = recordChecksum(bytes, view, at + LENGTH, end);
    if (view.getUint32(at + CHECKSUM, true) !== checksum) break;
    entries.push(readEntry(bytes, view, at));
    at = end;
  }
  return entries;
}

function readEntry(bytes: Buffer, view: DataView, at: number): JournalEntry {
  const nameAt = at + ENTRY_HEADER_BYTES;
  const recordsAt = nameAt + view.getUint16(at + NAME_BYTES, true);
  const dueAt = recordsAt + view.getUint32(at + RECORDS_BYTES, true);
  const dueCount = view.getUint32(at + DUE_COUNT, true);
  return {
    isDrop: view.getUint16(at + KIND, true) === KIND_DROP,
    queueName: bytes.toString('utf8', nameAt, recordsAt),
    segment: view.getFloat64(at + SEGMENT, true),
    position: view.getFloat64(at + POSITION, true),
    records: bytes.subarray(recordsAt, dueAt),
    dueTimes: Array.from({ length: dueCount }, (_, index) =>
      view.getFloat64(dueAt + index * DUE_BYTES, true),
    ),
  };
}
