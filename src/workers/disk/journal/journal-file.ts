/**
 * One file of a journal. It grows in steps filled with zeros, so that most writes find their blocks allocated and a
 * sync writes only the entries. It is reused from its start once no queue needs its entries: a new header, which is
 * synced first, makes all old entries void.
 *
 * Errors: every call throws with the action and the file's name. After an error of `begin` or `write` it is unknown how
 * much of the last write is on disk; the file must not be written to again before `remove`.
 * Thread: disk.
 */

import { dirname } from 'node:path';
import { rethrowBug } from '../../../shared/assert.ts';
import { fileError } from '../files/file-error.ts';
import type { FileHandle, FileSystem } from '../files/file-system.ts';
import { ENTRIES_OFFSET, HEADER_BYTES, writeHeader } from './journal-entry.ts';

/** The largest size of a journal file, and the steps in which it grows. Units: bytes. */
export interface JournalBounds {
  readonly fileBytesMax: number;
  readonly growBytes: number;
}

/** No journal: each commit syncs the queues themselves. */
export const NO_JOURNAL: JournalBounds = { fileBytesMax: 0, growBytes: 0 };

export class JournalFile {
  readonly path: string;
  /** Names of queues with entries in it. */
  readonly touched = new Set<string>();
  /** Those of them whose records may not be durable in their segments. */
  readonly live = new Set<string>();

  readonly #fileSystem: FileSystem;
  readonly #bounds: JournalBounds;
  #handle: FileHandle | undefined;
  #generation = 0;
  #end = 0;
  #allocated = 0;

  constructor(fileSystem: FileSystem, path: string, bounds: JournalBounds) {
    this.#fileSystem = fileSystem;
    this.path = path;
    this.#bounds = bounds;
  }

  /** Whether it exists, as far as this process knows. */
  get isThere(): boolean {
    return this.#handle !== undefined;
  }

  /** The generation of its entries. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes of entries that fit. */
  get room(): number {
    return this.#handle === undefined ? 0 : this.#bounds.fileBytesMax - this.#end;
  }

  /** Begins a generation: there are no entries, durably. */
  begin(generation: number): void {
    try {
      if (this.#handle === undefined) this.#create();
      const header = Buffer.alloc(HEADER_BYTES);
      writeHeader(header, generation);
      this.#write(header, HEADER_BYTES, 0);
    } catch (cause) {
      throw fileError('begin journal', this.path, cause);
    }
    this.touched.clear();
    this.#generation = generation;
    this.#end = ENTRIES_OFFSET;
  }

  /** Appends entries durably: `length` bytes of `source`, which fit. */
  write(source: Buffer, length: number): void {
    try {
      this.#grow(this.#end + length);
      this.#write(source, length, this.#end);
    } catch (cause) {
      throw fileError('write journal', this.path, cause);
    }
    this.#end += length;
  }

  /** Closes and removes it; its removal is durable when its directory is synced. */
  remove(): void {
    this.#close();
    try {
      this.#fileSystem.remove(this.path);
    } catch (cause) {
      throw fileError('remove journal', this.path, cause);
    }
    this.touched.clear();
    this.live.clear();
  }

  #write(source: Buffer, length: number, position: number): void {
    const handle = this.#handle;
    if (handle === undefined) throw new Error('it is not open');
    this.#fileSystem.write(handle, source, 0, length, position);
    this.#fileSystem.syncData(handle);
  }

  /** Its name is durable before anything relies on it. */
  #create(): void {
    const directory = dirname(this.path);
    this.#fileSystem.makeDirectory(directory);
    const handle = this.#fileSystem.createOrEmpty(this.path);
    this.#handle = handle;
    this.#allocated = 0;
    try {
      this.#grow(ENTRIES_OFFSET);
      this.#fileSystem.sync(handle);
      this.#fileSystem.syncDirectory(directory);
      this.#fileSystem.syncDirectory(dirname(directory));
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** What a failed close may leave is no longer needed. */
  #close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    try {
      if (handle !== undefined) this.#fileSystem.close(handle);
    } catch (error) {
      rethrowBug(error);
    }
  }

  #grow(wanted: number): void {
    const handle = this.#handle;
    const { growBytes, fileBytesMax } = this.#bounds;
    while (handle !== undefined && this.#allocated < wanted) {
      const length = Math.max(
        Math.min(growBytes, fileBytesMax - this.#allocated),
        Math.min(growBytes, wanted - this.#allocated),
      );
      this.#fileSystem.write(handle, Buffer.alloc(length), 0, length, this.#allocated);
      this.#allocated += length;
    }
  }
}
