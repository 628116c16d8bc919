/**
 * All file calls of the disk thread. Everything that reaches the disk, and its order, passes through here, so that a
 * test can use its own file system: one that is full, that fails, or that loses unsynced data.
 *
 * Errors: every call may throw a system error, with its `code`; the caller adds the action. A missing or existing
 * file is not a failure, so these two are values.
 * Thread: disk; every call blocks.
 */

import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { Clock } from '../../../shared/clock.ts';
import { type Histogram, METER, type ThreadMeter } from '../../../shared/thread-meter.ts';

/** An open file. Valid until `close`. */
export type FileHandle = number;

export interface FileSystem {
  openForReading(path: string): FileHandle | 'missing';
  /** Opens an existing file for reading and writing, without truncation. */
  openForWriting(path: string): FileHandle | 'missing';
  /** Creates a new file for reading and writing. Its name is durable after `syncDirectory`. */
  create(path: string): FileHandle | 'exists';
  /** Creates a file, or truncates the existing one. */
  createOrEmpty(path: string): FileHandle;
  /** Reads until it has `length` bytes or the file ends; returns how many it has read. */
  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  /** Writes all bytes. Errors: some of them may have been written. */
  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void;
  truncate(handle: FileHandle, sizeBytes: number): void;
  /** Makes a file's bytes and size durable. */
  sync(handle: FileHandle): void;
  /** As `sync`, without times: cheaper where a file is written over and keeps its size. */
  syncData(handle: FileHandle): void;
  close(handle: FileHandle): void;
  /** Whether the open file still has a name; data written to a file without a name is lost. */
  isLinked(handle: FileHandle): boolean;
  /** Bytes of a file; of a directory, some number. */
  size(path: string): number | 'missing';
  /** Renames a file atomically and replaces an existing one. */
  rename(from: string, to: string): void;
  /** Returns whether there was such a file. */
  remove(path: string): boolean;
  /** Creates a directory in an existing one; no error if it exists. */
  makeDirectory(path: string): void;
  /** Names of a directory's entries, in no order. */
  list(directory: string): string[];
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(directory: string): void;
}

/** Files hold messages: only the broker's user may read them, as with nsqd. */
const FILE_MODE = 0o600;
/** As `FILE_MODE`, for a directory. */
const DIRECTORY_MODE = 0o700;

/** The real file system. */
export class NodeFileSystem implements FileSystem {
  readonly #meter: FileMeter | null;

  /** `meter`: counts reads, writes and syncs, if given. */
  constructor(meter: FileMeter | null = null) {
    this.#meter = meter;
  }

  openForReading(path: string): FileHandle | 'missing' {
    return openExisting(path, 'r');
  }

  openForWriting(path: string): FileHandle | 'missing' {
    return openExisting(path, 'r+');
  }

  create(path: string): FileHandle | 'exists' {
    try {
      return openSync(path, 'wx+', FILE_MODE);
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return 'exists';
      throw error;
    }
  }

  createOrEmpty(path: string): FileHandle {
    return openSync(path, 'w', FILE_MODE);
  }

  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    let done = 0;
    while (done < length) {
      const count = readSync(handle, target, offset + done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    this.#meter?.onRead(done);
    return done;
  }

  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    let done = 0;
    while (done < length) {
      const count = writeSync(handle, source, offset + done, length - done, position + done);
      if (count === 0) throw new Error(`wrote ${done} of ${length} bytes`);
      done += count;
    }
    this.#meter?.onWritten(done);
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    ftruncateSync(handle, sizeBytes);
  }

  sync(handle: FileHandle): void {
    if (this.#meter === null) fsyncSync(handle);
    else this.#meter.timeSync(() => fsyncSync(handle));
  }

  syncData(handle: FileHandle): void {
    if (this.#meter === null) fdatasyncSync(handle);
    else this.#meter.timeSync(() => fdatasyncSync(handle));
  }

  close(handle: FileHandle): void {
    closeSync(handle);
  }

  isLinked(handle: FileHandle): boolean {
    return fstatSync(handle).nlink > 0;
  }

  size(path: string): number | 'missing' {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 'missing';
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  remove(path: string): boolean {
    try {
      unlinkSync(path);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  makeDirectory(path: string): void {
    try {
      mkdirSync(path, DIRECTORY_MODE);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }

  list(directory: string): string[] {
    return readdirSync(directory);
  }

  syncDirectory(directory: string): void {
    // Windows cannot open directories; its file system keeps names in a journal.
    if (process.platform === 'win32') return;
    const handle = openSync(directory, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
}

function openExisting(path: string, flags: 'r' | 'r+'): FileHandle | 'missing' {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'missing';
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Counts the bytes that a disk thread reads and writes, and measures its syncs. */
export class FileMeter {
  readonly #numbers: Float64Array;
  readonly #syncs: Histogram;
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(meter: ThreadMeter, clock: Pick<Clock, 'monotonicMs'>) {
    this.#numbers = meter.numbers;
    this.#syncs = meter.histogram(METER.sync);
    this.#clock = clock;
  }

  onRead(bytes: number): void {
    this.#numbers[METER.readBytes] += bytes;
  }

  onWritten(bytes: number): void {
    this.#numbers[METER.writtenBytes] += bytes;
  }

  /** Measures a sync. Errors: rethrows its error; a failed sync counts, too. */
  timeSync(sync: () => void): void {
    const startMs = this.#clock.monotonicMs();
    try {
      sync();
    } finally {
      this.#syncs.add(this.#clock.monotonicMs() - startMs);
    }
  }
}

/** Called before each call begins. */
export interface CallWatcher {
  beat(): void;
}

/**
 * The file system of a disk thread. It reports each call that may take long to the watcher of the thread, so that a
 * turn with many calls on a slow disk is not mistaken for one call that hangs.
 */
export class BeatingFileSystem extends NodeFileSystem {
  readonly #watcher: CallWatcher;

  /** `meter`: as of `NodeFileSystem`. */
  constructor(watcher: CallWatcher, meter: FileMeter | null = null) {
    super(meter);
    this.#watcher = watcher;
  }

  override create(path: string): FileHandle | 'exists' {
    this.#watcher.beat();
    return super.create(path);
  }

  override read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    this.#watcher.beat();
    return super.read(handle, target, offset, length, position);
  }

  override write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    this.#watcher.beat();
    super.write(handle, source, offset, length, position);
  }

  override sync(handle: FileHandle): void {
    this.#watcher.beat();
    super.sync(handle);
  }

  override syncData(handle: FileHandle): void {
    this.#watcher.beat();
    super.syncData(handle);
  }

  override rename(from: string, to: string): void {
    this.#watcher.beat();
    super.rename(from, to);
  }

  override syncDirectory(directory: string): void {
    this.#watcher.beat();
    super.syncDirectory(directory);
  }
}
