/**
 * Creates directories at paths that come from outside.
 *
 * Thread: any.
 */

import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Ensures that a directory exists, and creates its missing parents. Resolves with the created directories, outermost
 * first. Node's own recursive mkdir never returns if a file system refuses a directory with ENOENT although its parent
 * exists, as /proc does; this function tries each directory once.
 *
 * Errors: rejects with the error of the system, or with ENOTDIR if something else has one of the names; directories
 * that were created stay.
 */
export async function makeDirectories(directory: string, mode = 0o777): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path.resolve(directory); !(await isDirectory(at)); at = path.dirname(at)) {
    missing.unshift(at);
    // The root of a missing drive.
    if (path.dirname(at) === at) break;
  }
  const made: string[] = [];
  for (const at of missing) {
    if (await makeDirectory(at, mode)) made.push(at);
  }
  return made;
}

/** Resolves with false if another process has created it meanwhile. */
async function makeDirectory(at: string, mode: number): Promise<boolean> {
  try {
    await mkdir(at, mode);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  if (await isDirectory(at)) return false;
  throw notDirectory(`${at} is a link to nothing`);
}

/** Resolves with false if nothing has this name. */
async function isDirectory(at: string): Promise<boolean> {
  try {
    if ((await stat(at)).isDirectory()) return true;
  } catch (error) {
    const code = codeOf(error);
    // The recursion finds out which of the parents is a file.
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
  throw notDirectory(`${at} is not a directory`);
}

function notDirectory(text: string): Error {
  return Object.assign(new Error(text), { code: 'ENOTDIR' });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
