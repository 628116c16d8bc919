/**
 * Decides how long an unusable sidecar holds up its queue. Errors may pass, and a sidecar is worth waiting for. But
 * records can do without, so after a bounded time the queue continues without it, and the file is kept for the operator
 * under another name.
 *
 * An error because the disk is full or read-only, or because the process has no descriptors left, is not the file's
 * fault: the queue waits. It also waits while the disk fails as a whole.
 *
 * Bound: an entry for each use of a file that has failed last. Units: ms, monotonic. Thread: disk.
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

/** There is something else in the file's place: trying again does not help. */
const FINAL = new Set(['EISDIR', 'ENOTDIR', 'ELOOP']);
/** Errors that are not the file's fault. */
const OF_OTHERS = new Set([
  ...['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS'],
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'EINTR', 'EAGAIN'],
]);

export class SidecarPatience {
  /** The time of the loop's turn. */
  nowMs = 0;

  /** Uses that have failed last, by `keyOf`. */
  readonly #failing = new Map<string, Failing>();

  /**
   * To be called for each failed use. Returns whether to continue without the file. `probe` uses another file of the
   * same disk that is no sidecar, and throws if that fails too.
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
    // Once the disk works again the file has its full time.
    this.#failing.delete(key);
    return false;
  }

  /** A use has succeeded. */
  onUsed(use: SidecarUse, path: string): void {
    if (this.#failing.size > 0) this.#failing.delete(keyOf(use, path));
  }

  /** The file is gone. */
  forget(path: string): void {
    for (const use of USES) this.onUsed(use, path);
  }

  /** Renames a file to a free name. Returns the path, or undefined if that is not possible either. */
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

/** Where the unusable file is now, for the log. */
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
