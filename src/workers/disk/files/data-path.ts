/**
 * While the data directory is missing, for example because its disk is not mounted, nothing is known about its queues.
 *
 * Thread: disk.
 */

import type { OpenFiles } from './open-files.ts';

/** Errors: throws when the data directory is missing: then no file in it is known to be gone. */
export function checkDataPath(openFiles: OpenFiles, dataPath: string): void {
  if (openFiles.size(dataPath) === 'missing') throw new Error(`no data path "${dataPath}"`);
}
