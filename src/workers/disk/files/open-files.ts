/**
 * The segments of all queues of a disk thread, addressed by path as if they were always open. At most `max` are open.
 * To make room, the least recently used file that needs no sync is closed, or if there is none, the least recently
 * used file, after a sync: the error of a sync must not be lost with its handle.
 *
 * Errors: every call throws with the action and the file's name, and changes no other file. A failed `close` is not
 * an error; if the file has unsynced writes, its next sync fails.
 * Thread: disk.
 */

import { DiskScratch } from './disk-scratch.ts';
import { fileError } from './file-error.ts';
import type { FileHandle, FileSystem } from './file-system.ts';
import { createSidecar } from './sidecar-directory.ts';

/** Open files per disk thread: well below 1024, a common limit of a process. */
const OPEN_FILES_MAX = 256;

interface OpenFile {
  readonly handle: FileHandle;
  readonly isWritable: boolean;
  isUnsynced: boolean;
}

export class OpenFiles {
  /** The buffers that the queues of the thread share. */
  readonly scratch: DiskScratch;

  readonly #fileSystem: FileSystem;
  readonly #max: number;
  /** In the order of use, latest last. */
  readonly #open = new Map<string, OpenFile>();
  /** Syncs that failed when a file was closed to make room; the next `sync` of that file reports them. */
  readonly #failedSyncs = new Map<string, Error>();

  constructor(
    fileSystem: FileSystem,
    max: number = OPEN_FILES_MAX,
    scratch: DiskScratch = new DiskScratch(),
  ) {
    this.scratch = scratch;
    this.#fileSystem = fileSystem;
    this.#max = max;
  }

  /** How many files are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Creates a new file. Returns false if it exists. */
  create(path: string): boolean {
    this.#makeRoom();
    try {
      const handle = this.#fileSystem.create(path);
      if (handle === 'exists') return false;
      this.#open.set(path, { handle, isWritable: true, isUnsynced: true });
      return true;
    } catch (cause) {
      throw fileError('create segment', path, cause);
    }
  }

  /** Whether the file exists and can be written to; writes to a removed file that is still open would be lost. */
  canWrite(path: string): boolean {
    const file = this.#forWriting(path);
    if (file === 'missing') return false;
    if (this.#isLinked(path, file)) return true;
    this.close(path);
    return this.#forWriting(path) !== 'missing';
  }

  /** Writes all bytes to an existing file. Errors: some of them may have been written. */
  write(path: string, source: Uint8Array, offset: number, length: number, position: number): void {
    const file = this.#forWriting(path);
    if (file === 'missing') throw fileError('write segment', path, new Error('no such file'));
    file.isUnsynced = true;
    try {
      this.#fileSystem.write(file.handle, source, offset, length, position);
    } catch (cause) {
      throw fileError('write segment', path, cause);
    }
  }

  /**
   * Writes all bytes to an optional file, without a sync. The file and its directory are created if missing.
   *
   * Errors: as `write`.
   */
  writeAid(
    path: string,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    const file = this.#forWriting(path);
    const { handle } = file === 'missing' ? this.#createAid(path) : file;
    try {
      this.#fileSystem.write(handle, source, offset, length, position);
    } catch (cause) {
      throw fileError('write file', path, cause);
    }
  }

  /** Reads up to `length` bytes; fewer only at the end of the file. */
  read(
    path: string,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number | 'missing' {
    const file = this.#forReading(path);
    if (file === 'missing') return 'missing';
    try {
      return this.#fileSystem.read(file.handle, target, offset, length, position);
    } catch (cause) {
      throw fileError('read segment', path, cause);
    }
  }

  /** Truncates a file, if it exists. */
  truncate(path: string, sizeBytes: number): void {
    const file = this.#forWriting(path);
    if (file === 'missing') return;
    file.isUnsynced = true;
    try {
      this.#fileSystem.truncate(file.handle, sizeBytes);
    } catch (cause) {
      throw fileError('truncate segment', path, cause);
    }
  }

  /** Makes a file durable, if it exists. Errors: a later sync does not write what this one failed to write. */
  sync(path: string): void {
    const failure = this.#failedSyncs.get(path);
    this.#failedSyncs.delete(path);
    if (failure !== undefined) throw failure;
    const file = this.#forWriting(path);
    if (file === 'missing') return;
    this.#sync(path, file);
  }

  /** Closes a file, if it is open, without a sync, and drops its sync state. */
  close(path: string): void {
    this.#closeOpen(path);
    this.#failedSyncs.delete(path);
  }

  /** Closes all open files whose paths begin with `prefix`, without a sync. */
  closeAll(prefix: string): void {
    for (const path of [...this.#open.keys()]) if (path.startsWith(prefix)) this.close(path);
    for (const path of [...this.#failedSyncs.keys()]) {
      if (path.startsWith(prefix)) this.#failedSyncs.delete(path);
    }
  }

  /** Removes a file. Returns whether it existed. */
  remove(path: string): boolean {
    this.close(path);
    try {
      return this.#fileSystem.remove(path);
    } catch (cause) {
      throw fileError('remove segment', path, cause);
    }
  }

  /** Renames a file, if it exists. */
  rename(from: string, to: string): void {
    this.close(from);
    try {
      if (this.#fileSystem.size(from) === 'missing') return;
      this.#fileSystem.rename(from, to);
    } catch (cause) {
      throw fileError('rename segment', from, cause);
    }
  }

  /** Bytes of a file, open or not. */
  size(path: string): number | 'missing' {
    try {
      return this.#fileSystem.size(path);
    } catch (cause) {
      throw fileError('look at segment', path, cause);
    }
  }

  #closeOpen(path: string): void {
    const file = this.#open.get(path);
    if (file === undefined) return;
    this.#open.delete(path);
    this.#closeHandle(path, file);
  }

  #forReading(path: string): OpenFile | 'missing' {
    return this.#use(path) ?? this.#openFile(path, false);
  }

  #forWriting(path: string): OpenFile | 'missing' {
    const file = this.#use(path);
    if (file?.isWritable) return file;
    // The failed sync of an earlier handle must still be reported.
    if (file !== undefined) this.#closeOpen(path);
    return this.#openFile(path, true);
  }

  /** The file if it is open; marks it as the most recently used. */
  #use(path: string): OpenFile | undefined {
    const file = this.#open.get(path);
    if (file === undefined) return undefined;
    this.#open.delete(path);
    this.#open.set(path, file);
    return file;
  }

  #openFile(path: string, isWritable: boolean): OpenFile | 'missing' {
    this.#makeRoom();
    try {
      const handle = isWritable
        ? this.#fileSystem.openForWriting(path)
        : this.#fileSystem.openForReading(path);
      if (handle === 'missing') return 'missing';
      const file = { handle, isWritable, isUnsynced: false };
      this.#open.set(path, file);
      return file;
    } catch (cause) {
      throw fileError('open segment', path, cause);
    }
  }

  #createAid(path: string): OpenFile {
    this.#makeRoom();
    try {
      const handle = createSidecar(this.#fileSystem, path, () => this.#fileSystem.create(path));
      if (handle === 'exists') throw new Error('it was not there a moment ago');
      const file = { handle, isWritable: true, isUnsynced: false };
      this.#open.set(path, file);
      return file;
    } catch (cause) {
      throw fileError('create file', path, cause);
    }
  }

  #isLinked(path: string, file: OpenFile): boolean {
    try {
      return this.#fileSystem.isLinked(file.handle);
    } catch (cause) {
      throw fileError('look at segment', path, cause);
    }
  }

  #makeRoom(): void {
    if (this.#open.size < this.#max) return;
    const path = this.#leastNeeded();
    const file = path === undefined ? undefined : this.#open.get(path);
    if (path === undefined || file === undefined) return;
    this.#open.delete(path);
    if (file.isUnsynced) this.#syncBeforeClosing(path, file);
    this.#closeHandle(path, file);
  }

  #leastNeeded(): string | undefined {
    for (const [path, { isUnsynced }] of this.#open) if (!isUnsynced) return path;
    return this.#open.keys().next().value;
  }

  #syncBeforeClosing(path: string, file: OpenFile): void {
    try {
      this.#sync(path, file);
    } catch (error) {
      this.#failedSyncs.set(path, fileError('close segment', path, error));
    }
  }

  #sync(path: string, file: OpenFile): void {
    try {
      this.#fileSystem.sync(file.handle);
      file.isUnsynced = false;
    } catch (cause) {
      throw fileError('sync segment', path, cause);
    }
  }

  /**
   * The handle is released in any case. Synced bytes are on disk even if closing fails; the next sync reports the
   * rest.
   */
  #closeHandle(path: string, file: OpenFile): void {
    try {
      this.#fileSystem.close(file.handle);
    } catch (cause) {
      if (file.isUnsynced) this.#failedSyncs.set(path, fileError('close segment', path, cause));
    }
  }
}
