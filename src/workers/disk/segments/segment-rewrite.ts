/**
 * Rewrites a part of a segment, unchanged. After a failed sync the system may treat bytes as written that never
 * reached the disk, and it syncs only bytes that are written again.
 *
 * Errors: throws if the segment cannot be read or written; repeat the whole call.
 * Thread: disk.
 */

import { ChecksumCursor } from '../checksums/checksum-file.ts';
import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import type { QueueContext } from '../queue-context.ts';
import {
  dataViewOf,
  hasMessageId,
  RECORD_BYTES_MIN,
  recordChecksum,
  recordSize,
} from '../records/disk-record.ts';

/** What a rewrite needs from its queue. */
export type RewriteSource = Pick<QueueContext, 'openFiles' | 'files' | 'recordBytesMax' | 'log'>;

/** A part of a segment that begins with a record. */
export interface SegmentPart {
  readonly segment: number;
  readonly from: number;
  readonly to: number;
}

/** The system's unit of writing: the first unsynced byte may share a page with synced ones. */
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Reads the part and writes it again. Returns where the segment ends now: before `to` if bytes are missing.
 *
 * It stops at more zeros than the largest record has bytes. No record contains them, so something else has lengthened
 * the file, and such a hole may be larger than the disk: writing it would fill the disk, and reading it takes minutes.
 */
export function rewriteSegment(source: RewriteSource, part: SegmentPart): number {
  const end = endOf(source, part);
  const from = part.from - (part.from % PAGE_BYTES);
  copyOver(source, part.segment, from, end);
  return end;
}

/** Reads the part and logs what differs from what was written. */
export function checkSegment(source: RewriteSource, part: SegmentPart): void {
  const end = endOf(source, part);
  if (end < part.to) {
    source.log(LOG_ERROR, `segment ${part.segment} ends at ${end}, ${part.to} was written`);
  }
  checkRecords(source, part.segment, part.from, end);
}

/** The end of the part, or of the segment if that is earlier. A missing segment was finished or is lost. */
function endOf({ openFiles, files }: RewriteSource, part: SegmentPart): number {
  const size = openFiles.size(files.segment(part.segment));
  return size === 'missing' ? 0 : Math.min(size, part.to);
}

function copyOver(source: RewriteSource, segment: number, from: number, to: number): void {
  const { openFiles, recordBytesMax, log } = source;
  const path = source.files.segment(segment);
  let zeros = 0;
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to; ) {
    const got = openFiles.read(path, chunk, 0, Math.min(chunk.length, to - at), at);
    if (got === 'missing' || got === 0) return;
    openFiles.write(path, chunk, 0, got, at);
    at += got;
    zeros = isZero(chunk, got) ? zeros + got : 0;
    if (zeros > recordBytesMax) {
      log(LOG_WARNING, `segment ${segment}: only zeros from ${at - zeros} on, they are not synced`);
      return;
    }
  }
}

/** Whether the first `length` bytes are zeros. */
function isZero(bytes: Buffer, length: number): boolean {
  for (let at = 0; at < length; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Compares the records with their checksums; without one it checks only the format. */
function checkRecords(source: RewriteSource, segment: number, from: number, to: number): void {
  const { openFiles, files, recordBytesMax } = source;
  const checksums = new ChecksumCursor(openFiles, files);
  let chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(0, to - from)));
  let position = from;
  while (position < to) {
    const got = openFiles.read(
      files.segment(segment),
      chunk,
      0,
      Math.min(chunk.length, to - position),
      position,
    );
    if (got === 'missing') return;
    const wanted = Math.min(recordBytesMax, to - position);
    const checked = checkChunk(source, checksums, chunk, got, segment, position);
    position += checked;
    if (checked === 0 && chunk.length < wanted) chunk = Buffer.allocUnsafe(wanted);
    else if (checked === 0) {
      source.log(
        LOG_ERROR,
        `segment ${segment}: read back no record at ${position}, as far as ${to}`,
      );
      return;
    }
  }
}

/** Compares the whole records among `length` bytes from `position` on; returns their size in bytes. */
function checkChunk(
  source: RewriteSource,
  checksums: ChecksumCursor,
  chunk: Buffer,
  length: number,
  segment: number,
  position: number,
): number {
  const view = dataViewOf(chunk);
  let at = 0;
  while (at + RECORD_BYTES_MIN <= length) {
    const hasEntry = checksums.seek(segment, position + at) && checksums.position === position + at;
    const size = hasEntry ? checksums.size : recordSize(chunk, at, source.recordBytesMax);
    if (size === 0 || at + size > length) break;
    const isSame = hasEntry
      ? recordChecksum(chunk, view, at, at + size) === checksums.checksum
      : hasMessageId(chunk, at);
    if (!isSame) {
      source.log(
        LOG_ERROR,
        `segment ${segment}: the record at ${position + at} was not read back as it was written`,
      );
    }
    at += size;
  }
  return at;
}
