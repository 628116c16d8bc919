/**
 * Checks at the start whether the broker has the rights that it needs later in the data directory. Otherwise a file of
 * another user would be noticed only after messages were accepted for it.
 *
 * Thread: main, at the start. Source: nsqd does not check.
 */

import { accessSync, constants, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseQueueFileName, SIDECAR_DIRECTORY } from '../../shared/data-files.ts';

/** Tests the rights to a file, as `fs.accessSync`. */
export type Access = (path: string, mode: number) => void;

const READ = constants.R_OK;
const READ_AND_WRITE = constants.R_OK | constants.W_OK;
const METADATA_FILE = 'nsqd.dat';

/**
 * Returns the reason that nothing can be written to the directory, or null. If there is one, it is enough that
 * everything can be read.
 *
 * Errors: throws if a file or directory cannot be used, with the remedy.
 */
export function checkRights(dataPath: string, access: Access = accessSync): string | null {
  const readOnly = refusalOf(access, dataPath, constants.W_OK);
  const mode = readOnly === null ? READ_AND_WRITE : READ;
  const sidecars = join(dataPath, SIDECAR_DIRECTORY);
  const refused = filesOf(dataPath).filter((path) => refusalOf(access, path, mode) !== null);
  if (isUsableDirectory(sidecars)) {
    const directoryMode = mode | constants.X_OK;
    if (refusalOf(access, sidecars, directoryMode) !== null) refused.unshift(sidecars);
    else {
      const names = readdirSync(sidecars).map((name) => join(sidecars, name));
      refused.push(...names.filter((path) => refusalOf(access, path, mode) !== null));
    }
  }
  if (refused.length > 0) throw refusal(access, dataPath, refused, mode);
  return readOnly;
}

/** The paths of nsqd.dat and of the queues' files. Errors: throws if one is a directory. */
function filesOf(dataPath: string): string[] {
  const paths: string[] = [];
  for (const entry of readdirSync(dataPath, { withFileTypes: true })) {
    if (entry.name !== METADATA_FILE && parseQueueFileName(entry.name) === undefined) continue;
    const path = join(dataPath, entry.name);
    if (entry.isDirectory()) throw new Error(`"${path}" is a directory: move it away`);
    paths.push(path);
  }
  return paths;
}

/** Returns whether the directory exists. Errors: throws if it is something else. */
function isUsableDirectory(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return true;
  throw new Error(
    `"${path}" is not a directory: move it away, the broker keeps due times and checksums there`,
  );
}

/** The system's error code if access is denied, or null. */
function refusalOf(access: Access, path: string, mode: number): string | null {
  try {
    access(path, mode);
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no access';
  }
}

function refusal(
  access: Access,
  dataPath: string,
  [path, ...others]: readonly string[],
  mode: number,
): Error {
  const more = others.length === 0 ? '' : `, and ${others.length} more files,`;
  const code = refusalOf(access, path, mode) ?? '';
  const what = mode === READ ? 'read' : 'read and written';
  return new Error(`"${path}"${more} cannot be ${what} (${code}): ${remedyOf(code, dataPath)}`);
}

function remedyOf(code: string, dataPath: string): string {
  if (code === 'EROFS') return 'mount its file system for writing';
  if (code === 'EPERM') return 'it may be immutable, see lsattr and chattr -i';
  const user = process.getuid?.();
  if (user === undefined) return 'give the user that runs the broker the right to do so';
  return `make it this user's, for example with chown -R ${user} "${dataPath}"`;
}
