/**
 * The file system of a disk thread. It reports each call that may take long to the watcher of the thread, so that a
 * turn with many calls on a slow disk is not mistaken for one call that hangs.
 *
 * Thread: disk.
 */

import type { FileMeter } from './file-meter.ts';
import { type FileHandle, NodeFileSystem } from './file-system.ts';

/** Called before each call begins. */
export interface CallWatcher {
  beat(): void;
}

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
