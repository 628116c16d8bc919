/**
 * The contents of a disk after a crash: as nsqd would find them, and as a queue that is opened there hands them out.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { DiskQueue } from '../../src/workers/disk/disk-queue.ts';
import { recoverJournals } from '../../src/workers/disk/journal/journal-recovery.ts';
import { diskRecord, parseMessage, parseRecords } from '../support/disk-files.ts';
import { DATA_PATH, type DiskQueueLimits, openQueue } from '../support/disk-queue-setup.ts';
import type { MemoryFileSystem } from '../support/memory-file-system.ts';
import { NsqdQueue } from '../support/nsqd-queue.ts';
import type { FoundRecord } from './record-book.ts';

/** The queue of these tests. */
export const QUEUE_NAME = 'q';

/** Enough for several records of most tests. */
const ROOM_BYTES = 8192;
/** More reads than any test needs. */
const READS_MAX = 1000;
/** A record that nsqd is given before it reads; no test has so many. */
const NSQD_NUMBER = 0xffff_ffff;

/** One batch of a queue's next records, with the number that the queue gives the first of them. */
export interface FoundBatch {
  readonly first: number;
  readonly records: readonly FoundRecord[];
}

/** Reads the next records, up to that many bytes; undefined when there is none. */
export function readFound(queue: DiskQueue, bytesWanted: number): FoundBatch | undefined {
  for (let reads = 0; reads < READS_MAX; reads++) {
    const room = queue.prepareRead(bytesWanted);
    if (room === 0) return undefined;
    const bytes = Buffer.allocUnsafe(room);
    const batch = queue.read(bytes, 0, room);
    if (batch.count === 0) continue;
    const records = parseRecords(bytes.subarray(0, batch.bytes)).map((message, index) => ({
      number: Number.parseInt(message.id, 16),
      body: message.body,
      attempts: message.attempts,
      dueMs: batch.dueTimes?.[index] ?? 0,
    }));
    assert.strictEqual(records.length, batch.count, 'as many records as are counted');
    return { first: batch.first, records };
  }
  throw new Error('reading comes to no end');
}

/** Everything that a queue holds. */
export interface FoundQueue {
  readonly records: readonly FoundRecord[];
  /** Whether the queue doubts the read position in its metadata, and reads finished records again. */
  readonly isReadAgain: boolean;
  /** What it logs about segments that are missing or incomplete. */
  readonly losses: readonly string[];
}

/** What a queue says that misses a segment. */
const LOSS = /segment \d+ (is gone|ends at)/;
/** What a queue says that does so. */
const READ_AGAIN = /its copy is used|is not the one that metadata names/;

/** What a process does on this disk before it opens a queue. */
export function recover(disk: MemoryFileSystem): void {
  recoverJournals({ fileSystem: disk, dataPath: DATA_PATH, log: () => undefined });
}

/** Opens the queue on this disk, and reads everything. */
export function findRecords(disk: MemoryFileSystem, limits: DiskQueueLimits): FoundQueue {
  recover(disk);
  const { queue, log } = openQueue(disk, QUEUE_NAME, limits);
  const records: FoundRecord[] = [];
  let batch = readFound(queue, ROOM_BYTES);
  while (batch !== undefined) {
    records.push(...batch.records);
    batch = readFound(queue, ROOM_BYTES);
  }
  assert.strictEqual(queue.unread, 0, 'nothing is left to read');
  const losses = log.filter((line) => LOSS.test(line));
  return { records, losses, isReadAgain: log.some((line) => READ_AGAIN.test(line)) };
}

/** A record that nsqd would deliver. */
interface NsqdRecord {
  readonly number: number;
  readonly body: string;
}

/** What nsqd delivers. */
export interface NsqdDelivery {
  /** Records that were on disk. */
  readonly records: readonly NsqdRecord[];
  /** Whether it also delivers a message that is published to it. */
  readonly isNewThere: boolean;
}

/** Starts nsqd on this disk, publishes one record to it, and makes it deliver everything. */
export function findAsNsqd(disk: MemoryFileSystem, limits: DiskQueueLimits): NsqdDelivery {
  const content = (name: string): Buffer => disk.content(`${DATA_PATH}/${name}`);
  const queue = new NsqdQueue({ names: disk.names(DATA_PATH), content }, QUEUE_NAME, limits);
  queue.put(diskRecord(NSQD_NUMBER, ''));
  const records = queue.readAll().map((bytes) => {
    const { id, body } = parseMessage(bytes);
    return { number: Number.parseInt(id, 16), body };
  });
  const isNew = ({ number }: NsqdRecord): boolean => number === NSQD_NUMBER;
  return {
    records: records.filter((record) => !isNew(record)),
    isNewThere: records.some(isNew),
  };
}

/**
 * Reads the queue's files as nsqd does: every record that the metadata names must be there as a whole. Only where a
 * crash has torn the end of a segment, nsqd goes on with the next one.
 *
 * Errors: throws when nsqd would read over the end.
 */
export function checkAsNsqd(disk: MemoryFileSystem, mayBeTorn: boolean): void {
  const name = `${DATA_PATH}/${QUEUE_NAME}.diskqueue.`;
  if (!disk.names(DATA_PATH).includes(`${QUEUE_NAME}.diskqueue.meta.dat`)) return;
  const text = disk.content(`${name}meta.dat`).toString('latin1');
  const match = /^(\d+)\n(\d+),(\d+)\n(\d+),(\d+)\n$/.exec(text);
  assert.ok(match !== null, `metadata is whole, found ${JSON.stringify(text)}`);
  const [depth, readSegment, readPosition, writeSegment, writePosition] = match
    .slice(1)
    .map(Number);
  let count = 0;
  for (let segment = readSegment; segment <= writeSegment; segment++) {
    const path = `${name}${String(segment).padStart(6, '0')}.dat`;
    const isWriteSegment = segment === writeSegment;
    const start = segment === readSegment ? readPosition : 0;
    const size = disk.size(path);
    // What is finished or dropped is gone before metadata says so; what is lost is missed by `findRecords`.
    if (size === 'missing') return;
    const end = isWriteSegment ? writePosition : size;
    assert.ok(size >= end, `segment ${segment} ends at ${size}, metadata says ${end}`);
    count += countWhole(disk.content(path).subarray(start, end), mayBeTorn && !isWriteSegment);
  }
  assert.strictEqual(count, depth, 'as many records as metadata says');
}

function countWhole(bytes: Buffer, mayBeTorn: boolean): number {
  let at = 0;
  let count = 0;
  while (at + 4 <= bytes.length) {
    const size = bytes.readInt32BE(at);
    if (size < 26 || at + 4 + size > bytes.length) break;
    at += 4 + size;
    count++;
  }
  assert.ok(mayBeTorn || at === bytes.length, `a record ends behind its segment`);
  return count;
}
