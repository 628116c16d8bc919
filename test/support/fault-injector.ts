/**
 * Makes calls of a disk in memory fail when a test requests it, in the ways in which the system fails them.
 *
 * Thread: any.
 */

import type { FileCall, MemoryFileSystem } from './memory-file-system.ts';
import { SystemError } from './system-error.ts';

/** The error of a call; `short` is a write that stops half-way because the disk is full. */
export type FaultKind = 'EIO' | 'ENOSPC' | 'EFBIG' | 'EMFILE' | 'EACCES' | 'short';

/** Which calls fail. */
export interface Fault {
  readonly kind: FaultKind;
  /** If given, only these calls count and fail, of those that can fail in this way. */
  readonly calls?: readonly FileCall[];
  /** Calls that succeed first. */
  readonly after: number;
  /** Calls that fail after that; Infinity: until `heal`. */
  readonly times: number;
}

const CREATING: readonly FileCall[] = ['create', 'createOrEmpty'];
const OPENING: readonly FileCall[] = ['openForReading', 'openForWriting', ...CREATING];

/** The calls that can fail with each error. */
const POSSIBLE: Readonly<Record<FaultKind, readonly FileCall[] | 'all'>> = {
  EIO: 'all',
  ENOSPC: [...CREATING, 'write', 'sync', 'syncData', 'rename', 'makeDirectory', 'syncDirectory'],
  EMFILE: [...OPENING, 'list', 'syncDirectory'],
  EACCES: [...OPENING, 'size', 'rename', 'remove', 'list', 'makeDirectory', 'syncDirectory'],
  EFBIG: ['write'],
  short: ['write'],
};

export class FaultInjector {
  /** How many calls were made. */
  callCount = 0;
  /** How many of them have failed. */
  failedCount = 0;
  /** How many of those were syncs of files. */
  failedSyncCount = 0;

  #fault: Fault | undefined;
  /** Calls that the fault has counted. */
  #counted = 0;
  /** The write that is under way stops in the middle. */
  #isShort = false;

  /**
   * Intercepts the calls of `disk`. `onCall` sees those that do not fail before they take effect, and each write again
   * in its middle.
   */
  constructor(disk: MemoryFileSystem, onCall: (call: FileCall) => void = () => undefined) {
    disk.onCall = (call, path) => {
      this.#check(call, path);
      onCall(call);
    };
    disk.onHalfWrite = (path) => {
      if (this.#isShort) throw new SystemError('ENOSPC', 'write', path);
      onCall('write');
    };
  }

  /** Makes calls fail from now on. */
  fail(fault: Fault): void {
    this.#fault = fault;
    this.#counted = 0;
  }

  /** From now on all calls succeed. */
  heal(): void {
    this.#fault = undefined;
  }

  #check(call: FileCall, path: string): void {
    const kind = this.#failing(call);
    this.#isShort = kind === 'short';
    if (kind === undefined || kind === 'short') return;
    if (call === 'sync') this.failedSyncCount++;
    throw new SystemError(kind, call, path);
  }

  /** Counts a call. Returns its error, if it fails. */
  #failing(call: FileCall): FaultKind | undefined {
    this.callCount++;
    const fault = this.#fault;
    if (fault === undefined || fault.calls?.includes(call) === false) return undefined;
    const possible = POSSIBLE[fault.kind];
    if (possible !== 'all' && !possible.includes(call)) return undefined;
    const index = this.#counted++;
    if (index < fault.after || index >= fault.after + fault.times) return undefined;
    this.failedCount++;
    return fault.kind;
  }
}
