/**
 * Creates directories at paths that come from outside.
 *
 * Thread: any.
 */

import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes sure that a directory exists, and creates those above it that are missing. Resolves with the created ones,
 * outermost first. Node's own recursive mkdir never returns where a file system refuses a directory with ENOENT
 * although its parent exists, as /proc does; here each directory is asked for once.
 *
 * Errors: rejects with the error of the system, or with ENOTDIR if something else has one of the names; directories
 * that were created stay.
 */
export async function makeDirectories(directory: string, mode = 0o777): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path.resolve(directory); !(await isDirectory(at)); at = path.dirname(at)) {
    missing.unshift(at);
    // The root of a drive that is not there.
    if (path.dirname(at) === at) break;
  }
  const made: string[] = [];
  for (const at of missing) {
    if (await makeDirectory(at, mode)) made.push(at);
  }
  return made;
}

/** Resolves with false if somebody else was faster. */
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

/** Resolves with false if nothing is there. */
async function isDirectory(at: string): Promise<boolean> {
  try {
    if ((await stat(at)).isDirectory()) return true;
  } catch (error) {
    const code = codeOf(error);
    // Which of the parents is a file is found on the way up.
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
