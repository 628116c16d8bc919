/**
 * System errors in words, without error codes and names of Node's functions.
 *
 * Thread: any.
 */

import { getSystemErrorMessage } from 'node:util';
import { errorText } from '../shared/error-text.ts';

const WORDS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EADDRINUSE', 'address already in use'],
  ['EAFNOSUPPORT', 'this machine has no network for addresses of this kind'],
  ['EADDRNOTAVAIL', 'this machine does not have this address'],
  ['EAI_AGAIN', 'the name server does not answer'],
  ['EISDIR', 'it is a directory, not a file'],
  ['ELOOP', 'too many symbolic links'],
  ['EMFILE', 'the process has no more file descriptors'],
  ['ENFILE', 'the machine has no more file descriptors'],
  ['ENAMETOOLONG', 'the name is too long'],
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'a part of its path is not a directory'],
  ['ENOTFOUND', 'no such host'],
  ['EPERM', 'operation not permitted'],
]);

/** A system error in words; any other error keeps its own text. */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error && 'code' in error)) return errorText(error);
  const words = typeof error.code === 'string' ? WORDS.get(error.code) : undefined;
  return words ?? systemMessage(error) ?? errorText(error);
}

/** The system's own words, without the name of Node's function. */
function systemMessage(error: Error): string | undefined {
  return 'errno' in error && typeof error.errno === 'number' && error.errno < 0
    ? getSystemErrorMessage(error.errno)
    : undefined;
}
