/**
 * Before any queue is opened, writes the records of the journals again that a power loss may have taken from the
 * queues' segments. Then it removes the journals.
 *
 * Records before the write position of the queue's metadata are not written: they were durable before it named that
 * position. A missing segment was removed because everything in it was finished or dropped; its name was durable before
 * an entry relied on it. The due time of a record is written if the record has no state: later states are in no
 * journal, and at the end of a segment metadata may include a record whose state was not durable.
 *
 * After a kill all records are in the segments; writing them again changes nothing.
 *
 * If nsqd has used the queue after the crash, its records are at the places of the journal's records. Then the
 * journal's records are appended after them.
 *
 * Bound: a journal is read whole, 64 MiB for each disk thread.
 * Errors: throws when something cannot be read or written; the journals are still there, and all of it may be repeated.
 * Thread: disk, before the loops run.
 */

import { join } from 'node:path';
import { rethrowBug } from '../../../shared/assert.ts';
import { type DiskLog, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses, fileError, hasErrorCode } from '../files/file-error.ts';
import type { FileSystem } from '../files/file-system.ts';
import { OpenFiles } from '../files/open-files.ts';
import { QueueFiles, sidecarDirectoryOf } from '../files/queue-files.ts';
import { isBefore } from '../files/queue-place.ts';
import { SegmentIndex } from '../files/segment-index.ts';
import { SidecarPatience } from '../files/sidecar-patience.ts';
import { type QueueMetadata, readMetadata } from '../metadata/queue-metadata.ts';
import type { QueueContext } from '../queue-context.ts';
import {
  dataViewOf,
  RECORD_ATTEMPTS_OFFSET,
  RECORD_BYTES_MIN,
  recordChecksum,
  storedSize,
} from '../records/disk-record.ts';
import { RecordStates } from '../states/record-states.ts';
import { StateList } from '../states/state-list.ts';
import { ENTRIES_OFFSET, type JournalEntry, readEntries, readHeader } from './journal-entry.ts';

/** The dependencies of a recovery. */
export interface RecoveryOptions {
  readonly fileSystem: FileSystem;
  readonly dataPath: string;
  readonly log: DiskLog;
}

const JOURNAL_NAME = /^journal\.\d+\.[ab]$/;

/** Recovers from all journals of a data directory. */
export function recoverJournals(options: RecoveryOptions): void {
  const { fileSystem, dataPath } = options;
  const directory = sidecarDirectoryOf(dataPath);
  const names = namesIn(fileSystem, directory);
  if (names === undefined) return;
  const journals = names
    .filter((name) => JOURNAL_NAME.test(name))
    .map((name) => readJournal(fileSystem, join(directory, name)))
    .sort((a, b) => a.generation - b.generation);
  if (journals.length === 0) forgetRemoved(options, directory);
  for (const [name, entries] of entriesByQueue(journals)) {
    new QueueRewrite(options, name).rewrite(entries);
  }
  // One by one: a journal must not exist without a later one that makes its entries void.
  for (const { path } of journals) {
    fileSystem.remove(path);
    fileSystem.syncDirectory(directory);
  }
}

/** The names in the directory; undefined if it does not exist or is a file. */
function namesIn(fileSystem: FileSystem, directory: string): string[] | undefined {
  try {
    return fileSystem.size(directory) === 'missing' ? undefined : fileSystem.list(directory);
  } catch (cause) {
    if (hasErrorCode(cause, 'ENOTDIR')) return undefined;
    throw fileError('look for journals in', directory, cause);
  }
}

/** A power loss must not bring back journals that an earlier process has removed. Errors: logged. */
function forgetRemoved({ fileSystem, log }: RecoveryOptions, directory: string): void {
  try {
    fileSystem.syncDirectory(directory);
  } catch (error) {
    rethrowBug(error);
    log(LOG_WARNING, `failed to sync "${directory}" - ${errorWithCauses(error)}`);
  }
}

/** The entries that no later one makes void, oldest first. */
function entriesByQueue(journals: readonly JournalContent[]): Map<string, JournalEntry[]> {
  const queues = new Map<string, JournalEntry[]>();
  for (const { entries } of journals) {
    for (const entry of entries) {
      if (entry.isDrop) {
        queues.delete(entry.queueName);
        continue;
      }
      const known = queues.get(entry.queueName);
      if (known === undefined) queues.set(entry.queueName, [entry]);
      else known.push(entry);
    }
  }
  return queues;
}

interface JournalContent {
  readonly path: string;
  readonly generation: number;
  readonly entries: readonly JournalEntry[];
}

function readJournal(fileSystem: FileSystem, path: string): JournalContent {
  try {
    const handle = fileSystem.openForReading(path);
    const size = fileSystem.size(path);
    if (handle === 'missing' || size === 'missing') return { path, generation: 0, entries: [] };
    try {
      const bytes = Buffer.alloc(Math.max(size, ENTRIES_OFFSET));
      fileSystem.read(handle, bytes, 0, size, 0);
      return { path, generation: readHeader(bytes) ?? 0, entries: readEntries(bytes) };
    } finally {
      fileSystem.close(handle);
    }
  } catch (cause) {
    throw fileError('read journal', path, cause);
  }
}

/** One queue's part of a recovery. */
class QueueRewrite {
  readonly #context: QueueContext;
  readonly #openFiles: OpenFiles;
  readonly #states: RecordStates;
  readonly #written = new Set<number>();
  /** Whether the places of records belong to others. */
  #isDisplaced = false;
  #count = 0;

  constructor({ fileSystem, dataPath, log }: RecoveryOptions, queueName: string) {
    this.#openFiles = new OpenFiles(fileSystem);
    this.#context = {
      queueName,
      files: new QueueFiles(dataPath, queueName),
      fileSystem,
      openFiles: this.#openFiles,
      index: new SegmentIndex(fileSystem, dataPath),
      patience: new SidecarPatience(),
      dataPath,
      recordBytesMax: Number.MAX_SAFE_INTEGER,
      log: (level, text) => log(level, `DISKQUEUE(${queueName}): ${text}`),
    };
    this.#states = new RecordStates(this.#context);
  }

  rewrite(entries: readonly JournalEntry[]): void {
    const { files, fileSystem, log } = this.#context;
    const metadata = readMetadata(fileSystem, files);
    for (const entry of entries) {
      if (this.#openFiles.size(files.segment(entry.segment)) === 'missing') continue;
      if (typeof metadata === 'string') this.#write(entry);
      else if (isBehind(metadata, entry) && !this.#isDisplaced) this.#write(entry);
      else if (this.#isThere(entry)) this.#writeStates(entry);
      else this.#append(metadata, entry);
    }
    if (this.#count > 0) {
      log(
        LOG_WARNING,
        `${this.#count} records after the last sync were written again from the journal`,
      );
    }
    for (const segment of this.#written) this.#openFiles.sync(files.segment(segment));
    this.#states.distrust();
    this.#states.sync();
    this.#openFiles.closeAll('');
  }

  #write(entry: JournalEntry): void {
    const { segment, position, records } = entry;
    const path = this.#context.files.segment(segment);
    this.#openFiles.write(path, records, 0, records.length, position);
    this.#written.add(segment);
    this.#count += countRecords(records);
    this.#writeStates(entry);
  }

  /** Writes records at the end of the queue. */
  #append({ writeSegment, writePosition }: QueueMetadata, entry: JournalEntry): void {
    this.#isDisplaced = true;
    const { files, fileSystem, dataPath } = this.#context;
    const path = files.segment(writeSegment);
    const size = this.#openFiles.size(path);
    if (size === 'missing') {
      this.#openFiles.create(path);
      fileSystem.syncDirectory(dataPath);
    }
    const position = Math.max(writePosition, size === 'missing' ? 0 : size);
    this.#write({ ...entry, segment: writeSegment, position });
  }

  /** Whether the segment has these records at their place. */
  #isThere({ segment, position, records }: JournalEntry): boolean {
    const found = Buffer.alloc(records.length);
    const path = this.#context.files.segment(segment);
    const length = this.#openFiles.read(path, found, 0, found.length, position);
    return length === found.length && found.equals(records);
  }

  #writeStates({ segment, position, records, dueTimes }: JournalEntry): void {
    if (dueTimes.length === 0) return;
    const list = new StateList();
    let index = 0;
    for (let at = 0; at + RECORD_BYTES_MIN <= records.length; index++) {
      const size = storedSize(records, at);
      const dueMs = dueTimes.at(index) ?? 0;
      if (dueMs > 0) {
        const checksum = recordChecksum(records, dataViewOf(records), at, at + size);
        const attempts = records.readUInt16BE(at + RECORD_ATTEMPTS_OFFSET);
        if (!this.#hasState(segment, position + at, checksum)) {
          list.addUnacked(position + at, attempts, dueMs, checksum);
        }
      }
      at += size;
    }
    this.#states.write(segment, list);
  }

  #hasState(segment: number, position: number, checksum: number): boolean {
    return this.#states.find(segment, position) && this.#states.checksum === checksum;
  }
}

/** Whether the entry's records begin at or after the write position of metadata. */
function isBehind({ writeSegment, writePosition }: QueueMetadata, entry: JournalEntry): boolean {
  return !isBefore(entry, { segment: writeSegment, position: writePosition });
}

function countRecords(records: Buffer): number {
  let count = 0;
  for (let at = 0; at + RECORD_BYTES_MIN <= records.length; at += storedSize(records, at)) count++;
  return count;
}
