/**
 * A file system that syncs a directory only if names in it may have changed since the last sync. Queues that have
 * changed names before it share that sync.
 *
 * They share its failure too: after a failed sync, the system may report success for the next one although the names
 * are lost. So each sync of that directory fails until the next turn. Then the queues repeat their changes and sync
 * again.
 *
 * Thread: disk.
 */

import { dirname } from 'node:path';
import type { FileHandle, FileSystem } from './file-system.ts';

export class SharedSyncs implements FileSystem {
  readonly #inner: FileSystem;
  /** Directories whose names are durable. */
  readonly #durable = new Set<string>();
  /** Directories whose sync has failed in this turn. */
  readonly #failed = new Map<string, unknown>();

  constructor(inner: FileSystem) {
    this.#inner = inner;
  }

  /** A new turn begins: failed syncs are retried. */
  beginTurn(): void {
    this.#failed.clear();
  }

  openForReading(path: string): FileHandle | 'missing' {
    return this.#inner.openForReading(path);
  }

  openForWriting(path: string): FileHandle | 'missing' {
    return this.#inner.openForWriting(path);
  }

  create(path: string): FileHandle | 'exists' {
    this.#onChange(path);
    return this.#inner.create(path);
  }

  createOrEmpty(path: string): FileHandle {
    this.#onChange(path);
    return this.#inner.createOrEmpty(path);
  }

  read(
    handle: FileHandle,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    return this.#inner.read(handle, target, offset, length, position);
  }

  write(
    handle: FileHandle,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    this.#inner.write(handle, source, offset, length, position);
  }

  truncate(handle: FileHandle, sizeBytes: number): void {
    this.#inner.truncate(handle, sizeBytes);
  }

  sync(handle: FileHandle): void {
    this.#inner.sync(handle);
  }

  syncData(handle: FileHandle): void {
    this.#inner.syncData(handle);
  }

  close(handle: FileHandle): void {
    this.#inner.close(handle);
  }

  isLinked(handle: FileHandle): boolean {
    return this.#inner.isLinked(handle);
  }

  size(path: string): number | 'missing' {
    return this.#inner.size(path);
  }

  rename(from: string, to: string): void {
    this.#onChange(from);
    this.#onChange(to);
    this.#inner.rename(from, to);
  }

  remove(path: string): boolean {
    this.#onChange(path);
    return this.#inner.remove(path);
  }

  makeDirectory(path: string): void {
    this.#onChange(path);
    this.#inner.makeDirectory(path);
  }

  list(directory: string): string[] {
    return this.#inner.list(directory);
  }

  syncDirectory(directory: string): void {
    if (this.#failed.has(directory)) throw this.#failed.get(directory);
    if (this.#durable.has(directory)) return;
    try {
      this.#inner.syncDirectory(directory);
    } catch (error) {
      this.#failed.set(directory, error);
      throw error;
    }
    this.#durable.add(directory);
  }

  /** Call it before the change: a failed change may have happened. */
  #onChange(path: string): void {
    this.#durable.delete(dirname(path));
  }
}
