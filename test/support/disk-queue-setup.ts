/**
 * Disk queues on a disk in memory, as tests of them need: opened, fed, and read to the end.
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

/** Where the queues of a `MemoryFileSystem` lie. */
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

/** Appends the messages with these numbers, each with its number as its body, as one batch. */
export function appendNumbers(queue: DiskQueue, ...numbers: readonly number[]): void {
  const records = numbers.map((number) => diskRecord(number, `message ${number}`));
  const bytes = Buffer.concat(records);
  queue.append(bytes, 0, bytes.length, numbers.length);
}

/** As `appendNumbers`, each with its due time. */
export function appendDeferred(
  queue: DiskQueue,
  ...messages: readonly (readonly [number: number, dueMs: number])[]
): void {
  const bytes = Buffer.concat(messages.map(([number]) => diskRecord(number, `message ${number}`)));
  const dueTimes = messages.map(([, dueMs]) => dueMs);
  queue.append(bytes, 0, bytes.length, messages.length, dueTimes);
}

/** What is handed out of one record. */
export interface HandedRecord {
  /** The number that `appendNumbers` was given. */
  readonly message: number;
  /** The number that it is to be finished with. */
  readonly number: number;
  readonly attempts: number;
  readonly dueMs: number;
}

/** Reads one batch of at most `room` bytes or one record, with what it says of each record. */
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

/** Reads all records there are, with what it says of each. */
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

/** Reads everything there is. */
export function readAll(queue: DiskQueue, room = 4096): DiskMessage[] {
  const messages: DiskMessage[] = [];
  for (;;) {
    const batch = readBatch(queue, room);
    if (batch.length === 0 && queue.unread === 0) return messages;
    messages.push(...batch);
  }
}

/** Reads everything there is; returns the numbers that `appendNumbers` was given. */
export function readNumbers(queue: DiskQueue, room = 4096): number[] {
  return readAll(queue, room).map((message) => Number.parseInt(message.id, 16));
}
