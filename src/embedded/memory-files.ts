/**
 * The files of a broker in memory, which last as long as the broker. A sync has nothing to do.
 *
 * Bound: 256 MiB. Beyond that writes fail as on a full disk, and the broker refuses publishes that it would have to
 * write.
 * Thread: any.
 */

import { basename, dirname } from 'node:path';
import type { FileHandle, FileSystem } from '../workers/disk/files/file-system.ts';

const BYTES_MAX = 256 * 1024 * 1024;
const ROOM_BYTES_MIN = 4096;

/** A file that has a name as long as `isLinked`. Its bytes are the first `size` of the buffer. */
type MemoryFile = { bytes: Buffer; size: number; isLinked: boolean };

export class MemoryFiles implements FileSystem {
  readonly #files = new Map<string, MemoryFile>();
  readonly #directories: Set<string>;
  readonly #open = new Map<FileHandle, MemoryFile>();
  readonly #bytesMax: number;
  #bytes = 0;
  #lastHandle = 0;

  /** `directory` exists. */
  constructor(directory: string, bytesMax = BYTES_MAX) {
    this.#directories = new Set([directory]);
    this.#bytesMax = bytesMax;
  }

  openForReading(path: string): FileHandle | 'missing' {
    const file = this.#files.get(path);
    return file === undefined ? 'missing' : this.#handle(file);
  }

  openForWriting(path: string): FileHandle | 'missing' {
    return this.openForReading(path);
  }

  create(path: string): FileHandle | 'exists' {
    return this.#files.has(path) ? 'exists' : this.createOrEmpty(path);
  }

  createOrEmpty(path: string): FileHandle {
    const file = this.#files.get(path) ?? { bytes: Buffer.alloc(0), size: 0, isLinked: true };
    this.#resize(file, 0);
    this.#files.set(path, file);
    return this.#handle(file);
  }

  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    const { bytes, size } = this.#file(handle);
    const end = Math.min(size, position + length);
    if (end <= position) return 0;
    target.set(bytes.subarray(position, end), offset);
    return end - position;
  }

  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    const file = this.#file(handle);
    this.#resize(file, Math.max(file.size, position + length));
    file.bytes.set(source.subarray(offset, offset + length), position);
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    this.#resize(this.#file(handle), sizeBytes);
  }

  sync(): void {
    // There is no disk that could lose it.
  }

  syncData(): void {
    // As `sync`.
  }

  close(handle: FileHandle): void {
    const file = this.#file(handle);
    this.#open.delete(handle);
    this.#forget(file);
  }

  isLinked(handle: FileHandle): boolean {
    return this.#file(handle).isLinked;
  }

  size(path: string): number | 'missing' {
    if (this.#directories.has(path)) return 0;
    return this.#files.get(path)?.size ?? 'missing';
  }

  rename(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) throw failure('ENOENT', `rename ${basename(from)}`);
    this.remove(to);
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  remove(path: string): boolean {
    const file = this.#files.get(path);
    if (file === undefined) return false;
    this.#files.delete(path);
    file.isLinked = false;
    this.#forget(file);
    return true;
  }

  makeDirectory(path: string): void {
    this.#directories.add(path);
  }

  list(directory: string): string[] {
    return [...this.#files.keys()].filter((path) => dirname(path) === directory).map(basenameOf);
  }

  syncDirectory(): void {
    // As `sync`.
  }

  #handle(file: MemoryFile): FileHandle {
    this.#lastHandle++;
    this.#open.set(this.#lastHandle, file);
    return this.#lastHandle;
  }

  #file(handle: FileHandle): MemoryFile {
    const file = this.#open.get(handle);
    if (file === undefined) throw failure('EBADF', `file ${handle}`);
    return file;
  }

  /** Added bytes are zero. */
  #resize(file: MemoryFile, size: number): void {
    if (this.#bytes + size - file.size > this.#bytesMax) throw failure('ENOSPC', 'write');
    if (size > file.bytes.length) {
      const larger = Buffer.alloc(Math.max(ROOM_BYTES_MIN, size, 2 * file.bytes.length));
      file.bytes.copy(larger, 0, 0, file.size);
      file.bytes = larger;
    } else if (size < file.size) file.bytes.fill(0, size, file.size);
    this.#bytes += size - file.size;
    file.size = size;
  }

  /** A file without a name that is not open takes no more room. */
  #forget(file: MemoryFile): void {
    if (file.isLinked || [...this.#open.values()].includes(file)) return;
    this.#bytes -= file.size;
    file.size = 0;
  }
}

function basenameOf(path: string): string {
  return basename(path);
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
