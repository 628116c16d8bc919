/**
 * Tests whether the disk is writable, by writing a file and removing it.
 *
 * Thread: disk.
 */

import { join } from 'node:path';
import { rethrowBug } from '../../../shared/assert.ts';
import { OUTER_PROBE_FILE, PROBE_FILE } from '../../../shared/data-files.ts';
import { fileError } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import { sidecarDirectoryOf } from './queue-files.ts';

/** The block size of most file systems: less may still fit on a full disk. */
const PROBE_BYTES_MIN = 4096;
/** More than any append, except one of a single large message. */
const PROBE_BYTES_MAX = 1024 * 1024;

/** Bytes of a file that could not be written. */
export interface WantedBytes {
  readonly position: number;
  readonly length: number;
}

const NOTHING_WANTED: WantedBytes = { position: 0, length: 0 };

/**
 * Writes as many bytes as the failed append, at the same file position. A single block might still fit on a full
 * disk, and would not exceed a limit on the size of files.
 *
 * Errors: throws if the write fails.
 */
export function probeDisk(fileSystem: FileSystem, dataPath: string, wanted: WantedBytes): void {
  const directory = sidecarDirectoryOf(dataPath);
  try {
    fileSystem.makeDirectory(directory);
    writeProbe(fileSystem, join(directory, PROBE_FILE), wanted);
  } catch (error) {
    rethrowBug(error);
    // The sidecar directory may be the cause, and records do not need it.
    writeProbe(fileSystem, join(dataPath, OUTER_PROBE_FILE), wanted);
  }
}

/** Writes a block outside the directory of sidecars. Errors: as `probeDisk`. */
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
