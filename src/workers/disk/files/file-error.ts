/**
 * The text of a failed file call: the action, the file, and the error of the system.
 *
 * Thread: disk.
 */

import { basename } from 'node:path';

/** Adds the failed action and the file to an error of the system. */
export function fileError(action: string, path: string, cause: unknown): Error {
  return new Error(`${action} ${basename(path)}`, { cause });
}

/** Whether the system gave this code for an error or for one of its causes. */
export function hasErrorCode(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === code) || hasErrorCode(error.cause, code);
}

/** The code that the system gave for an error or for one of its causes; undefined if it gave none. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Node's own codes mean a wrong call.
  if ('code' in error && !String(error.code).startsWith('ERR_')) return String(error.code);
  return errorCodeOf(error.cause);
}

/** An error and its causes in one line, outermost first. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${errorText(error.cause)}`;
}

/** Whether the disk, or the user's quota, has no room. */
export function isOutOfSpace(error: unknown): boolean {
  return hasErrorCode(error, 'ENOSPC') || hasErrorCode(error, 'EDQUOT');
}
