/**
 * Creates the directory of the sidecars together with the first one: the creation of a file is repeated if the
 * directory was missing.
 *
 * Thread: disk.
 */

import { dirname } from 'node:path';
import { rethrowBug } from '../../../shared/assert.ts';
import { type DiskLog, LOG_WARNING } from './disk-log.ts';
import { errorWithCauses } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import type { QueueFiles } from './queue-files.ts';

/** The queue that the sidecars belong to. */
export interface SidecarOwner {
  readonly fileSystem: FileSystem;
  readonly files: QueueFiles;
  readonly log: DiskLog;
}

/**
 * Creates a file with `create`, after making the directory of `path` if the first call fails.
 *
 * Errors: those of `create`, or of creating the directory.
 */
export function createSidecar<T>(fileSystem: FileSystem, path: string, create: () => T): T {
  try {
    return create();
  } catch (error) {
    rethrowBug(error);
    // If the directory was not the reason, the second call fails as well.
    fileSystem.makeDirectory(dirname(path));
    return create();
  }
}

/**
 * Makes the removal of sidecars durable: a queue that starts again gives its segments the same numbers.
 *
 * Errors: logged; old sidecars do little harm.
 */
export function syncSidecars({ fileSystem, files, log }: SidecarOwner): void {
  const { sidecarDirectory } = files;
  try {
    if (fileSystem.size(sidecarDirectory) === 'missing') return;
    fileSystem.syncDirectory(sidecarDirectory);
  } catch (error) {
    log(LOG_WARNING, `failed to sync directory "${sidecarDirectory}" - ${errorWithCauses(error)}`);
  }
}
