/**
 * Finds out whether the disk takes data, by writing some and taking it away again.
 *
 * Thread: disk.
 */

import { join } from 'node:path';
import { rethrowBug } from '../../../shared/assert.ts';
import { OUTER_PROBE_FILE, PROBE_FILE } from '../../../shared/data-files.ts';
import { fileError } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import { sidecarDirectoryOf } from './queue-files.ts';

/** A block of most file systems: less may find room where nothing else does. */
const PROBE_BYTES_MIN = 4096;
/** More than an append has, unless it is one large message. */
const PROBE_BYTES_MAX = 1024 * 1024;

/** Bytes of a file that could not be written. */
export interface WantedBytes {
  readonly position: number;
  readonly length: number;
}

const NOTHING_WANTED: WantedBytes = { position: 0, length: 0 };

/**
 * Writes as much as was wanted, and as far from the beginning of a file: that a block can be written tells little of a
 * disk that has no room for more, and nothing of a limit on the size of files.
 *
 * Errors: throws when the disk does not take it.
 */
export function probeDisk(fileSystem: FileSystem, dataPath: string, wanted: WantedBytes): void {
  const directory = sidecarDirectoryOf(dataPath);
  try {
    fileSystem.makeDirectory(directory);
    writeProbe(fileSystem, join(directory, PROBE_FILE), wanted);
  } catch (error) {
    rethrowBug(error);
    // That directory may be what cannot be written to, and records need none.
    writeProbe(fileSystem, join(dataPath, OUTER_PROBE_FILE), wanted);
  }
}

/** Writes a block outside of the directory of sidecars. Errors: as `probeDisk`. */
export function probeOutside(fileSystem: FileSystem, dataPath: string): void {
  writeProbe(fileSystem, join(dataPath, OUTER_PROBE_FILE), NOTHING_WANTED);
}

function writeProbe(fileSystem: FileSystem, path: string, wanted: WantedBytes): void {
  try {
    const handle = fileSystem.createOrEmpty(path);
    try {
      const length = Math.min(Math.max(wanted.length, PROBE_BYTES_MIN), PROBE_BYTES_MAX);
      fileSystem.write(handle, Buffer.alloc(length), 0, length, wanted.position);
    } finally {
      fileSystem.close(handle);
      fileSystem.remove(path);
    }
  } catch (cause) {
    throw fileError('probe disk', path, cause);
  }
}
