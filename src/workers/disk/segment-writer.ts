/**
 * The writing end of a disk queue: puts records at the end of the last segment, and begins a new one where the
 * next record would make the file too long.
 *
 * Errors: an append that throws is undone: its segments are removed, and the one it went on in is cut off where
 * the append began. Where even that fails, it is done before the next append. After a failed sync of a segment
 * nothing is written any more: the system has dropped what it could not write, and would call a second try a success.
 * Thread: disk.
 * Source: go-diskqueue `writeOne`; differs in writing a batch at once, and in creating segments exclusively, so that
 * no file is ever written over.
 */

import { LOG_ERROR, LOG_WARNING } from './disk-log.ts';
import { recordSize } from './disk-record.ts';
import { errorText, fileError } from './file-error.ts';
import type { OpenFiles } from './open-files.ts';
import type { QueueFiles } from './queue-files.ts';
import { checkDataPath, type RecoverySource } from './queue-recovery.ts';

/** What a writer is made of. */
export interface SegmentWriterOptions extends RecoverySource {
  readonly maxBytesPerFile: number;
}

export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;

  /** Where the next record goes; at 0 the segment's file does not exist. */
  #segment: number;
  #position: number;
  /** Segments with bytes that may not be durable. */
  #unsynced: number[];
  /** Whether segments were created since the directory was synced. */
  #hasNewNames = false;
  /** Segments that the append under way, or undone in part, has created. */
  #created: number[] = [];
  /** Whether the last append failed and has left something behind. */
  #mustTidy = false;
  /** Whether the append under way has found a file where it wanted to create one. */
  #hasMetOthers = false;
  #failure: Error | undefined;

  constructor(
    options: SegmentWriterOptions,
    segment: number,
    position: number,
    unsynced: readonly number[],
  ) {
    this.#options = options;
    this.#openFiles = options.openFiles;
    this.#files = options.files;
    this.#segment = segment;
    this.#position = position;
    this.#unsynced = [...unsynced];
    this.#hasNewNames = unsynced.length > 0;
  }

  get segment(): number {
    return this.#segment;
  }

  get position(): number {
    return this.#position;
  }

  /** The sync of a segment that failed, if one did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Writes whole records of possible sizes from `start` to `end`: all or, when it throws, none. Returns whether a
   * segment was in the way that nobody knew of; its records are before those that were written.
   */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#failure !== undefined) {
      throw new Error('write after a failed sync, the queue must be opened anew', {
        cause: this.#failure,
      });
    }
    this.#tidy();
    if (this.#position > 0) this.#checkSegment();
    try {
      this.#hasMetOthers = false;
      this.#write(bytes, start, end);
      this.#created = [];
      return this.#hasMetOthers;
    } catch (error) {
      this.#mustTidy = true;
      this.tryTidy();
      throw error;
    }
  }

  /** Leaves the segment as it is: the next record goes to a new one. */
  leaveSegment(): void {
    this.#segment++;
    this.#position = 0;
  }

  /** Makes all segments durable, and their names. Errors: throws; see above for what a failed sync means. */
  sync(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const segment of this.#unsynced) this.#syncSegment(segment);
    if (this.#hasNewNames) this.#syncDirectory();
    this.#hasNewNames = false;
    this.#unsynced = [];
  }

  /** Removes what an append that failed has left behind, if that is possible now. */
  tryTidy(): void {
    try {
      this.#tidy();
    } catch (error) {
      this.#options.log(
        LOG_WARNING,
        `failed to undo an append, trying again later - ${errorText(error)}`,
      );
    }
  }

  /** Goes on in a new segment, after all others were removed. */
  restart(): void {
    this.leaveSegment();
    this.#unsynced = [];
    this.#created = [];
    this.#mustTidy = false;
  }

  /** Segments that may exist and are not before the write position's: those of an append that was not undone. */
  get lastSegment(): number {
    return this.#created.at(-1) ?? this.#segment;
  }

  /** Errors: throws, and it is still to be done. */
  #tidy(): void {
    if (!this.#mustTidy) return;
    for (const segment of this.#created) this.#openFiles.remove(this.#files.segment(segment));
    if (this.#position > 0) {
      this.#openFiles.truncate(this.#files.segment(this.#segment), this.#position);
    }
    this.#created = [];
    this.#mustTidy = false;
  }

  /** A segment that someone removed cannot be continued. A missing directory may come back, so that is an error. */
  #checkSegment(): void {
    const path = this.#files.segment(this.#segment);
    if (this.#openFiles.canWrite(path)) return;
    checkDataPath(this.#options);
    this.#options.log(LOG_ERROR, `segment ${this.#segment} is gone, writing goes on in a new one`);
    this.leaveSegment();
  }

  /** Writes the records, a run of them with each call, and moves the write position when all are written. */
  #write(bytes: Uint8Array, start: number, end: number): void {
    let segment = this.#position === 0 ? this.#create(this.#segment) : this.#segment;
    let position = this.#position;
    let run = start;
    if (position + (end - start) > this.#options.maxBytesPerFile) {
      for (let at = start; at < end; ) {
        const size = recordSize(bytes, at, this.#options.recordBytesMax);
        const used = position + (at - run);
        if (used > 0 && used + size > this.#options.maxBytesPerFile) {
          this.#writeRun(segment, bytes, run, at, position);
          // Once it is left nobody thinks of it again, so it is synced here.
          this.#syncSegment(segment);
          segment = this.#create(segment + 1);
          position = 0;
          run = at;
        }
        at += size;
      }
    }
    this.#writeRun(segment, bytes, run, end, position);
    this.#unsynced = this.#unsynced.filter((other) => other < this.#segment);
    this.#unsynced.push(segment);
    this.#segment = segment;
    this.#position = position + (end - run);
  }

  #writeRun(
    segment: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    position: number,
  ): void {
    if (start === end) return;
    this.#openFiles.write(this.#files.segment(segment), bytes, start, end - start, position);
  }

  /** Creates a segment with this number, or the next one that no file has. */
  #create(wanted: number): number {
    let segment = wanted;
    while (!this.#openFiles.create(this.#files.segment(segment))) {
      this.#options.log(LOG_WARNING, `segment ${segment} exists already, it is kept`);
      this.#hasMetOthers = true;
      segment++;
    }
    this.#created.push(segment);
    this.#hasNewNames = true;
    return segment;
  }

  #syncSegment(segment: number): void {
    try {
      this.#openFiles.sync(this.#files.segment(segment));
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  #syncDirectory(): void {
    try {
      this.#options.fileSystem.syncDirectory(this.#options.dataPath);
    } catch (cause) {
      throw fileError('sync directory', this.#options.dataPath, cause);
    }
  }
}
