/**
 * Removes temporary files: files that are written first and then renamed over another one. A broker that is killed in
 * between leaves them; so does nsqd, which names them in the same way.
 *
 * Thread: main, at the start, under the lock of the data directory.
 */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OUTER_PROBE_FILE, PROBE_FILE, SIDECAR_DIRECTORY } from '../../shared/data-files.ts';
import { errorText } from '../../shared/error-text.ts';

const TEMPORARY = /^(?:nsqd\.dat|policies\.json|.+\.diskqueue\.meta\.dat)\.\d+\.tmp$/;

/** Removes all of them. Errors: logged, because leftovers do no harm. */
export function removeTemporaryFiles(dataPath: string, warn: (text: string) => void): void {
  const sidecars = join(dataPath, SIDECAR_DIRECTORY);
  const paths = [
    ...temporaryFiles(dataPath),
    ...(existsSync(sidecars) ? temporaryFiles(sidecars) : []),
    join(sidecars, PROBE_FILE),
    join(dataPath, OUTER_PROBE_FILE),
  ];
  for (const path of paths) {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      warn(`failed to remove a temporary file - ${errorText(error)}`);
    }
  }
}

function temporaryFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => TEMPORARY.test(name))
    .map((name) => join(directory, name));
}
