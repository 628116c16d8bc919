/**
 * Checks that the data directory exists: while it is missing, for example because its disk is not mounted, nothing is
 * known about its queues.
 *
 * Thread: disk.
 */

import type { OpenFiles } from './open-files.ts';

/** Errors: throws if the data directory is missing; a file in it then does not count as gone. */
export function checkDataPath(openFiles: OpenFiles, dataPath: string): void {
  if (openFiles.size(dataPath) === 'missing') throw new Error(`no data path "${dataPath}"`);
}
