/**
 * Finds out whether the disk takes data, by writing some and taking it away again.
 *
 * Thread: disk.
 */

import { join } from 'node:path';
import { fileError } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import { sidecarDirectoryOf } from './queue-files.ts';

const FILE_NAME = 'probe';
/** A block of most file systems: less may find room where nothing else does. */
const PROBE_BYTES = 4096;

const probe = Buffer.alloc(PROBE_BYTES);

/** Errors: throws when the disk does not. */
export function probeDisk(fileSystem: FileSystem, dataPath: string): void {
  const directory = sidecarDirectoryOf(dataPath);
  const path = join(directory, FILE_NAME);
  try {
    fileSystem.makeDirectory(directory);
    const handle = fileSystem.createOrEmpty(path);
    try {
      fileSystem.write(handle, probe, 0, PROBE_BYTES, 0);
    } finally {
      fileSystem.close(handle);
      fileSystem.remove(path);
    }
  } catch (cause) {
    throw fileError('probe disk', path, cause);
  }
}
