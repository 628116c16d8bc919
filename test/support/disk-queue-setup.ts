/**
 * Disk queues on a disk in memory for tests: opened, filled, and read to the end.
 *
 * Thread: any.
 */

import { DiskQueue } from '../../src/workers/disk/disk-queue.ts';
import { DiskScratch } from '../../src/workers/disk/files/disk-scratch.ts';
import type { FileSystem } from '../../src/workers/disk/files/file-system.ts';
import { OpenFiles } from '../../src/workers/disk/files/open-files.ts';
import { SegmentIndex } from '../../src/workers/disk/files/segment-index.ts';
import { SidecarPatience } from '../../src/workers/disk/files/sidecar-patience.ts';
import { type DiskMessage, diskRecord, parseRecords } from './disk-files.ts';

/** The directory of the queues of a `MemoryFileSystem`. */
export const DATA_PATH = '/data';

export interface DiskQueueLimits {
  readonly maxBytesPerFile: number;
  readonly maxMsgSize: number;
  readonly syncEvery: number;
  readonly openFilesMax: number;
}

export interface OpenedQueue {
  readonly queue: DiskQueue;
  /** Log lines with their levels. */
  readonly log: string[];
  readonly openFiles: OpenFiles;
}

/** As for the queues of one disk thread. */
const SCRATCH = new DiskScratch();

const LIMITS: DiskQueueLimits = {
  maxBytesPerFile: 1000,
  maxMsgSize: 4096,
  syncEvery: 2500,
  openFilesMax: 256,
};

export function openQueue(
  fileSystem: FileSystem,
  name: string,
  limits: Partial<DiskQueueLimits> = {},
  dataPath = DATA_PATH,
  patience = new SidecarPatience(),
): OpenedQueue {
  const complete = { ...LIMITS, ...limits };
  const log: string[] = [];
  const openFiles = new OpenFiles(fileSystem, complete.openFilesMax, SCRATCH);
  const index = new SegmentIndex(fileSystem, dataPath);
  const queue = new DiskQueue(
    name,
    { ...complete, fileSystem, openFiles, index, dataPath, patience },
    (level, text) => log.push(`${level} ${text}`),
  );
  return { queue, log, openFiles };
}

/** Appends messages with these numbers as one batch; the body of each is its number. */
export function appendNumbers(queue: DiskQueue, ...numbers: readonly number[]): void {
  const records = numbers.map((number) => diskRecord(number, `message ${number}`));
  const bytes = Buffer.concat(records);
  queue.append(bytes, 0, bytes.length, numbers.length);
}

/** As `appendNumbers`, with a due time for each. */
export function appendDeferred(
  queue: DiskQueue,
  ...messages: readonly (readonly [number: number, dueMs: number])[]
): void {
  const bytes = Buffer.concat(messages.map(([number]) => diskRecord(number, `message ${number}`)));
  const dueTimes = messages.map(([, dueMs]) => dueMs);
  queue.append(bytes, 0, bytes.length, messages.length, dueTimes);
}

/** A record as it is handed out. */
export interface HandedRecord {
  /** The number that was passed to `appendNumbers`. */
  readonly message: number;
  /** The number to finish it with. */
  readonly number: number;
  readonly attempts: number;
  readonly dueMs: number;
}

/** Reads one batch of at most `room` bytes or one record, with the details of each record. */
export function readRecords(queue: DiskQueue, room = 4096): HandedRecord[] {
  for (;;) {
    const wanted = queue.prepareRead(room);
    if (wanted === 0) return [];
    const bytes = Buffer.alloc(wanted);
    const batch = queue.read(bytes, 0, wanted);
    if (batch.count === 0) continue;
    return parseRecords(bytes.subarray(0, batch.bytes)).map((message, index) => ({
      message: Number.parseInt(message.id, 16),
      number: (batch.first + index) >>> 0,
      attempts: message.attempts,
      dueMs: batch.dueTimes?.[index] ?? 0,
    }));
  }
}

/** Reads all records, with the details of each. */
export function readAllRecords(queue: DiskQueue, room = 4096): HandedRecord[] {
  const records: HandedRecord[] = [];
  for (;;) {
    const batch = readRecords(queue, room);
    if (batch.length === 0) return records;
    records.push(...batch);
  }
}

/** Reads one batch of at most `room` bytes or one record. */
export function readBatch(queue: DiskQueue, room = 4096): DiskMessage[] {
  const wanted = queue.prepareRead(room);
  if (wanted === 0) return [];
  const bytes = Buffer.alloc(wanted);
  const batch = queue.read(bytes, 0, wanted);
  return parseRecords(bytes.subarray(0, batch.bytes));
}

/** Reads everything. */
export function readAll(queue: DiskQueue, room = 4096): DiskMessage[] {
  const messages: DiskMessage[] = [];
  for (;;) {
    const batch = readBatch(queue, room);
    if (batch.length === 0 && queue.unread === 0) return messages;
    messages.push(...batch);
  }
}

/** Reads everything. Returns the numbers that were passed to `appendNumbers`. */
export function readNumbers(queue: DiskQueue, room = 4096): number[] {
  return readAll(queue, room).map((message) => Number.parseInt(message.id, 16));
}
