/**
 * The open files of a disk in memory, by their handles; no handle is used twice.
 *
 * Thread: any.
 */

import type { FileHandle } from '../../src/workers/disk/files/file-system.ts';
import { SystemError } from './system-error.ts';

/** The meaning of a handle. `path`: the path with which the file was opened. */
interface OpenFile<File> {
  readonly path: string;
  readonly file: File;
  readonly isWritable: boolean;
}

export class FileHandles<File> {
  readonly #open = new Map<FileHandle, OpenFile<File>>();
  #last = 0;

  /** How many files are open. */
  get count(): number {
    return this.#open.size;
  }

  open(path: string, file: File, isWritable: boolean): FileHandle {
    this.#last++;
    this.#open.set(this.#last, { path, file, isWritable });
    return this.#last;
  }

  /** Errors: throws EBADF if it is not open. */
  get(handle: FileHandle): OpenFile<File> {
    const open = this.#open.get(handle);
    if (open === undefined) throw new SystemError('EBADF', 'use', String(handle));
    return open;
  }

  /** Errors: throws EBADF if it is not open, or open for reading only. */
  getWritable(handle: FileHandle): OpenFile<File> {
    const open = this.get(handle);
    if (!open.isWritable) throw new SystemError('EBADF', 'write', open.path);
    return open;
  }

  close(handle: FileHandle): void {
    this.#open.delete(handle);
  }
}
