/**
 * The directory of the sidecars is created when the first of them is: whoever creates one goes on as if the directory
 * were there, and is called again if it was not.
 *
 * Thread: disk.
 */

import { dirname } from 'node:path';
import type { FileSystem } from './file-system.ts';

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
