/**
 * The text of a failed file call: the action, the file, and the error of the system.
 *
 * Thread: disk.
 */

import { basename } from 'node:path';

/** Adds the failed action and the file to a system error. */
export function fileError(action: string, path: string, cause: unknown): Error {
  return new Error(`${action} ${basename(path)}`, { cause });
}

/** Whether an error or one of its causes has this system error code. */
export function hasErrorCode(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === code) || hasErrorCode(error.cause, code);
}

/** The system error code of an error or of one of its causes; undefined if there is none. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Node's own codes report invalid arguments.
  if ('code' in error && !String(error.code).startsWith('ERR_')) return String(error.code);
  return errorCodeOf(error.cause);
}

/** An error and its causes in one line, outermost first. */
export function errorWithCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined
    ? error.message
    : `${error.message}: ${errorWithCauses(error.cause)}`;
}

/** Whether the disk, or the user's quota, has no room. */
export function isOutOfSpace(error: unknown): boolean {
  return hasErrorCode(error, 'ENOSPC') || hasErrorCode(error, 'EDQUOT');
}
