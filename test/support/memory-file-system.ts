/**
 * The file system of tests: a disk in memory that can be full, that can fail, and that loses power. `afterKill` is the
 * disk that the next process finds after SIGKILL, `afterPowerLoss` the one after a crash of the machine.
 *
 * A sync makes a file's bytes and size durable. A name that was added, removed or given to another file is durable once
 * its directory is synced. A crash keeps or loses each change that is not durable independently of the others: names in
 * any combination that keeps a rename atomic, bytes as in `MemoryFile`. A file whose name is lost is lost, and so is
 * everything in a directory whose name is lost. An open file outlives its name, as on POSIX systems.
 *
 * `onCall` is the one place where a test intercepts calls: it sees every call before it takes effect, and an exception
 * that it throws is the error of the call. A call that fails has no effect, with three exceptions that the system makes
 * too: a write may have written a part, a handle whose close fails is closed, and the bytes of a sync that fails are
 * lost unless they are written again.
 *
 * Thread: any.
 */

import { dirname } from 'node:path';
import type { FileHandle, FileSystem } from '../../src/workers/disk/files/file-system.ts';
import { FileHandles } from './file-handles.ts';
import { type Chooser, MemoryFile } from './memory-file.ts';
import { SystemError } from './system-error.ts';

/** A call of a file system, by its name. */
export type FileCall = keyof FileSystem;

type Entry = MemoryFile | 'directory';

/** Of a write: the bytes that fit, and the error if that is not all of them. */
interface Allowance {
  readonly allowed: number;
  readonly code: 'EFBIG' | 'ENOSPC' | undefined;
}

/** Names that get or lose their files in one step. */
type NameChange = readonly { readonly path: string; readonly entry: Entry | undefined }[];

export class MemoryFileSystem implements FileSystem {
  /** Bytes that fit on the disk. A write that does not fit writes as much as fits, and fails with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Bytes that fit into each file; as `capacityBytes`, with EFBIG. */
  fileBytesMax = Number.POSITIVE_INFINITY;
  /** Runs before each call; `path` is the path with which the file was opened. */
  onCall: (call: FileCall, path: string) => void = () => undefined;
  /** Runs in the middle of each write, when the disk has the part of it that a crash may leave. */
  onHalfWrite: (path: string) => void = () => undefined;

  readonly #entries = new Map<string, Entry>();
  readonly #durable = new Map<string, Entry>();
  #pending: NameChange[] = [];
  readonly #handles = new FileHandles<MemoryFile>();

  /** These directories always exist. */
  constructor(...directories: readonly string[]) {
    for (const directory of directories) {
      this.#entries.set(directory, 'directory');
      this.#durable.set(directory, 'directory');
    }
  }

  /** How many files are open. */
  get openCount(): number {
    return this.#handles.count;
  }

  /** Names of a directory's files, sorted. */
  names(directory: string): string[] {
    return this.#pathsIn(directory, (entry) => entry !== 'directory');
  }

  /** A file's bytes. Errors: throws if there is no such file. */
  content(path: string): Buffer {
    return this.#find('open', path).content();
  }

  /** Puts a durable file in place, as another process would. */
  put(path: string, content: Uint8Array): void {
    const file = new MemoryFile();
    file.write(content, 0);
    file.sync();
    this.#entries.set(path, file);
    this.#durable.set(path, file);
  }

  /** Removes a file durably, as another process would. */
  delete(path: string): void {
    this.#entries.delete(path);
    this.#durable.delete(path);
  }

  /** Removes a directory durably, with everything in it. */
  removeDirectory(path: string): void {
    for (const entry of [...this.#entries.keys()]) {
      if (entry === path || entry.startsWith(`${path}/`)) this.delete(entry);
    }
  }

  /** Everything that can be read of this disk, as one text: two disks with equal texts cannot be distinguished. */
  image(): string {
    const lines: string[] = [];
    for (const [path, entry] of this.#entries) {
      lines.push(`${path} ${entry === 'directory' ? entry : entry.content().toString('latin1')}`);
    }
    return lines.sort().join('\n');
  }

  /** The disk as the next process finds it: everything is there, durable or not, and nothing is open. */
  afterKill(): MemoryFileSystem {
    const clones = new Map<Entry, Entry>([['directory', 'directory']]);
    const clone = (entry: Entry): Entry => {
      const known = clones.get(entry);
      if (known !== undefined || entry === 'directory') return known ?? entry;
      const file = entry.clone();
      clones.set(entry, file);
      return file;
    };
    const disk = new MemoryFileSystem();
    for (const [path, entry] of this.#entries) disk.#entries.set(path, clone(entry));
    for (const [path, entry] of this.#durable) disk.#durable.set(path, clone(entry));
    disk.#pending = this.#pending.map((change) =>
      change.map(({ path, entry }) => ({ path, entry: entry && clone(entry) })),
    );
    return disk;
  }

  /** A disk as it may be found after a power loss; everything on it is durable. */
  afterPowerLoss(choose: Chooser): MemoryFileSystem {
    const entries = new Map(this.#durable);
    for (const change of this.#pending) if (choose(2) === 1) apply(change, entries);
    const disk = new MemoryFileSystem();
    const paths = [...entries.keys()].sort();
    for (const path of paths) {
      const entry = entries.get(path);
      // A directory sorts before its contents.
      const isReachable = disk.#entries.has(dirname(path)) || this.#isRoot(path);
      if (entry === undefined || !isReachable) continue;
      disk.#entries.set(path, entry === 'directory' ? entry : entry.afterPowerLoss(choose));
    }
    for (const [path, entry] of disk.#entries) disk.#durable.set(path, entry);
    return disk;
  }

  openForReading(path: string): FileHandle | 'missing' {
    this.onCall('openForReading', path);
    return this.#openExisting(path, false);
  }

  openForWriting(path: string): FileHandle | 'missing' {
    this.onCall('openForWriting', path);
    return this.#openExisting(path, true);
  }

  create(path: string): FileHandle | 'exists' {
    this.onCall('create', path);
    if (this.#entries.has(path)) return 'exists';
    return this.#openNew('create', path);
  }

  createOrEmpty(path: string): FileHandle {
    this.onCall('createOrEmpty', path);
    if (!this.#entries.has(path)) return this.#openNew('createOrEmpty', path);
    const file = this.#find('createOrEmpty', path);
    file.truncate(0);
    return this.#handles.open(path, file, true);
  }

  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    const { file, path } = this.#handles.get(handle);
    this.onCall('read', path);
    return file.read(target, offset, length, position);
  }

  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    const { file, path } = this.#handles.getWritable(handle);
    this.onCall('write', path);
    const { allowed, code } = this.#allowed(file, length, position);
    const half = Math.min(allowed, file.halfOf(length, position));
    file.write(source.subarray(offset, offset + half), position);
    this.onHalfWrite(path);
    file.write(source.subarray(offset + half, offset + allowed), position + half);
    if (code !== undefined) throw new SystemError(code, 'write', path);
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    const { file, path } = this.#handles.getWritable(handle);
    this.onCall('truncate', path);
    file.truncate(sizeBytes);
  }

  sync(handle: FileHandle): void {
    this.#sync('sync', handle);
  }

  syncData(handle: FileHandle): void {
    this.#sync('syncData', handle);
  }

  close(handle: FileHandle): void {
    const { path } = this.#handles.get(handle);
    this.#handles.close(handle);
    this.onCall('close', path);
  }

  isLinked(handle: FileHandle): boolean {
    const { file, path } = this.#handles.get(handle);
    this.onCall('isLinked', path);
    return [...this.#entries.values()].includes(file);
  }

  size(path: string): number | 'missing' {
    this.onCall('size', path);
    const entry = this.#entries.get(path);
    if (entry === 'directory') return 0;
    return entry?.size ?? 'missing';
  }

  rename(from: string, to: string): void {
    this.onCall('rename', from);
    const entry = this.#find('rename', from);
    this.#checkDirectory('rename', to);
    this.#change({ path: from, entry: undefined }, { path: to, entry });
  }

  remove(path: string): boolean {
    this.onCall('remove', path);
    if (!this.#entries.has(path)) return false;
    this.#find('remove', path);
    this.#change({ path, entry: undefined });
    return true;
  }

  list(directory: string): string[] {
    this.onCall('list', directory);
    this.#checkDirectory('list', `${directory}/*`);
    return this.#pathsIn(directory, () => true);
  }

  makeDirectory(path: string): void {
    this.onCall('makeDirectory', path);
    if (dirname(path) !== '/') this.#checkDirectory('makeDirectory', path);
    if (!this.#entries.has(path)) this.#change({ path, entry: 'directory' });
  }

  syncDirectory(directory: string): void {
    this.onCall('syncDirectory', directory);
    this.#checkDirectory('syncDirectory', `${directory}/*`);
    this.#pending = this.#pending.filter((change) => {
      if (!change.some(({ path }) => dirname(path) === directory)) return true;
      apply(change, this.#durable);
      return false;
    });
  }

  #sync(call: FileCall, handle: FileHandle): void {
    const { file, path } = this.#handles.get(handle);
    try {
      this.onCall(call, path);
    } catch (error) {
      file.failSync();
      throw error;
    }
    file.sync();
  }

  /** How much of a write fits, and the error of one that does not fit. */
  #allowed(file: MemoryFile, length: number, position: number): Allowance {
    const inFile = this.fileBytesMax - position;
    const growth = position + length - file.size;
    const onDisk = growth <= 0 ? length : length - growth + this.#freeBytes();
    if (length <= Math.min(inFile, onDisk)) return { allowed: length, code: undefined };
    const code = inFile < onDisk ? 'EFBIG' : 'ENOSPC';
    return { allowed: Math.max(0, Math.min(inFile, onDisk)), code };
  }

  #freeBytes(): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return this.capacityBytes;
    let bytes = this.capacityBytes;
    for (const entry of this.#entries.values()) if (entry !== 'directory') bytes -= entry.size;
    return Math.max(0, bytes);
  }

  #change(...change: NameChange): void {
    apply(change, this.#entries);
    this.#pending.push(change);
  }

  #pathsIn(directory: string, isWanted: (entry: Entry) => boolean): string[] {
    const prefix = `${directory}/`;
    const names: string[] = [];
    for (const [path, entry] of this.#entries) {
      const isInside = path.startsWith(prefix) && !path.includes('/', prefix.length);
      if (isInside && isWanted(entry)) names.push(path.slice(prefix.length));
    }
    return names.sort();
  }

  /** Whether a path is in no directory that this disk knows, as the data path is. */
  #isRoot(path: string): boolean {
    return !this.#entries.has(dirname(path)) && !this.#durable.has(dirname(path));
  }

  #openExisting(path: string, isWritable: boolean): FileHandle | 'missing' {
    if (!this.#entries.has(path)) return 'missing';
    return this.#handles.open(path, this.#find('open', path), isWritable);
  }

  #openNew(action: string, path: string): FileHandle {
    this.#checkDirectory(action, path);
    const file = new MemoryFile();
    this.#change({ path, entry: file });
    return this.#handles.open(path, file, true);
  }

  #find(action: string, path: string): MemoryFile {
    const entry = this.#entries.get(path);
    if (entry === undefined) throw new SystemError('ENOENT', action, path);
    if (entry === 'directory') throw new SystemError('EISDIR', action, path);
    return entry;
  }

  #checkDirectory(action: string, path: string): void {
    if (this.#entries.get(dirname(path)) !== 'directory') {
      throw new SystemError('ENOENT', action, path);
    }
  }
}

function apply(change: NameChange, entries: Map<string, Entry>): void {
  for (const { path, entry } of change) {
    if (entry === undefined) entries.delete(path);
    else entries.set(path, entry);
  }
}
