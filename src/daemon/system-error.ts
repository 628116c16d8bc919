/**
 * System errors in words, without error codes and names of Node's functions.
 *
 * Thread: any.
 */

import { errorText } from '../shared/error-text.ts';

const WORDS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EADDRINUSE', 'address already in use'],
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

/** The error in words; for an unknown code, the error's own text. */
export function systemErrorText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return (typeof code === 'string' ? WORDS.get(code) : undefined) ?? errorText(error);
}
