/**
 * One disk queue: segments of records and a metadata file, in the format of nsqd's backend queues.
 *
 * Records are appended at the write position, read ahead, and gone when they are released. The metadata names the
 * oldest record that is not released and the write position, as they were at the last sync; what was read ahead is
 * forgotten by a crash. Nothing is kept open or allocated for a queue that is idle: its files are those of
 * `OpenFiles`, shared by all queues of the thread.
 *
 * Units: positions, sizes and lengths in bytes, depth and unread in records.
 * Errors: a call that throws has changed nothing, in memory or in what a reader sees of the files, and may be
 * tried again; the exception is a failed sync of a segment, after which nothing is appended any more.
 * Thread: disk.
 * Source: go-diskqueue `diskQueue`, behaviour §8; differs in reading ahead any number of records, in appending
 * batches, in syncing segments before metadata names them, and in what a damaged record costs.
 */

import type { DiskLog, LogLevel } from './disk-log.ts';
import { checkRecords, recordBytesMax } from './disk-record.ts';
import { fileError } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import type { OpenFiles } from './open-files.ts';
import { QueueFiles } from './queue-files.ts';
import { formatMetadata, type QueueMetadata, writeMetadata } from './queue-metadata.ts';
import { type RecoverySource, recoverQueue } from './queue-recovery.ts';
import type { SegmentIndex } from './segment-index.ts';
import { type ReadBatch, SegmentReader } from './segment-reader.ts';
import { SegmentWriter } from './segment-writer.ts';

/** What all queues of a disk thread share. */
export interface DiskQueueOptions {
  readonly fileSystem: FileSystem;
  readonly openFiles: OpenFiles;
  readonly index: SegmentIndex;
  readonly dataPath: string;
  readonly maxBytesPerFile: number;
  readonly maxMsgSize: number;
  /** Records appended or released after which a sync is due. */
  readonly syncEvery: number;
}

/** More segments than this are looked up in the directory instead of being tried one by one. */
const SEGMENTS_TO_TRY = 1000;

export class DiskQueue {
  readonly name: string;

  readonly #options: DiskQueueOptions;
  readonly #log: DiskLog;
  readonly #files: QueueFiles;
  readonly #writer: SegmentWriter;
  readonly #reader: SegmentReader;
  /** The metadata on disk as text, if there is any that can be read. */
  #metadataOnDisk: string | undefined;
  /** Records appended or released since the last sync. */
  #operations = 0;
  #mustSync: boolean;

  /**
   * Opens a queue's files, or begins a queue that has none; then nothing is created until the first append or sync.
   *
   * Errors: throws when something on disk cannot be read. Damage is no error: it is logged.
   */
  constructor(name: string, options: DiskQueueOptions, log: DiskLog) {
    this.name = name;
    this.#options = options;
    this.#log = (level: LogLevel, text: string): void => log(level, `DISKQUEUE(${name}): ${text}`);
    this.#files = new QueueFiles(options.dataPath, name);
    const source: RecoverySource = {
      queueName: name,
      files: this.#files,
      fileSystem: options.fileSystem,
      openFiles: options.openFiles,
      index: options.index,
      dataPath: options.dataPath,
      recordBytesMax: recordBytesMax(options.maxMsgSize),
      log: this.#log,
    };
    const found = recoverQueue(source);
    this.#writer = new SegmentWriter(
      { ...source, maxBytesPerFile: options.maxBytesPerFile },
      found.writeSegment,
      found.writePosition,
      found.unsynced,
    );
    this.#reader = new SegmentReader(
      { source, writer: this.#writer },
      { segment: found.readSegment, position: found.readPosition },
      found.depth,
    );
    this.#metadataOnDisk =
      found.metadata === undefined ? undefined : formatMetadata(found.metadata);
    const isMetadataOld =
      this.#metadataOnDisk !== undefined && this.#metadataOnDisk !== formatMetadata(found);
    this.#mustSync = found.unsynced.length > 0 || isMetadataOld;
    this.#removeFinished();
  }

  /** Records that were never read, as far as is known; 0 only if there is none. */
  get unread(): number {
    return this.#reader.unread;
  }

  /** Records that are not released. */
  get depth(): number {
    return this.#reader.unread + this.#reader.unreleased;
  }

  /** Whether a sync is due now, whatever the time. */
  get mustSync(): boolean {
    return this.#mustSync && this.#writer.failure === undefined;
  }

  /** Whether a sync has anything to do; false after a failed one, as another cannot help. */
  get isUnsynced(): boolean {
    return (this.#mustSync || this.#operations > 0) && this.#writer.failure === undefined;
  }

  /**
   * Writes records at the end of the queue: all of them or none. They are durable after the next sync.
   *
   * Shape: `count` disk records from `start` to `end`.
   * Errors: throws, and nothing of it is kept.
   */
  append(bytes: Uint8Array, start: number, end: number, count: number): void {
    checkRecords(bytes, start, end, count, recordBytesMax(this.#options.maxMsgSize));
    const segment = this.#writer.segment;
    const hasMetOthers = this.#writer.append(bytes, start, end);
    this.#reader.onAppend(count);
    if (hasMetOthers) this.#reader.recount();
    if (this.#writer.segment !== segment) this.#mustSync = true;
    this.#countOperations(count);
  }

  /**
   * Looks for the next record. Returns how much room `read` is to be offered: 0 when there is nothing to read, else
   * enough for one record, and no more than `bytesWanted` unless that record is longer.
   *
   * Errors: throws when a segment cannot be read. Damage is no error: it is logged, and costs what it hit.
   */
  prepareRead(bytesWanted: number): number {
    try {
      return this.#reader.prepare(bytesWanted);
    } finally {
      this.#removeFinished();
    }
  }

  /**
   * Reads the next whole records, which stay in the queue until they are released, into the room that `prepareRead`
   * has asked for. None only if a file has lost bytes since then: ask `prepareRead` again.
   *
   * Shape: disk records, one after the other.
   * Errors: throws when a segment cannot be read.
   */
  read(target: Uint8Array, offset: number, room: number): ReadBatch {
    try {
      return this.#reader.read(target, offset, room);
    } finally {
      this.#removeFinished();
    }
  }

  /** The oldest records are done with. Units: `count` is at most what was read and not released. */
  release(count: number): void {
    this.#reader.release(count);
    this.#removeFinished();
    this.#countOperations(count);
  }

  /**
   * Makes everything durable: segments first, then the metadata that names them.
   *
   * Errors: throws. If a segment could not be synced nobody knows what of it is on disk: the queue refuses appends
   * from then on, and leaves the metadata as it is. Anything else may be tried again.
   */
  sync(): void {
    try {
      this.#writer.sync();
      this.#reader.removeFinished();
      this.#writeMetadata();
      this.#operations = 0;
      this.#mustSync = false;
    } catch (cause) {
      // What failed once and may be tried again is not tried at every turn.
      this.#mustSync = false;
      this.#operations = Math.max(this.#operations, 1);
      throw fileError('sync queue', this.name, cause);
    }
  }

  /**
   * Drops all records, read or not, and removes the files that held them. Writing goes on in a new segment.
   *
   * Errors: throws when a file could not be removed; the queue is as before, but for the files that are gone.
   */
  empty(): void {
    this.#removeFiles();
    this.#writer.restart();
    this.#reader.restart();
    this.#metadataOnDisk = undefined;
    this.#operations = 0;
    this.#mustSync = false;
  }

  /**
   * Syncs and closes the queue. What was read and not released is there again when it is opened.
   *
   * Errors: throws when the sync fails; the queue is closed all the same, and opens as after a crash.
   */
  close(): void {
    try {
      this.#writer.tryTidy();
      // Thousands of queues that nothing has happened to must not cost two syncs each.
      if (this.isUnsynced || this.#writer.failure !== undefined) this.sync();
    } finally {
      this.#closeFiles();
    }
  }

  /** Drops all records and removes the queue's files; damaged segments stay. Errors: as `empty`. */
  delete(): void {
    try {
      this.#removeFiles();
    } finally {
      this.#closeFiles();
    }
  }

  #countOperations(count: number): void {
    this.#operations += count;
    if (this.#operations >= this.#options.syncEvery) this.#mustSync = true;
  }

  #removeFinished(): void {
    if (this.#reader.removeFinished()) this.#mustSync = true;
  }

  #writeMetadata(): void {
    const { segment, position } = this.#reader.oldest;
    const metadata: QueueMetadata = {
      depth: this.depth,
      readSegment: segment,
      readPosition: position,
      writeSegment: this.#writer.segment,
      writePosition: this.#writer.position,
    };
    const text = formatMetadata(metadata);
    if (text === this.#metadataOnDisk) return;
    // Until it is known to be in place, what is on disk is unknown.
    this.#metadataOnDisk = undefined;
    writeMetadata(this.#options.fileSystem, this.#files, metadata);
    this.#metadataOnDisk = text;
  }

  /**
   * Segments first: metadata without them says that records are gone, they without it that some are to be
   * recovered.
   */
  #removeFiles(): void {
    for (const segment of this.#segments()) {
      this.#options.openFiles.remove(this.#files.segment(segment));
    }
    try {
      this.#options.fileSystem.remove(this.#files.temporary);
      this.#options.fileSystem.remove(this.#files.metadata);
      this.#options.fileSystem.syncDirectory(this.#options.dataPath);
    } catch (cause) {
      throw fileError('remove metadata', this.#files.metadata, cause);
    }
  }

  #closeFiles(): void {
    this.#options.openFiles.closeAll(this.#files.prefix);
  }

  /** Numbers of the segments that may exist. */
  #segments(): readonly number[] {
    const first = this.#reader.firstSegment;
    const last = this.#writer.lastSegment;
    // Metadata that was damaged or made by hand may span numbers beyond counting.
    if (last - first > SEGMENTS_TO_TRY) {
      return this.#options.index.list(this.name).filter((n) => n >= first && n <= last);
    }
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  }
}
