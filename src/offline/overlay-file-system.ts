/**
 * A writable view of the disk that does not change the disk: changes stay in memory, and later reads through this view
 * see them. So the broker's own readers can do everything that they do at startup.
 *
 * Bound: an entry for each file that was opened, and the changed pages. A broker that opens a directory writes what its
 * journals have, 64 MiB for each disk thread.
 * Errors: as of the file system below.
 * Thread: any; every call blocks.
 */

import { dirname } from 'node:path';
import type { FileHandle, FileSystem } from '../workers/disk/files/file-system.ts';

const PAGE_BYTES = 4096;

/** A file with its changes. */
interface OverlayFile {
  /** The file below; undefined for one that is only in memory. */
  readonly base: string | undefined;
  /** Bytes of the file below that still count. */
  baseBytes: number;
  sizeBytes: number;
  readonly pages: Map<number, Buffer>;
  isLinked: boolean;
}

/** An open file, with the handle of the file below. */
interface OpenOverlay {
  readonly file: OverlayFile;
  readonly base: FileHandle | undefined;
}

export class OverlayFileSystem implements FileSystem {
  readonly #disk: FileSystem;
  /** Files that were opened or changed, by path; null for one that was removed. */
  readonly #files = new Map<string, OverlayFile | null>();
  readonly #directories = new Set<string>();
  readonly #open = new Map<FileHandle, OpenOverlay>();
  #nextHandle = 1;

  /** `disk`: the file system below. */
  constructor(disk: FileSystem) {
    this.#disk = disk;
  }

  openForReading(path: string): FileHandle | 'missing' {
    const file = this.#find(path);
    return file === undefined ? 'missing' : this.#openFile(file);
  }

  openForWriting(path: string): FileHandle | 'missing' {
    return this.openForReading(path);
  }

  create(path: string): FileHandle | 'exists' {
    return this.#find(path) === undefined ? this.createOrEmpty(path) : 'exists';
  }

  createOrEmpty(path: string): FileHandle {
    const known = this.#find(path);
    const file = known ?? newFile(undefined, 0);
    cut(file, 0);
    this.#files.set(path, file);
    return this.#openFile(file);
  }

  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    const { file, base } = this.#opened(handle);
    const end = Math.min(position + length, file.sizeBytes);
    if (end <= position) return 0;
    const room = target.subarray(offset, offset + end - position);
    const below = Math.max(0, Math.min(end, file.baseBytes) - position);
    const got =
      base === undefined || below === 0 ? 0 : this.#disk.read(base, room, 0, below, position);
    // If the file has lost bytes since it was opened, it ends there.
    if (got < below && file.pages.size === 0) return got;
    room.fill(0, got);
    if (file.pages.size > 0) readPages(file, room, position);
    return room.length;
  }

  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    const { file, base } = this.#opened(handle);
    for (let done = 0; done < length; ) {
      const at = position + done;
      const index = Math.floor(at / PAGE_BYTES);
      const start = at - index * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, length - done);
      const page = file.pages.get(index) ?? this.#page(file, base, index);
      page.set(source.subarray(offset + done, offset + done + count), start);
      done += count;
    }
    if (length > 0) file.sizeBytes = Math.max(file.sizeBytes, position + length);
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    cut(this.#opened(handle).file, sizeBytes);
  }

  sync(): void {
    // Nothing is durable here.
  }

  syncData(): void {
    // Nothing is durable here.
  }

  close(handle: FileHandle): void {
    const { base } = this.#opened(handle);
    this.#open.delete(handle);
    if (base !== undefined) this.#disk.close(base);
  }

  isLinked(handle: FileHandle): boolean {
    return this.#opened(handle).file.isLinked;
  }

  size(path: string): number | 'missing' {
    const file = this.#files.get(path);
    if (file === null) return 'missing';
    if (file !== undefined) return file.sizeBytes;
    return this.#directories.has(path) ? 0 : this.#disk.size(path);
  }

  rename(from: string, to: string): void {
    const file = this.#find(from);
    if (file === undefined) throw missing('rename', from);
    const replaced = this.#files.get(to);
    if (replaced !== undefined && replaced !== null) replaced.isLinked = false;
    this.#files.set(to, file);
    this.#files.set(from, null);
  }

  remove(path: string): boolean {
    const file = this.#find(path);
    if (file === undefined) return false;
    file.isLinked = false;
    this.#files.set(path, null);
    return true;
  }

  makeDirectory(path: string): void {
    this.#directories.add(path);
  }

  list(directory: string): string[] {
    const isBelow = this.#disk.size(directory) !== 'missing';
    if (!isBelow && !this.#directories.has(directory)) throw missing('list', directory);
    const names = new Set(isBelow ? this.#disk.list(directory) : []);
    for (const [path, file] of this.#files) {
      if (dirname(path) !== directory) continue;
      const name = path.slice(directory.length + 1);
      if (file === null) names.delete(name);
      else names.add(name);
    }
    return [...names];
  }

  syncDirectory(): void {
    // Nothing is durable here.
  }

  #find(path: string): OverlayFile | undefined {
    const known = this.#files.get(path);
    if (known !== undefined) return known ?? undefined;
    const size = this.#disk.size(path);
    if (size === 'missing') return undefined;
    const file = newFile(path, size);
    this.#files.set(path, file);
    return file;
  }

  #openFile(file: OverlayFile): FileHandle {
    let base: FileHandle | undefined;
    if (file.base !== undefined && file.baseBytes > 0) {
      const opened = this.#disk.openForReading(file.base);
      if (opened === 'missing') return this.#openGone(file);
      base = opened;
    }
    return this.#add({ file, base });
  }

  /** A running broker has removed the file since it was seen: it is read as an empty one. */
  #openGone(file: OverlayFile): FileHandle {
    cut(file, 0);
    return this.#add({ file, base: undefined });
  }

  #add(opened: OpenOverlay): FileHandle {
    const handle = this.#nextHandle++;
    this.#open.set(handle, opened);
    return handle;
  }

  #opened(handle: FileHandle): OpenOverlay {
    const opened = this.#open.get(handle);
    if (opened === undefined) throw Object.assign(new Error('bad handle'), { code: 'EBADF' });
    return opened;
  }

  /** A page of the file, to be changed. */
  #page(file: OverlayFile, base: FileHandle | undefined, index: number): Buffer {
    const page = Buffer.alloc(PAGE_BYTES);
    const start = index * PAGE_BYTES;
    const below = Math.min(PAGE_BYTES, file.baseBytes - start);
    if (base !== undefined && below > 0) this.#disk.read(base, page, 0, below, start);
    file.pages.set(index, page);
    return page;
  }
}

function newFile(base: string | undefined, sizeBytes: number): OverlayFile {
  return { base, baseBytes: sizeBytes, sizeBytes, pages: new Map(), isLinked: true };
}

/** Sets the size of a file; added bytes are zero. */
function cut(file: OverlayFile, sizeBytes: number): void {
  file.sizeBytes = sizeBytes;
  file.baseBytes = Math.min(file.baseBytes, sizeBytes);
  for (const [index, page] of file.pages) {
    const start = index * PAGE_BYTES;
    if (start >= sizeBytes) file.pages.delete(index);
    else if (start + PAGE_BYTES > sizeBytes) page.fill(0, sizeBytes - start);
  }
}

/** Overwrites the bytes that were read from `position` on with the changed pages. */
function readPages(file: OverlayFile, room: Uint8Array, position: number): void {
  for (let done = 0; done < room.length; ) {
    const at = position + done;
    const index = Math.floor(at / PAGE_BYTES);
    const start = at - index * PAGE_BYTES;
    const count = Math.min(PAGE_BYTES - start, room.length - done);
    const page = file.pages.get(index);
    if (page !== undefined) room.set(page.subarray(start, start + count), done);
    done += count;
  }
}

function missing(call: string, path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, ${call} '${path}'`), {
    code: 'ENOENT',
  });
}
