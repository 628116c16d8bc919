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
 * The file is optional: it is never synced, and missing or wrong entries count as not written.
 *
 * Units: positions and sizes in bytes, sizes with the size field.
 * Thread: disk.
 */

import { readUint16, readUint32, writeUint16, writeUint32 } from '../../../shared/big-endian.ts';
import { ID_OFFSET, RECORD_BYTES_MIN, storedSize } from '../records/disk-record.ts';
import { recordChecksum } from '../records/record-checksum.ts';

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
export function fitsEntry(position: number): boolean {
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
