/**
 * Checksums of a queue that turned out to belong to other records than those of their segment. They are removed:
 * although the read position is valid, they would show at each opening that the segment was replaced, and it would be
 * read from its start.
 *
 * Errors: none. A failure is logged, and the next call of `remove` tries again.
 * Thread: disk.
 */

import { LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import { type SidecarOwner, syncSidecars } from '../files/sidecar-directory.ts';

/** The queue that the checksums belong to. */
export interface ChecksumOwner extends SidecarOwner {
  readonly openFiles: OpenFiles;
}

export class ForeignChecksums {
  readonly #owner: ChecksumOwner;
  #segments: number[] = [];
  /** Whether it was logged that they cannot be removed. */
  #hasToldOfFailure = false;

  constructor(owner: ChecksumOwner) {
    this.#owner = owner;
  }

  /** The checksums of this segment belong to other records. */
  add(segment: number): void {
    this.#segments.push(segment);
  }

  /** Removes them, durably. */
  remove(): void {
    if (this.#segments.length === 0) return;
    this.#segments = this.#segments.filter((segment) => !this.#tryRemove(segment));
    syncSidecars(this.#owner);
  }

  /** Returns whether they are removed. */
  #tryRemove(segment: number): boolean {
    const { openFiles, files, log } = this.#owner;
    try {
      openFiles.remove(files.checksums(segment));
      this.#hasToldOfFailure = false;
      return true;
    } catch (error) {
      if (!this.#hasToldOfFailure) {
        log(
          LOG_WARNING,
          `failed to remove the checksums of segment ${segment} - ${errorWithCauses(error)}`,
        );
      }
      this.#hasToldOfFailure = true;
      return false;
    }
  }
}
