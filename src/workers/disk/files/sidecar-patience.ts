/**
 * Decides how long a queue waits for an unusable sidecar. The error may be temporary, and a sidecar is worth waiting
 * for. But records do not depend on it, so after a bounded time the queue continues without it, and the file is kept
 * for the operator under another name.
 *
 * An error because the disk is full or read-only, or because the process has no descriptors left, is not the file's
 * fault: the queue waits. It also waits while the disk fails as a whole.
 *
 * Bound: an entry for each use of a file whose last attempt failed. Units: ms, monotonic. Thread: disk.
 */

import { basename } from 'node:path';
import { rethrowBug } from '../../../shared/assert.ts';
import { errorCodeOf } from './file-error.ts';
import type { OpenFiles } from './open-files.ts';

/** What a file is used for; one may fail while another succeeds. */
export type SidecarUse = (typeof USES)[number];

interface Failing {
  readonly sinceMs: number;
  tries: number;
}

const USES = ['read', 'write', 'sync'] as const;

const PATIENCE_MS = 3000;
/** A queue that is rarely used gets this many tries. */
const TRIES_MIN = 3;

/** Something other than a file has this name: retrying does not help. */
const FINAL = new Set(['EISDIR', 'ENOTDIR', 'ELOOP']);
/** Errors that the file does not cause. */
const OF_OTHERS = new Set([
  ...['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS'],
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'EINTR', 'EAGAIN'],
]);

export class SidecarPatience {
  /** The time of the loop's turn. */
  nowMs = 0;

  /** Uses whose last attempt failed, by `keyOf`. */
  readonly #failing = new Map<string, Failing>();

  /**
   * Called for each failed use. Returns whether to continue without the file. `probe` uses another file on the same
   * disk that is not a sidecar, and throws if that fails too.
   */
  isOver(use: SidecarUse, path: string, error: unknown, probe: () => unknown): boolean {
    const code = errorCodeOf(error);
    if (code === undefined || OF_OTHERS.has(code)) return false;
    const key = keyOf(use, path);
    const failing = this.#failing.get(key) ?? { sinceMs: this.nowMs, tries: 0 };
    failing.tries++;
    this.#failing.set(key, failing);
    if (FINAL.has(code)) return true;
    if (failing.tries < TRIES_MIN || this.nowMs - failing.sinceMs < PATIENCE_MS) return false;
    if (succeeds(probe)) return true;
    // When the disk works again, the file gets its full time.
    this.#failing.delete(key);
    return false;
  }

  /** A use has succeeded. */
  onUsed(use: SidecarUse, path: string): void {
    if (this.#failing.size > 0) this.#failing.delete(keyOf(use, path));
  }

  /** The file was removed. */
  forget(path: string): void {
    for (const use of USES) this.onUsed(use, path);
  }

  /** Renames a file to a free name. Returns the path, or undefined if that fails too. */
  setAside(openFiles: OpenFiles, path: string): string | undefined {
    try {
      const aside = freePath(openFiles, `${path}.unusable`);
      openFiles.rename(path, aside);
      this.forget(path);
      return aside;
    } catch (error) {
      if (errorCodeOf(error) === undefined) throw error;
      return undefined;
    }
  }
}

/** The place of the unusable file, for the log. */
export function keptAs(aside: string | undefined): string {
  return aside === undefined ? 'the file is left there' : `the file is kept as ${basename(aside)}`;
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    rethrowBug(error);
    return false;
  }
}

function keyOf(use: SidecarUse, path: string): string {
  return `${use} ${path}`;
}

function freePath(openFiles: OpenFiles, path: string): string {
  if (openFiles.size(path) === 'missing') return path;
  let copy = 1;
  while (openFiles.size(`${path}.${copy}`) !== 'missing') copy++;
  return `${path}.${copy}`;
}
