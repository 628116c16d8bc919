/**
 * The parts of one disk queue on a disk in memory, assembled without the queue, for tests of a part.
 *
 * Thread: any.
 */

import { ForeignChecksums } from '../../src/workers/disk/checksums/foreign-checksums.ts';
import { OpenFiles } from '../../src/workers/disk/files/open-files.ts';
import { QueueFiles } from '../../src/workers/disk/files/queue-files.ts';
import { SegmentIndex } from '../../src/workers/disk/files/segment-index.ts';
import { SidecarPatience } from '../../src/workers/disk/files/sidecar-patience.ts';
import type { QueueContext } from '../../src/workers/disk/queue-context.ts';
import { RecordWriter } from '../../src/workers/disk/record-writer.ts';
import { dataViewOf, recordChecksum } from '../../src/workers/disk/records/disk-record.ts';
import { SegmentReader } from '../../src/workers/disk/segments/segment-reader.ts';
import { SegmentWriter } from '../../src/workers/disk/segments/segment-writer.ts';
import { RecordStates } from '../../src/workers/disk/states/record-states.ts';
import { StateList } from '../../src/workers/disk/states/state-list.ts';
import { UnackedRecords } from '../../src/workers/disk/unacked/unacked-records.ts';
import { UnreadCount } from '../../src/workers/disk/unacked/unread-count.ts';
import { type DiskMessage, diskRecord, parseRecords } from './disk-files.ts';
import { DATA_PATH } from './disk-queue-setup.ts';
import { MemoryFileSystem } from './memory-file-system.ts';

const QUEUE_NAME = 'q';
export const FILES = new QueueFiles(DATA_PATH, QUEUE_NAME);

/** What the parts of a queue share, and the lines that they log. */
export interface ContextParts {
  readonly disk: MemoryFileSystem;
  readonly context: QueueContext;
  readonly log: string[];
}

export interface DiskParts extends ContextParts {
  readonly states: RecordStates;
  readonly unacked: UnackedRecords;
  readonly unread: UnreadCount;
  readonly segments: SegmentWriter;
  readonly writer: RecordWriter;
  readonly reader: SegmentReader;
}

export function makeContext(disk = new MemoryFileSystem(DATA_PATH)): ContextParts {
  const log: string[] = [];
  const context: QueueContext = {
    queueName: QUEUE_NAME,
    files: FILES,
    fileSystem: disk,
    openFiles: new OpenFiles(disk),
    index: new SegmentIndex(disk, DATA_PATH),
    patience: new SidecarPatience(),
    dataPath: DATA_PATH,
    recordBytesMax: 1000,
    log: (_, text) => log.push(text),
  };
  return { disk, context, log };
}

/** A queue without records. */
export function makeParts(maxBytesPerFile = 1_000_000): DiskParts {
  const parts = makeContext();
  const { context } = parts;
  const unread = new UnreadCount(0, 0, 0, 0);
  const states = new RecordStates(context);
  const unacked = new UnackedRecords();
  // There is no metadata.
  const naming = { name: () => undefined, keep: () => undefined, takeBack: () => undefined };
  const segments = new SegmentWriter({ ...context, maxBytesPerFile }, 0, 0, [], naming);
  const writer = new RecordWriter(segments, states, context.log);
  const reader = new SegmentReader(
    {
      source: context,
      writer: segments,
      states,
      unacked,
      unread,
      foreign: new ForeignChecksums(context),
    },
    { segment: 0, position: 0 },
  );
  return { ...parts, states, unacked, unread, segments, writer, reader };
}

/** Appends records with these numbers, which are also their attempts, and these bodies. */
export function append(
  { writer, unread }: DiskParts,
  ...bodies: readonly (readonly [number: number, body: string])[]
): void {
  const bytes = Buffer.concat(bodies.map(([number, body]) => diskRecord(number, body)));
  const { deferred } = writer.append(bytes, 0, bytes.length, undefined);
  unread.onAppend(bodies.length, deferred, bytes.length);
}

/** One batch of the reader: the records, the number of the first, and their due times. */
export interface Batch {
  readonly first: number;
  readonly messages: readonly DiskMessage[];
  readonly dueTimes: readonly number[] | undefined;
}

/** Reads one batch; undefined if there is nothing to read. */
export function read({ reader }: DiskParts, bytesWanted = 4096): Batch | undefined {
  const room = reader.prepare(bytesWanted);
  if (room === 0) return undefined;
  const bytes = Buffer.alloc(room);
  const { bytes: length, first, dueTimes } = reader.read(bytes, 0, room);
  return { first, messages: parseRecords(bytes.subarray(0, length)), dueTimes };
}

/** Reads everything; returns the bodies. */
export function readBodies(parts: DiskParts, bytesWanted = 4096): string[] {
  const bodies: string[] = [];
  for (;;) {
    const batch = read(parts, bytesWanted);
    if (batch === undefined) return bodies;
    bodies.push(...batch.messages.map(({ body }) => body));
  }
}

/** Changes bytes of a file in place, as a failing disk does. */
export function damage(
  disk: MemoryFileSystem,
  path: string,
  at: number,
  ...bytes: readonly number[]
): void {
  const handle = disk.openForWriting(path);
  if (handle === 'missing') throw new Error(`no file "${path}"`);
  disk.write(handle, Uint8Array.from(bytes), 0, bytes.length, at);
  disk.close(handle);
}

/** The checksum of a record, as in the files. */
export function checksumOf(record: Buffer): number {
  return recordChecksum(record, dataViewOf(record), 0, record.length);
}

/** Writes the state of a finished record at a place. */
export function writeFinished(
  states: RecordStates,
  segment: number,
  position: number,
  record: Buffer,
): void {
  const list = new StateList();
  list.addFinished(position, checksumOf(record));
  states.write(segment, list);
}

/** Writes the attempts and the due time of the record at a place. */
export function writeUnacked(
  states: RecordStates,
  segment: number,
  position: number,
  record: Buffer,
  attempts: number,
  dueMs: number,
): void {
  const list = new StateList();
  list.addUnacked(position, attempts, dueMs, checksumOf(record));
  states.write(segment, list);
}
