/**
 * A file system whose calls fail when a test says so, in front of any other one.
 *
 * A call that fails has no effect, with three exceptions that are as the system's own: a write may have written a
 * part, a handle whose close fails is closed, and a sync that fails is told to the disk, which may lose what it should
 * have written.
 *
 * Thread: any.
 */

import type { FileHandle, FileSystem } from '../../src/workers/disk/files/file-system.ts';
import { SystemError } from './system-error.ts';

/** A call of a file system, by its name. */
export type FileCall = keyof FileSystem;

/** What a call fails with; `short` is a write that stops half-way because the disk is full. */
export type FaultKind = 'EIO' | 'ENOSPC' | 'EFBIG' | 'EMFILE' | 'EACCES' | 'short';

/** Which calls fail. */
export interface Fault {
  readonly kind: FaultKind;
  /** Of the calls that can fail so, only these count and fail; all if there are none. */
  readonly calls?: readonly FileCall[];
  /** Calls that still go well before. */
  readonly after: number;
  /** Calls that fail then; Infinity: until `heal`. */
  readonly times: number;
}

/** The calls that can fail with each error. */
const POSSIBLE: Readonly<Record<FaultKind, readonly FileCall[] | 'all'>> = {
  EIO: 'all',
  ENOSPC: ['create', 'createOrEmpty', 'write', 'sync', 'rename', 'makeDirectory', 'syncDirectory'],
  EMFILE: ['openForReading', 'openForWriting', 'create', 'createOrEmpty', 'list', 'syncDirectory'],
  EACCES: [
    'openForReading',
    'openForWriting',
    'create',
    'createOrEmpty',
    'size',
    'rename',
    'remove',
    'list',
    'makeDirectory',
    'syncDirectory',
  ],
  EFBIG: ['write'],
  short: ['write'],
};

/** What a disk does when a call fails half-way. */
export interface FaultyDisk extends FileSystem {
  /** How much of a write that runs out of space is written. */
  pieceOf(handle: FileHandle, length: number, position: number): number;
  /** The bytes that a sync should have written are lost, unless they are written again. */
  failSync(handle: FileHandle): void;
}

export class FaultyFileSystem implements FileSystem {
  /** How many calls were made. */
  callCount = 0;
  /** How many of them have failed. */
  failedCount = 0;
  /** How many of those were syncs of files. */
  failedSyncCount = 0;

  readonly #inner: FaultyDisk;
  #fault: Fault | undefined;
  /** Calls that the fault has counted. */
  #counted = 0;

  constructor(inner: FaultyDisk) {
    this.#inner = inner;
  }

  /** Has calls fail from now on. */
  fail(fault: Fault): void {
    this.#fault = fault;
    this.#counted = 0;
  }

  /** All calls go well from now on. */
  heal(): void {
    this.#fault = undefined;
  }

  openForReading(path: string): FileHandle | 'missing' {
    this.#check('openForReading', path);
    return this.#inner.openForReading(path);
  }

  openForWriting(path: string): FileHandle | 'missing' {
    this.#check('openForWriting', path);
    return this.#inner.openForWriting(path);
  }

  create(path: string): FileHandle | 'exists' {
    this.#check('create', path);
    return this.#inner.create(path);
  }

  createOrEmpty(path: string): FileHandle {
    this.#check('createOrEmpty', path);
    return this.#inner.createOrEmpty(path);
  }

  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    this.#check('read', `${handle}`);
    return this.#inner.read(handle, target, offset, length, position);
  }

  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    const kind = this.#failing('write');
    if (kind === undefined) this.#inner.write(handle, source, offset, length, position);
    else {
      const piece = kind === 'short' ? this.#inner.pieceOf(handle, length, position) : 0;
      if (piece > 0) this.#inner.write(handle, source, offset, piece, position);
      throw new SystemError(kind === 'short' ? 'ENOSPC' : kind, 'write', `${handle}`);
    }
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    this.#check('truncate', `${handle}`);
    this.#inner.truncate(handle, sizeBytes);
  }

  sync(handle: FileHandle): void {
    const kind = this.#failing('sync');
    if (kind === undefined) this.#inner.sync(handle);
    else {
      this.failedSyncCount++;
      this.#inner.failSync(handle);
      throw new SystemError(kind, 'sync', `${handle}`);
    }
  }

  close(handle: FileHandle): void {
    this.#inner.close(handle);
    this.#check('close', `${handle}`);
  }

  isLinked(handle: FileHandle): boolean {
    this.#check('isLinked', `${handle}`);
    return this.#inner.isLinked(handle);
  }

  size(path: string): number | 'missing' {
    this.#check('size', path);
    return this.#inner.size(path);
  }

  rename(from: string, to: string): void {
    this.#check('rename', from);
    this.#inner.rename(from, to);
  }

  remove(path: string): boolean {
    this.#check('remove', path);
    return this.#inner.remove(path);
  }

  list(directory: string): string[] {
    this.#check('list', directory);
    return this.#inner.list(directory);
  }

  makeDirectory(path: string): void {
    this.#check('makeDirectory', path);
    this.#inner.makeDirectory(path);
  }

  syncDirectory(directory: string): void {
    this.#check('syncDirectory', directory);
    this.#inner.syncDirectory(directory);
  }

  #check(call: FileCall, path: string): void {
    const kind = this.#failing(call);
    if (kind !== undefined) throw new SystemError(kind, call, path);
  }

  /** Counts a call; returns what it fails with, if it does. */
  #failing(call: FileCall): FaultKind | undefined {
    this.callCount++;
    const fault = this.#fault;
    if (fault === undefined || fault.calls?.includes(call) === false) return undefined;
    const possible = POSSIBLE[fault.kind];
    if (possible !== 'all' && !possible.includes(call)) return undefined;
    const index = this.#counted++;
    if (index < fault.after || index >= fault.after + fault.times) return undefined;
    this.failedCount++;
    return fault.kind;
  }
}
