/**
 * A disk in memory, for tests: files as buffers, directories as sets of names. A file lives on while it is open,
 * as on POSIX systems.
 *
 * `onCall` sees every call before it takes effect, and what it throws is the call's error; `capacityBytes` makes
 * the disk run full, in the middle of a write if need be, and `fileBytesMax` limits each file in the same way.
 *
 * Thread: any.
 */

import { basename, dirname } from 'node:path';
import type { FileHandle, FileSystem } from '../../src/workers/disk/files/file-system.ts';
import { FileHandles } from './file-handles.ts';
import { SystemError } from './system-error.ts';

class MemoryFile {
  bytes = Buffer.alloc(0);
  size = 0;
  isLinked = true;

  content(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.size));
  }

  write(source: Uint8Array, position: number): void {
    const end = position + source.length;
    this.#grow(end);
    if (position > this.size) this.bytes.fill(0, this.size, position);
    this.bytes.set(source, position);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    this.#grow(size);
    if (size > this.size) this.bytes.fill(0, this.size, size);
    this.size = size;
  }

  #grow(size: number): void {
    if (size <= this.bytes.length) return;
    const bytes = Buffer.alloc(Math.max(size, this.bytes.length * 2, 64));
    this.bytes.copy(bytes, 0, 0, this.size);
    this.bytes = bytes;
  }
}

export class MemoryFileSystem implements FileSystem {
  capacityBytes = Number.POSITIVE_INFINITY;
  fileBytesMax = Number.POSITIVE_INFINITY;
  onCall: (action: keyof FileSystem, path: string) => void = () => undefined;

  readonly #directories = new Set<string>();
  readonly #files = new Map<string, MemoryFile>();
  readonly #handles = new FileHandles<MemoryFile>();

  constructor(...directories: readonly string[]) {
    for (const directory of directories) this.#directories.add(directory);
  }

  /** How many files are open. */
  get openCount(): number {
    return this.#handles.count;
  }

  /** Removes a directory with all that is in it. */
  removeDirectory(path: string): void {
    for (const directory of this.#directoriesIn(path)) this.removeDirectory(directory);
    for (const name of this.names(path)) this.delete(`${path}/${name}`);
    this.#directories.delete(path);
  }

  /** Names of a directory's files, sorted. */
  names(directory: string): string[] {
    return [...this.#files.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => path.slice(directory.length + 1))
      .sort();
  }

  /** A file's bytes. Errors: throws when there is no such file. */
  content(path: string): Buffer {
    return this.#find('open', path).content();
  }

  /** Puts a file in place, as someone else would. */
  put(path: string, content: Uint8Array): void {
    const file = new MemoryFile();
    file.write(content, 0);
    this.#files.set(path, file);
  }

  /** Takes a file away, as someone else would. */
  delete(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) file.isLinked = false;
    this.#files.delete(path);
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
    if (this.#files.has(path)) return 'exists';
    return this.#openNew('create', path);
  }

  createOrEmpty(path: string): FileHandle {
    this.onCall('createOrEmpty', path);
    const file = this.#files.get(path);
    if (file === undefined) return this.#openNew('createOrEmpty', path);
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
    const end = Math.min(file.size, position + length);
    if (end <= position) return 0;
    target.set(file.bytes.subarray(position, end), offset);
    return end - position;
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
    const room = Math.max(0, this.capacityBytes - this.#usedBytes());
    const growth = Math.max(0, position + length - file.size);
    const done = growth <= room ? length : Math.max(0, length - growth + room);
    const allowed = Math.max(0, Math.min(done, this.fileBytesMax - position));
    if (allowed > 0) file.write(source.subarray(offset, offset + allowed), position);
    if (allowed < done) throw new SystemError('EFBIG', 'write', path);
    if (done < length) throw new SystemError('ENOSPC', 'write', path);
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    const { file, path } = this.#handles.getWritable(handle);
    this.onCall('truncate', path);
    file.truncate(sizeBytes);
  }

  sync(handle: FileHandle): void {
    this.onCall('sync', this.#handles.get(handle).path);
  }

  close(handle: FileHandle): void {
    this.onCall('close', this.#handles.get(handle).path);
    this.#handles.close(handle);
  }

  isLinked(handle: FileHandle): boolean {
    this.onCall('isLinked', this.#handles.get(handle).path);
    return this.#handles.get(handle).file.isLinked;
  }

  size(path: string): number | 'missing' {
    this.onCall('size', path);
    if (this.#directories.has(path)) return 0;
    return this.#files.get(path)?.size ?? 'missing';
  }

  rename(from: string, to: string): void {
    this.onCall('rename', from);
    const file = this.#find('rename', from);
    this.#checkDirectory('rename', to);
    this.delete(to);
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  remove(path: string): boolean {
    this.onCall('remove', path);
    const isThere = this.#files.has(path);
    this.delete(path);
    return isThere;
  }

  list(directory: string): string[] {
    this.onCall('list', directory);
    this.#checkDirectory('list', `${directory}/*`);
    const inner = this.#directoriesIn(directory).map((path) => basename(path));
    return [...this.names(directory), ...inner];
  }

  makeDirectory(path: string): void {
    this.onCall('makeDirectory', path);
    if (dirname(path) !== '/') this.#checkDirectory('makeDirectory', path);
    this.#directories.add(path);
  }

  syncDirectory(directory: string): void {
    this.onCall('syncDirectory', directory);
    this.#checkDirectory('syncDirectory', `${directory}/*`);
  }

  #directoriesIn(directory: string): string[] {
    return [...this.#directories].filter((path) => dirname(path) === directory);
  }

  #openExisting(path: string, isWritable: boolean): FileHandle | 'missing' {
    const file = this.#files.get(path);
    return file === undefined ? 'missing' : this.#handles.open(path, file, isWritable);
  }

  #openNew(action: string, path: string): FileHandle {
    this.#checkDirectory(action, path);
    const file = new MemoryFile();
    this.#files.set(path, file);
    return this.#handles.open(path, file, true);
  }

  #find(action: string, path: string): MemoryFile {
    const file = this.#files.get(path);
    if (file === undefined) throw new SystemError('ENOENT', action, path);
    return file;
  }

  #checkDirectory(action: string, path: string): void {
    if (!this.#directories.has(dirname(path))) throw new SystemError('ENOENT', action, path);
  }

  #usedBytes(): number {
    let bytes = 0;
    for (const file of this.#files.values()) bytes += file.size;
    return bytes;
  }
}
