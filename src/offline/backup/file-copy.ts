/**
 * Copies files of a data directory that may grow or be removed meanwhile. Holes stay holes, because files of states are
 * sparse.
 *
 * Bound: one chunk. Thread: any; every call blocks.
 */

import type { FileHandle, FileSystem } from '../../workers/disk/files/file-system.ts';

const CHUNK_BYTES = 1024 * 1024;
const PAGE_BYTES = 4096;
const HOLE = Buffer.alloc(PAGE_BYTES);

const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);

/** Part of a file. Units: bytes; `end` may be after the end of the file. */
export interface FilePart {
  readonly start: number;
  readonly end: number;
}

/** All of a file. */
const WHOLE_FILE: FilePart = { start: 0, end: Number.POSITIVE_INFINITY };

/**
 * Copies a file, or a part of it to the same place of the copy, durably. Returns the size of the copy; `missing`: there
 * is no such file.
 */
export function copyFile(
  fileSystem: FileSystem,
  from: string,
  to: string,
  part: FilePart = WHOLE_FILE,
): number | 'missing' {
  const source = fileSystem.openForReading(from);
  if (source === 'missing') return 'missing';
  try {
    return copyOpenFile(fileSystem, source, to, part);
  } finally {
    fileSystem.close(source);
  }
}

/** As `copyFile`, for an open file, which may have been removed since it was opened. */
export function copyOpenFile(
  fileSystem: FileSystem,
  source: FileHandle,
  to: string,
  { start, end }: FilePart,
): number {
  const known = start === 0 ? 'missing' : fileSystem.openForWriting(to);
  const target = known === 'missing' ? createFile(fileSystem, to) : known;
  try {
    let at = start;
    while (at < end) {
      const got = fileSystem.read(source, chunk, 0, Math.min(CHUNK_BYTES, end - at), at);
      if (got === 0) break;
      writePages(fileSystem, target, got, at);
      at += got;
    }
    fileSystem.truncate(target, at);
    fileSystem.sync(target);
    return at;
  } finally {
    fileSystem.close(target);
  }
}

/** A file that can be read too. */
function createFile(fileSystem: FileSystem, path: string): FileHandle {
  fileSystem.remove(path);
  const handle = fileSystem.create(path);
  if (handle === 'exists') throw new Error(`${path} exists already`);
  return handle;
}

/** Writes the chunk without its empty pages. */
function writePages(
  fileSystem: FileSystem,
  target: FileHandle,
  length: number,
  position: number,
): void {
  let run = 0;
  for (let at = 0; at < length; at += PAGE_BYTES) {
    const end = Math.min(at + PAGE_BYTES, length);
    if (chunk.compare(HOLE, 0, end - at, at, end) !== 0) continue;
    if (at > run) fileSystem.write(target, chunk, run, at - run, position + run);
    run = end;
  }
  if (length > run) fileSystem.write(target, chunk, run, length - run, position + run);
}
