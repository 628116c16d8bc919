/**
 * One disk queue: segments of records and a metadata file, in the format of nsqd's backend queues.
 *
 * Records are appended at the write position, read ahead, and dropped when they are finished, in any order. The
 * metadata names the oldest unacked record and the write position as of the last sync; state files beside the
 * segments record which of the records between are finished, and the attempts and due times of others. A crash
 * forgets which records were handed out, so they are handed out again. An idle queue keeps nothing open or allocated:
 * its files are managed by `OpenFiles`, which all queues of the thread share.
 *
 * Units: positions, sizes and lengths in bytes; depth, unread and deferred in records; times in Unix ms.
 * Errors: a call that throws has changed nothing, neither in memory nor in the files as a reader sees them, and may
 * be repeated; after a failed sync of a segment nothing is appended until a sync has succeeded.
 * Thread: disk.
 * Source: go-diskqueue `diskQueue`; differs in reading ahead any number of records, in appending batches, in syncing
 * segments before metadata names them, in keeping records until they are finished, and in losing less to a damaged
 * record.
 */

import { ForeignChecksums } from './checksums/foreign-checksums.ts';
import { contextOf, type DiskQueueOptions } from './disk-queue-options.ts';
import type { DiskLog } from './files/disk-log.ts';
import { probeDisk } from './files/disk-probe.ts';
import { fileError, isOutOfSpace } from './files/file-error.ts';
import type { QueueFiles } from './files/queue-files.ts';
import type { QueuePlace } from './files/queue-place.ts';
import { runAlone, type Steps } from './in-steps.ts';
import type { Safekeeping } from './journal/group-commit.ts';
import { MetadataFile, type QueueExtent, SegmentNames } from './metadata/metadata-file.ts';
import type { QueueContext } from './queue-context.ts';
import { recoverQueue } from './queue-recovery.ts';
import { removeQueueFiles, syncDataPath } from './queue-removal.ts';
import { QueueSurvey } from './queue-survey.ts';
import { RecordMover } from './record-mover.ts';
import { RecordSafety, RecordWriter } from './record-writer.ts';
import { checkRecords, recordBytesMax } from './records/disk-record.ts';
import { type ReadBatch, SegmentReader } from './segments/segment-reader.ts';
import { bytesBetween } from './segments/segment-span.ts';
import { SegmentWriter, type WrittenRun } from './segments/segment-writer.ts';
import { straySidecars, takeCensus } from './state-census.ts';
import { RecordStates } from './states/record-states.ts';
import { UnsyncedChanges } from './sync-plan.ts';
import { RecordReread } from './unacked/record-reread.ts';
import { type StatesAtSync, StateWriter } from './unacked/state-writer.ts';
import { UnackedRecords } from './unacked/unacked-records.ts';
import { UnreadCount } from './unacked/unread-count.ts';

export class DiskQueue {
  readonly name: string;
  /** Rereads evicted records. */
  readonly reread: RecordReread;
  /** Tracks what a power loss may take. */
  readonly safety: RecordSafety;
  /** Lists and changes records for operators. */
  readonly survey: QueueSurvey;

  readonly #options: DiskQueueOptions;
  readonly #log: DiskLog;
  readonly #files: QueueFiles;
  readonly #source: QueueContext;
  readonly #unacked = new UnackedRecords();
  readonly #unread: UnreadCount;
  readonly #states: RecordStates;
  readonly #writer: SegmentWriter;
  readonly #recordWriter: RecordWriter;
  readonly #reader: SegmentReader;
  readonly #mover: RecordMover;
  readonly #stateWriter: StateWriter;
  /** Whether moved records are not yet durable at their new places. */
  #hasUnsyncedMoves = false;
  readonly #metadata: MetadataFile;
  readonly #changes: UnsyncedChanges;

  /**
   * Opens a queue's files, or starts a queue that has none; then nothing is created until the first append or sync.
   *
   * Errors: throws if something on disk cannot be read. Damage is not an error: it is logged.
   */
  constructor(name: string, options: DiskQueueOptions, log: DiskLog) {
    this.name = name;
    this.#options = options;
    const source = contextOf(name, options, log);
    this.#source = source;
    this.#log = source.log;
    this.#files = source.files;
    const found = recoverQueue(source);
    const read = { segment: found.readSegment, position: found.readPosition };
    const write = { segment: found.writeSegment, position: found.writePosition };
    this.#states = new RecordStates(source);
    const { finished, deferred, lastFinished } = takeCensus(this.#states, read, write);
    this.#stateWriter = new StateWriter(this.#states, this.#unacked, this.#log);
    this.reread = new RecordReread(source, this.#states, this.#stateWriter, this.#unacked);
    const unreadBytes = bytesBetween(source, read, write);
    this.#unread = new UnreadCount(found.depth, finished, deferred, unreadBytes);
    const foreign = new ForeignChecksums(source);
    this.#metadata = new MetadataFile(source, foreign, found.metadata, found.isRepaired);
    this.#writer = new SegmentWriter(
      { ...source, maxBytesPerFile: options.maxBytesPerFile },
      write.segment,
      write.position,
      found.unsynced,
      new SegmentNames(this.#metadata, () => this.#extent()),
    );
    this.#recordWriter = new RecordWriter(this.#writer, this.#states, this.#log);
    this.safety = new RecordSafety(
      {
        ...{ queueName: name, writer: this.#writer },
        ...{ recordWriter: this.#recordWriter, states: this.#states },
      },
      found.unsynced.length > 0,
    );
    const parts = { source, states: this.#states, unacked: this.#unacked, unread: this.#unread };
    this.#reader = new SegmentReader({ ...parts, foreign, writer: this.#writer }, read);
    this.#reader.passed.addReleased(straySidecars(source, this.#states, read, write));
    this.survey = new QueueSurvey({
      ...{ ...parts, reader: this.#reader, writer: this.#writer },
      unwrittenAttempts: (number) => this.#stateWriter.unwrittenAttempts(number),
      onWork: (count) => this.#changes.count(count),
    });
    this.#mover = new RecordMover({
      ...{ ...parts, writer: this.#recordWriter, reader: this.#reader },
      foundFinished: lastFinished,
    });
    this.#changes = new UnsyncedChanges(options.syncEvery);
    const isRecovered = found.unsynced.length > 0 || found.isRepaired;
    if (isRecovered || this.#metadata.isOlderThan(found)) this.#changes.makeDue();
    // The process that wrote the states may have been killed before a sync.
    if (!this.#states.isEmpty || this.#reader.passed.hasReleased) this.#changes.count(1);
    this.#releaseFinished();
  }

  /** Records that were not handed out yet: an estimate, but 0 only if there are none. */
  get unread(): number {
    return this.#unread.live;
  }

  /** The bytes of those, an estimate. */
  get unreadBytes(): number {
    return this.#unread.bytes;
  }

  /** How many of the unread records have a due time. */
  get deferred(): number {
    return this.#unread.deferred;
  }

  /** Unacked records. */
  get depth(): number {
    return this.#unread.live + this.#unacked.count;
  }

  /** Whether the next records may have due times. */
  get mayHaveDueTimes(): boolean {
    return this.#reader.mayHaveDueTimes;
  }

  /** Whether the queue is empty and its files are up to date. */
  get isIdle(): boolean {
    return this.depth === 0 && !this.isUnsynced;
  }

  /** Whether a sync is due now, before the sync timeout. */
  get mustSync(): boolean {
    return this.#changes.isDue && this.#writer.failure === undefined;
  }

  /** Whether there is anything to sync. */
  get isUnsynced(): boolean {
    return this.#changes.isThere || this.#writer.failure !== undefined;
  }

  /** Whether a sync is wanted after the sync timeout; records in the journal can wait until it is full. */
  get wantsSync(): boolean {
    return this.#changes.isWanted || this.#writer.failure !== undefined;
  }

  /**
   * Appends records to the queue: all of them or none. They are durable after the next sync, or once the caller has
   * written them to the journal. Returns where they are.
   *
   * Shape: `count` disk records from `start` to `end`; `dueTimes`, if given, has one for each, 0 for none.
   * Errors: throws, and nothing is kept.
   */
  append(
    bytes: Uint8Array,
    start: number,
    end: number,
    count: number,
    dueTimes?: ArrayLike<number>,
    safekeeping: Safekeeping = 'next sync',
  ): readonly WrittenRun[] {
    checkRecords(bytes, start, end, count, recordBytesMax(this.#options.maxMsgSize));
    this.#metadata.removeOldCopy();
    const { segment, position } = this.#writer;
    // An empty segment is named when it gets its first record.
    if (position > 0 && this.#metadata.placed?.writeSegment !== segment)
      runAlone(this.#syncSteps('required'));
    const append = this.#recordWriter.append(bytes, start, end, dueTimes);
    this.#unread.onAppend(count, append.deferred, end - start);
    if (append.hasMetOthers) this.#reader.recount();
    if (this.#writer.segment !== segment) this.#changes.makeDue();
    this.safety.onAppend(safekeeping);
    this.#changes.onAppend(count, safekeeping);
    return append.runs;
  }

  /** Whether appends are refused because a sync has failed. */
  get hasFailedSync(): boolean {
    return this.#writer.failure !== undefined;
  }

  /** Errors: throws if the last failed append would fail again. */
  probe(): void {
    if (this.#writer.failure !== undefined) throw this.#writer.failure;
    this.#recordWriter.tidy();
    probeDisk(this.#options.fileSystem, this.#options.dataPath, this.#writer.wanted);
  }

  /**
   * Finds the next record. Returns how much room `read` needs: 0 if there is nothing to read, otherwise enough for
   * one record, and not more than `bytesWanted` unless that record is longer.
   *
   * Errors: throws if a segment cannot be read. Damage is not an error: it is logged, and the damaged records are
   * lost.
   */
  prepareRead(bytesWanted: number): number {
    try {
      return this.#reader.prepare(bytesWanted);
    } finally {
      this.#releaseFinished();
    }
  }

  /**
   * Reads the next whole records into the room that `prepareRead` asked for; they stay in the queue until they are
   * finished. It returns none only if a file has lost bytes since then or records were skipped: call `prepareRead`
   * again.
   *
   * Shape: disk records, one after the other, with the attempts of their states.
   * Errors: throws when a segment cannot be read.
   */
  read(target: Uint8Array, offset: number, room: number): ReadBatch {
    try {
      return this.#reader.read(target, offset, room);
    } finally {
      this.#releaseFinished();
    }
  }

  /** Finishes records. Units: `first` is the number with which the first was handed out. */
  finish(first: number, count: number): void {
    this.#unacked.finish(first, count);
    this.#releaseFinished();
    this.#changes.count(count);
  }

  /** Writes the attempts and due time of an unacked record. Errors: logged; the next sync tries again. */
  update(number: number, attempts: number, dueMs: number): void {
    this.#stateWriter.update(number, attempts, dueMs);
    this.#changes.count(1);
  }

  /**
   * Makes everything durable: segments first, then states, then the metadata that names them.
   *
   * Errors: throws. After a failed sync of a segment its contents on disk are unknown: the queue refuses appends
   * until a sync has succeeded, and leaves the metadata unchanged. Anything else may be repeated.
   */
  sync(): void {
    const hasMoved = this.#writer.failure === undefined && this.#mover.moveForSpace();
    if (hasMoved) this.#onMoved();
    runAlone(this.#syncSteps('required'));
    // There may be more records to move.
    if (hasMoved) this.#changes.makeDue();
  }

  /**
   * Drops all records, handed out or not, and removes their files. Writing continues in a new segment.
   *
   * Errors: throws if a file could not be removed; the queue is unchanged except for the files that are gone.
   */
  empty(): void {
    this.#removeFiles();
    this.#writer.restart();
    this.#recordWriter.restart();
    this.#reader.restart();
    this.#stateWriter.clear();
    this.#hasUnsyncedMoves = false;
    this.safety.onSynced();
    this.#changes.onSynced(false);
  }

  /**
   * Syncs and closes the queue. Unacked records are there again when it is opened, also by nsqd. nsqd does not see
   * finished records either, unless too many unacked bytes lie before them.
   *
   * Errors: throws if the sync fails; the queue is still open and may be closed again. If `states` is `optional`,
   * states that cannot be written are logged instead.
   */
  close(states: StatesAtSync = 'required'): void {
    runAlone(this.closeSteps(states));
  }

  /** `close` in steps, to run beside those of other queues. Nothing else may be done with the queue in between. */
  *closeSteps(states: StatesAtSync): Steps {
    this.#recordWriter.tryTidy();
    if (this.#mover.moveForClose()) {
      this.#onMoved();
      this.#changes.makeDue();
    }
    // Thousands of unchanged queues must not cost two syncs each.
    if (this.isUnsynced) yield* this.#syncSteps(states);
    this.#closeFiles();
  }

  /** Drops all records and removes the queue's files; damaged segments stay. Errors: as `empty`. */
  delete(): void {
    try {
      this.#removeFiles();
    } finally {
      this.#closeFiles();
    }
  }

  #onMoved(): void {
    this.#hasUnsyncedMoves = true;
    this.safety.loosen();
  }

  /** The place of the oldest unacked record. */
  #oldest(): QueuePlace {
    return this.#unacked.oldest ?? this.#reader.place;
  }

  /** Makes the next sync remove completely finished segments. */
  #releaseFinished(): void {
    // The old places of moved records are needed until the new ones are durable.
    if (this.#hasUnsyncedMoves || this.#reader.passed.count === 0) return;
    if (this.#reader.passed.releaseBefore(this.#oldest().segment)) this.#changes.makeDue();
  }

  /** Pauses before the data directory is synced, and before names in it change again. */
  *#syncSteps(states: StatesAtSync): Steps {
    const { passed } = this.#reader;
    try {
      // A failed append must be undone before metadata is written, or records could follow a partial one.
      if (states === 'required') this.#recordWriter.tidy();
      else this.#writer.tidy();
      this.#writer.syncSegments();
      yield;
      this.#writer.finishSync();
      this.safety.onSegmentsSynced();
      yield;
      this.#hasUnsyncedMoves = false;
      this.#reader.passMoved();
      this.#stateWriter.sync(this.#oldest(), states);
      this.safety.onSynced();
      passed.releaseBefore(this.#oldest().segment);
      this.#placeMetadata();
      yield;
      this.#metadata.makeDurable();
      if (passed.removeReleased(this.#writer.segment)) syncDataPath(this.#source);
      passed.removeSidecars();
      this.#changes.onSynced(passed.hasReleased);
    } catch (cause) {
      // A failed sync is not repeated every turn, unless records can be moved to make room.
      const mayMakeRoom = isOutOfSpace(cause) && !this.#hasUnsyncedMoves;
      const end = this.#metadata.placed?.writeSegment ?? 0;
      this.#changes.onFailed(mayMakeRoom && passed.removeReleased(end));
      throw fileError('sync queue', this.name, cause);
    }
  }

  #placeMetadata(): void {
    const { segment, position } = this.#writer;
    this.#metadata.place({ ...this.#extent(), writeSegment: segment, writePosition: position });
  }

  /** What the queue holds before the write position. */
  #extent(): QueueExtent {
    const { segment, position } = this.#oldest();
    const passed = this.#reader.ordinal - (this.#unacked.oldest?.ordinal ?? this.#reader.ordinal);
    return { depth: this.#unread.all + passed, readSegment: segment, readPosition: position };
  }

  #removeFiles(): void {
    // Metadata may describe the queue as empty although it is not.
    this.#changes.makeDue();
    removeQueueFiles({
      ...{ source: this.#source, states: this.#states, metadata: this.#metadata },
      ...{ reader: this.#reader, writer: this.#writer },
    });
  }

  #closeFiles(): void {
    this.#options.openFiles.closeAll(this.#files.prefix);
    this.#options.openFiles.closeAll(this.#files.sidecarPrefix);
  }
}
