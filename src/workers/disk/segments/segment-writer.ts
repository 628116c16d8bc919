/**
 * The writing end of a disk queue: puts records at the end of the last segment, and begins a new one where the
 * next record would make the file too long.
 *
 * Errors: an append that throws is undone: its segments are removed, and the one it went on in is cut off where
 * the append began. Where even that fails, it is done before the next append. After a failed sync of a segment
 * nothing is appended until a `sync` has succeeded, which then begins by writing again what was not synced: the system
 * holds it for written and would call a second try without that a success. The same is done to what another life has
 * left, whose last sync may have failed.
 * Thread: disk.
 * Source: go-diskqueue `writeOne`; differs in writing a batch at once, in creating segments exclusively, so that no
 * file is ever written over, and in naming a segment when it is there, and nothing in it.
 */

import { ChecksumWriter } from '../checksums/checksum-writer.ts';
import { checkDataPath } from '../files/data-path.ts';
import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import type { WantedBytes } from '../files/disk-probe.ts';
import { errorText, fileError, hasErrorCode, isOutOfSpace } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import type { QueuePlace } from '../files/queue-place.ts';
import type { QueueContext } from '../queue-context.ts';
import { recordSize } from '../records/disk-record.ts';
import { checkSegment, rewriteSegment } from './segment-rewrite.ts';

/** What a writer is made of. */
export interface SegmentWriterOptions extends QueueContext {
  readonly maxBytesPerFile: number;
}

/** Records that an append writes one after the other: bytes of its source, and where they go. */
export interface WrittenRun {
  readonly segment: number;
  readonly position: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Who has metadata name a segment before a record in it is called written: nsqd looks for records only as far as its
 * metadata says, and writes over what lies behind.
 */
export interface SegmentNaming {
  /**
   * The next record goes to this new segment, behind so many records of the append under way. Errors: what it throws
   * undoes the append.
   */
  name(segment: number, records: number): void;
  /** The append under way is done, or forgotten with all others. */
  keep(): void;
  /** The append under way is undone: what was named for it must not be named. Errors: throws, to be tried again. */
  takeBack(): void;
}

/** Does what must be done before a run is written. Errors: what it throws undoes the append. */
export type BeforeRun = (run: WrittenRun) => void;

export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  readonly #naming: SegmentNaming;

  /** Where the next record goes; at 0 the segment's file does not exist. */
  #segment: number;
  #position: number;
  readonly #checksums: ChecksumWriter;
  /** Segments with bytes that may not be durable, and where those begin. */
  readonly #unsynced: Map<number, number>;
  /** Whether segments were created since the directory was synced. */
  #hasNewNames = false;
  /** Segments that the append under way, or undone in part, has created. */
  #created: number[] = [];
  /** Whether the last append failed and has left something behind. */
  #mustTidy = false;
  /** Whether the append under way has found a file where it wanted to create one. */
  #hasMetOthers = false;
  /** Whether another life has left bytes of which nobody knows whether a sync would write them. */
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
    this.#mustRewrite = unsynced.length > 0;
    this.#hasNewNames = unsynced.length > 0;
  }

  get segment(): number {
    return this.#segment;
  }

  get position(): number {
    return this.#position;
  }

  /** The sync of a segment that failed, if one did and none has succeeded since. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Writes whole records of possible sizes from `start` to `end`: all or, when it throws, none. Returns whether a
   * segment was in the way that nobody knew of; its records are before those that were written.
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
      // The process may write no files of that size; a shorter one it may.
      if (!this.#mustTidy && this.#position > 0 && hasErrorCode(error, 'EFBIG'))
        this.leaveSegment();
      throw error;
    }
  }

  /** What has to find room for the append that failed last to go well: at the place where it would begin. */
  get wanted(): WantedBytes {
    const { maxBytesPerFile } = this.#options;
    const isBeyond = this.#position + this.#refusedBytes > maxBytesPerFile;
    return { position: isBeyond ? 0 : this.#position, length: this.#refusedBytes };
  }

  /** Leaves the segment as it is: the next record goes to a new one. */
  leaveSegment(): void {
    this.#segment++;
    this.#position = 0;
  }

  /** Makes all segments durable, and their names. Errors: throws; see above for what a failed sync means. */
  sync(): void {
    if (this.#failure !== undefined || this.#mustRewrite) this.#rewrite();
    for (const segment of this.#unsynced.keys()) this.#syncSegment(segment);
    this.#syncNames();
    this.#unsynced.clear();
    this.#mustRewrite = false;
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#options.log(LOG_WARNING, 'synced after a failure, records are taken again');
  }

  /** Whether an append that failed has left something behind. */
  get mustTidy(): boolean {
    return this.#mustTidy;
  }

  /** Removes what an append that failed has left behind. Errors: throws, and it is still to be done. */
  tidy(): void {
    if (!this.#mustTidy) return;
    this.#tryTakeBack();
    for (const segment of this.#created) this.#openFiles.remove(this.#files.segment(segment));
    this.#created = [];
    if (this.#position > 0) {
      this.#openFiles.truncate(this.#files.segment(this.#segment), this.#position);
      if (!this.#unsynced.has(this.#segment)) this.#unsynced.set(this.#segment, this.#position);
    }
    this.#naming.takeBack();
    this.#mustTidy = false;
  }

  /** As `tidy`, if that is possible now. */
  tryTidy(): void {
    try {
      this.tidy();
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
    this.#unsynced.clear();
    this.#created = [];
    this.#naming.keep();
    this.#mustTidy = false;
    this.#mustRewrite = false;
    this.#failure = undefined;
  }

  /** Segments that may exist and are not before the write position's: those of an append that was not undone. */
  get lastSegment(): number {
    return this.#created.at(-1) ?? this.#segment;
  }

  /**
   * Takes back first what was named, so that a crash in between leaves what one in the middle of an append does. Where
   * there is no room for that, what is removed makes some.
   */
  #tryTakeBack(): void {
    try {
      this.#naming.takeBack();
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
    }
  }

  /** A segment that someone removed cannot be continued. A missing directory may come back, so that is an error. */
  #checkSegment(): void {
    const path = this.#files.segment(this.#segment);
    if (this.#openFiles.canWrite(path)) return;
    checkDataPath(this.#openFiles, this.#options.dataPath);
    this.#options.log(LOG_ERROR, `segment ${this.#segment} is gone, writing goes on in a new one`);
    this.leaveSegment();
  }

  /** Writes the records, a run of them with each call, and moves the write position when all are written. */
  #write(bytes: Uint8Array, start: number, end: number, beforeRun: BeforeRun | undefined): void {
    const runs: WrittenRun[] = [];
    // Metadata that names the new segment says that all before are whole.
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
          // Once it is left nobody thinks of it again, so it is synced here; metadata will name what is behind it.
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

  /** Creates a segment with this number, or the next one that no file has, behind so many records of the append. */
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
      // An append that is undone for this leaves what was there before it in the same page.
      if (segment === this.#segment && !this.#unsynced.has(segment)) {
        this.#unsynced.set(segment, this.#position);
      }
      throw error;
    }
  }

  /** Writes again what a failed sync may have lost. */
  #rewrite(): void {
    this.tidy();
    for (const [segment, from] of this.#unsynced) {
      const isLast = segment === this.#segment;
      const size = isLast ? this.#position : this.#openFiles.size(this.#files.segment(segment));
      if (size === 'missing') continue;
      const part = { segment, from, to: size };
      // What another life has left is for the reader to judge.
      if (this.#failure !== undefined) checkSegment(this.#options, part);
      const end = rewriteSegment(this.#options, part);
      // What follows must not be written behind a hole.
      if (isLast && end < size) this.leaveSegment();
    }
  }

  /** Makes it durable which segments there are. */
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
