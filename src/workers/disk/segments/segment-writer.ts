/**
 * The writing end of a disk queue: it appends records to the last segment, and begins a new one when the next record
 * would make the file too long.
 *
 * Errors: an append that throws is undone durably: the segments that it created are removed, and the one that it
 * continued is truncated. If even that fails, it is done before the next append. After a failed sync of a segment
 * nothing is appended until a `sync` has succeeded, which first rewrites the unsynced bytes: the system treats them as
 * written, and a second sync alone would report success. The same applies to bytes that an earlier process left, whose
 * last sync may have failed.
 * Thread: disk.
 * Source: go-diskqueue `writeOne`; differs in writing a batch at once, in creating segments exclusively, so that no
 * file is ever overwritten, and in naming a segment in the metadata while it is still empty.
 */

import { ChecksumWriter } from '../checksums/checksum-file.ts';
import { checkDataPath } from '../files/data-path.ts';
import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import type { WantedBytes } from '../files/disk-probe.ts';
import { errorWithCauses, fileError, hasErrorCode, isOutOfSpace } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import type { QueuePlace } from '../files/queue-place.ts';
import type { QueueContext } from '../queue-context.ts';
import { recordSize } from '../records/disk-record.ts';
import { checkSegment, rewriteSegment } from './segment-rewrite.ts';

/** The dependencies of a writer. */
export interface SegmentWriterOptions extends QueueContext {
  readonly maxBytesPerFile: number;
}

/** Consecutive records of an append: bytes of its source, and their destination. */
export interface WrittenRun {
  readonly segment: number;
  readonly position: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Makes metadata name a segment before a record in it counts as written: nsqd reads only up to the write position of
 * its metadata, and overwrites what follows.
 */
export interface SegmentNaming {
  /**
   * The next record goes to this new segment, after `records` records of the current append. Errors: an exception
   * undoes the append.
   */
  name(segment: number, records: number): void;
  /** The current append is complete, or dropped with all records. */
  keep(): void;
  /** The current append is undone: metadata must not name its segments. Errors: throws; repeat the call. */
  takeBack(): void;
}

/** Runs before a run is written. Errors: an exception undoes the append. */
export type BeforeRun = (run: WrittenRun) => void;

export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  readonly #naming: SegmentNaming;

  /** The place of the next record; at position 0 the segment's file does not exist. */
  #segment: number;
  #position: number;
  readonly #checksums: ChecksumWriter;
  /** Segments with bytes that may not be durable, and where these begin. */
  readonly #unsynced: Map<number, number>;
  /** Whether segments were created or undone since the directory was synced. */
  #hasNewNames = false;
  /** Segments that the current or incompletely undone append has created. */
  #created: number[] = [];
  /** Whether the last append failed and must still be undone. */
  #mustTidy = false;
  /** Whether the current append has met an existing file. */
  #hasMetOthers = false;
  /** Whether an earlier process has left bytes that a sync alone may not write. */
  #mustRewrite: boolean;
  #failure: Error | undefined;
  /** Bytes of the last append, if it failed. */
  #refusedBytes = 0;

  constructor(
    options: SegmentWriterOptions,
    segment: number,
    position: number,
    unsynced: readonly QueuePlace[],
    naming: SegmentNaming,
  ) {
    this.#options = options;
    this.#naming = naming;
    this.#openFiles = options.openFiles;
    this.#files = options.files;
    this.#segment = segment;
    this.#position = position;
    this.#checksums = new ChecksumWriter(options);
    this.#unsynced = new Map(unsynced.map(({ segment, position }) => [segment, position]));
    // An earlier process may have cut the segment without a sync that succeeded.
    if (position > 0) this.#unsynced.set(segment, position);
    this.#mustRewrite = unsynced.length > 0;
    this.#hasNewNames = unsynced.length > 0;
  }

  get segment(): number {
    return this.#segment;
  }

  get position(): number {
    return this.#position;
  }

  /** Whether segments were created since the directory was synced. */
  get hasNewNames(): boolean {
    return this.#hasNewNames;
  }

  /** The directory was synced. */
  onNamesSynced(): void {
    this.#hasNewNames = false;
  }

  /** The error of a segment's failed sync, until a sync succeeds. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Writes whole records of valid sizes from `start` to `end`: all or, if it throws, none. Returns whether it met an
   * unknown segment, whose records precede those that were written.
   */
  append(bytes: Uint8Array, start: number, end: number, beforeRun?: BeforeRun): boolean {
    if (this.#failure !== undefined) {
      throw new Error('write after a failed sync, which is tried again', { cause: this.#failure });
    }
    this.tidy();
    if (this.#position > 0) this.#checkSegment();
    try {
      this.#hasMetOthers = false;
      this.#write(bytes, start, end, beforeRun);
      this.#created = [];
      this.#naming.keep();
      this.#refusedBytes = 0;
      return this.#hasMetOthers;
    } catch (error) {
      this.#refusedBytes = end - start;
      this.#mustTidy = true;
      this.tryTidy();
      // The limit on file sizes is reached; a new, shorter file may still be allowed.
      if (!this.#mustTidy && this.#position > 0 && hasErrorCode(error, 'EFBIG'))
        this.leaveSegment();
      throw error;
    }
  }

  /** The size and position of the last failed append, for a probe. */
  get wanted(): WantedBytes {
    const { maxBytesPerFile } = this.#options;
    const isBeyond = this.#position + this.#refusedBytes > maxBytesPerFile;
    return { position: isBeyond ? 0 : this.#position, length: this.#refusedBytes };
  }

  /** Ends the segment: the next record goes to a new one. */
  leaveSegment(): void {
    this.#segment++;
    this.#position = 0;
  }

  /** Makes all segments and their names durable. Errors: throws; see above for a failed sync. */
  sync(): void {
    this.syncSegments();
    this.finishSync();
  }

  /** The first part of `sync`: the records are durable, but the names of their segments may not be. */
  syncSegments(): void {
    if (this.#failure !== undefined || this.#mustRewrite) this.#rewrite();
    for (const segment of this.#unsynced.keys()) this.#syncSegment(segment);
  }

  /** The second part of `sync`. It must follow the first before anything is appended. */
  finishSync(): void {
    this.#syncNames();
    this.#unsynced.clear();
    this.#mustRewrite = false;
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#options.log(LOG_WARNING, 'synced after a failure, records are accepted again');
  }

  /** Whether a failed append must still be undone. */
  get mustTidy(): boolean {
    return this.#mustTidy;
  }

  /** Undoes a failed append. Errors: throws; then it must be called again. */
  tidy(): void {
    if (!this.#mustTidy) return;
    this.#tryTakeBack();
    for (const segment of this.#created) this.#openFiles.remove(this.#files.segment(segment));
    if (this.#created.length > 0) this.#hasNewNames = true;
    this.#created = [];
    if (this.#position > 0) {
      this.#openFiles.truncate(this.#files.segment(this.#segment), this.#position);
      if (!this.#unsynced.has(this.#segment)) this.#unsynced.set(this.#segment, this.#position);
      // The next process relies on it: after a power loss, moved records would be there twice.
      this.#syncSegment(this.#segment);
    }
    this.#syncNames();
    this.#naming.takeBack();
    this.#mustTidy = false;
  }

  /** As `tidy`, if that succeeds now. */
  tryTidy(): void {
    try {
      this.tidy();
    } catch (error) {
      this.#options.log(
        LOG_WARNING,
        `failed to undo an append, trying again later - ${errorWithCauses(error)}`,
      );
    }
  }

  /** Continues in a new segment, after all others were removed. */
  restart(): void {
    this.leaveSegment();
    this.#unsynced.clear();
    this.#created = [];
    this.#naming.keep();
    this.#mustTidy = false;
    this.#mustRewrite = false;
    this.#failure = undefined;
  }

  /** The last segment that may exist: the write segment, or one of an append that was not undone. */
  get lastSegment(): number {
    return this.#created.at(-1) ?? this.#segment;
  }

  /**
   * Undoes the naming first, so that a crash in between has the same effect as one during the append. If there is no
   * room for that, removing the segments makes room.
   */
  #tryTakeBack(): void {
    try {
      this.#naming.takeBack();
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
    }
  }

  /** A removed segment cannot be continued. A missing directory is an error, since it may come back. */
  #checkSegment(): void {
    const path = this.#files.segment(this.#segment);
    if (this.#openFiles.canWrite(path)) return;
    checkDataPath(this.#openFiles, this.#options.dataPath);
    this.#options.log(
      LOG_ERROR,
      `segment ${this.#segment} is gone, writing continues in a new one`,
    );
    this.leaveSegment();
  }

  /** Writes the records run by run, and moves the write position when all are written. */
  #write(bytes: Uint8Array, start: number, end: number, beforeRun: BeforeRun | undefined): void {
    const runs: WrittenRun[] = [];
    // Metadata that names the new segment implies that all earlier ones are complete.
    if (this.#position === 0 && this.#unsynced.size > 0) this.sync();
    let segment = this.#position === 0 ? this.#create(this.#segment, 0) : this.#segment;
    let position = this.#position;
    let run = start;
    let count = 0;
    if (position + (end - start) > this.#options.maxBytesPerFile) {
      for (let at = start; at < end; ) {
        const size = recordSize(bytes, at, this.#options.recordBytesMax);
        const used = position + (at - run);
        if (used > 0 && used + size > this.#options.maxBytesPerFile) {
          if (at > run) {
            runs.push({ segment, position, start: run, end: at });
            this.#writeRun(bytes, runs[runs.length - 1], beforeRun);
          }
          // A completed segment is synced here, because metadata will name the next one.
          this.#syncSegment(segment);
          this.#syncNames();
          segment = this.#create(segment + 1, count);
          position = 0;
          run = at;
        }
        at += size;
        count++;
      }
    }
    if (end > run) {
      runs.push({ segment, position, start: run, end });
      this.#writeRun(bytes, runs[runs.length - 1], beforeRun);
    }
    if (segment !== this.#segment) this.#unsynced.delete(this.#segment);
    if (!this.#unsynced.has(segment)) {
      this.#unsynced.set(segment, segment === this.#segment ? this.#position : 0);
    }
    this.#segment = segment;
    this.#position = position + (end - run);
    for (const { segment, position, start, end } of runs) {
      this.#checksums.add(segment, position, bytes, start, end);
    }
  }

  #writeRun(bytes: Uint8Array, run: WrittenRun, beforeRun: BeforeRun | undefined): void {
    const { segment, position, start, end } = run;
    beforeRun?.(run);
    this.#openFiles.write(this.#files.segment(segment), bytes, start, end - start, position);
  }

  /** Creates a segment with this number, or the next unused one, after `records` records of the append. */
  #create(wanted: number, records: number): number {
    let segment = wanted;
    while (!this.#openFiles.create(this.#files.segment(segment))) {
      this.#options.log(LOG_WARNING, `segment ${segment} exists already, it is kept`);
      this.#hasMetOthers = true;
      segment++;
    }
    this.#created.push(segment);
    this.#hasNewNames = true;
    this.#naming.name(segment, records);
    return segment;
  }

  #syncSegment(segment: number): void {
    try {
      this.#openFiles.sync(this.#files.segment(segment));
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      // If this undoes the append, earlier bytes remain in the same page.
      if (segment === this.#segment && !this.#unsynced.has(segment)) {
        this.#unsynced.set(segment, this.#position);
      }
      throw error;
    }
  }

  /** Rewrites what a failed sync may have lost. */
  #rewrite(): void {
    this.tidy();
    for (const [segment, from] of this.#unsynced) {
      const isLast = segment === this.#segment;
      const size = isLast ? this.#position : this.#openFiles.size(this.#files.segment(segment));
      if (size === 'missing') continue;
      const part = { segment, from, to: size };
      // The reader checks what an earlier process left.
      if (this.#failure !== undefined) checkSegment(this.#options, part);
      const end = rewriteSegment(this.#options, part);
      // Later records must not follow a hole.
      if (isLast && end < size) this.leaveSegment();
    }
  }

  /** Makes the names of segments durable. */
  #syncNames(): void {
    if (!this.#hasNewNames) return;
    try {
      this.#options.fileSystem.syncDirectory(this.#options.dataPath);
    } catch (cause) {
      throw fileError('sync directory', this.#options.dataPath, cause);
    }
    this.#hasNewNames = false;
  }
}
