/**
 * How long a sidecar that cannot be used holds up its queue. Errors pass, and what is in a sidecar is worth waiting
 * for; but records need none, so after a bounded time the queue goes on without, and what is there is kept for the
 * operator under another name.
 *
 * What fails because the disk is full or read-only, or the process short of descriptors, is no fault of the file: it is
 * waited for. So is a disk that fails as a whole.
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
/** A queue that is seldom asked for gets so many tries all the same. */
const TRIES_MIN = 3;

/** What is in the file's place is no file: trying again does not help. */
const FINAL = new Set(['EISDIR', 'ENOTDIR', 'ELOOP']);
/** Errors that are not the file's. */
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
   * To be told of each use that fails. Returns whether to go on without the file. `probe` uses something of the same
   * disk that is no sidecar, and throws if that fails too.
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
    // Once the disk is well again the file has all of its time.
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

  /** Gives a file another name that nothing has. Returns the path, or undefined if that is not possible either. */
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

/** Where what could not be used is now, as the log says it. */
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
