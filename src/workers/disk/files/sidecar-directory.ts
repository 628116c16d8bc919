/**
 * The directory of the sidecars is created when the first of them is: whoever creates one goes on as if the directory
 * were there, and is called again if it was not.
 *
 * Thread: disk.
 */

import { dirname } from 'node:path';
import { type DiskLog, LOG_WARNING } from './disk-log.ts';
import { errorText } from './file-error.ts';
import type { FileSystem } from './file-system.ts';
import type { QueueFiles } from './queue-files.ts';

/** Whose sidecars they are, and who is told. */
export interface SidecarOwner {
  readonly fileSystem: FileSystem;
  readonly files: QueueFiles;
  readonly log: DiskLog;
}

/**
 * Creates a file with the call it is given, and with the directory of `path` if it cannot be created without.
 *
 * Errors: as the call, or what making the directory throws.
 */
export function createSidecar<T>(fileSystem: FileSystem, path: string, create: () => T): T {
  try {
    return create();
  } catch {
    // Whatever it was: if a directory is no help, the second call says so.
    fileSystem.makeDirectory(dirname(path));
    return create();
  }
}

/**
 * Makes it durable that sidecars are gone: a queue that begins anew gives its segments the same numbers.
 *
 * Errors: logged, as old sidecars do little harm.
 */
export function syncSidecars({ fileSystem, files, log }: SidecarOwner): void {
  const { sidecarDirectory } = files;
  try {
    if (fileSystem.size(sidecarDirectory) === 'missing') return;
    fileSystem.syncDirectory(sidecarDirectory);
  } catch (error) {
    log(LOG_WARNING, `failed to sync directory "${sidecarDirectory}" - ${errorText(error)}`);
  }
}
