/**
 * Checks at the start whether the broker can use what is in the data directory. Otherwise a file of another user would
 * be noticed only after messages were accepted for it, and opening a named pipe would block a thread forever.
 *
 * Thread: main, at the start. Source: nsqd does not check.
 */

import {
  accessSync,
  constants,
  type Dirent,
  lstatSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseQueueFileName, SIDECAR_DIRECTORY } from '../../shared/data-files.ts';

/** Tests the rights to a file, as `fs.accessSync`. */
export type AccessCheck = (path: string, mode: number) => void;

const READ = constants.R_OK;
const READ_AND_WRITE = constants.R_OK | constants.W_OK;
const METADATA_FILE = 'nsqd.dat';

/**
 * Returns the reason that nothing can be written to the directory, or null. If there is one, it is enough that
 * everything can be read.
 *
 * Errors: throws if a file or directory cannot be used, with the remedy.
 */
export function checkRights(dataPath: string, access: AccessCheck = accessSync): string | null {
  const readOnly = refusalOf(access, dataPath, constants.W_OK);
  const mode = readOnly === null ? READ_AND_WRITE : READ;
  const sidecars = join(dataPath, SIDECAR_DIRECTORY);
  const refused = filesOf(dataPath).filter((path) => refusalOf(access, path, mode) !== null);
  if (isUsableDirectory(sidecars)) {
    const directoryMode = mode | constants.X_OK;
    if (refusalOf(access, sidecars, directoryMode) !== null) refused.unshift(sidecars);
    else {
      const names = readdirSync(sidecars, { withFileTypes: true }).map((entry) =>
        pathOf(sidecars, entry),
      );
      refused.push(...names.filter((path) => refusalOf(access, path, mode) !== null));
    }
  }
  if (refused.length > 0) throw rightsError(access, dataPath, refused, mode);
  return readOnly;
}

/** The paths of nsqd.dat and of the queues' files. Errors: throws if one is something else than a file. */
function filesOf(dataPath: string): string[] {
  const paths: string[] = [];
  for (const entry of readdirSync(dataPath, { withFileTypes: true })) {
    if (entry.name !== METADATA_FILE && parseQueueFileName(entry.name) === undefined) continue;
    const path = pathOf(dataPath, entry);
    const isDirectory = entry.isSymbolicLink()
      ? targetOf(path)?.isDirectory()
      : entry.isDirectory();
    if (isDirectory) throw new Error(`"${path}" is a directory: move it away`);
    paths.push(path);
  }
  return paths;
}

/** The path of a directory's entry. Errors: throws if nothing can be read from it, or if reading it may never end. */
function pathOf(directory: string, entry: Dirent): string {
  const path = join(directory, entry.name);
  if (entry.isFile() || entry.isDirectory()) return path;
  const target = targetOf(path);
  if (target === undefined) {
    throw new Error(`"${path}" is a symbolic link that leads to no file: move it away`);
  }
  if (target.isFile() || target.isDirectory()) return path;
  const kind = target.isFIFO() ? 'named pipe' : target.isSocket() ? 'socket' : 'device';
  throw new Error(`"${path}" is a ${kind}, not a file: move it away`);
}

/** Undefined if a link leads to nothing, or to itself. */
function targetOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') return undefined;
    throw error;
  }
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
function refusalOf(access: AccessCheck, path: string, mode: number): string | null {
  try {
    access(path, mode);
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no access';
  }
}

function rightsError(
  access: AccessCheck,
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
