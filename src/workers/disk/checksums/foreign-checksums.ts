/**
 * The checksums of a queue that were found to be of other records than those of their segment. They must go: beside a
 * good read position they say at each opening that the segment is another one, and it is read from its start.
 *
 * Errors: none. A failure is logged, and the next call of `remove` tries again.
 * Thread: disk.
 */

import { LOG_WARNING } from '../files/disk-log.ts';
import { errorText } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import { type SidecarOwner, syncSidecars } from '../files/sidecar-directory.ts';

/** The queue that the checksums belong to. */
export interface ChecksumOwner extends SidecarOwner {
  readonly openFiles: OpenFiles;
}

export class ForeignChecksums {
  readonly #owner: ChecksumOwner;
  #segments: number[] = [];
  /** Whether the log says that they cannot be removed. */
  #hasToldOfFailure = false;

  constructor(owner: ChecksumOwner) {
    this.#owner = owner;
  }

  /** The checksums of this segment are of other records. */
  add(segment: number): void {
    this.#segments.push(segment);
  }

  /** Removes them, durably. */
  remove(): void {
    if (this.#segments.length === 0) return;
    this.#segments = this.#segments.filter((segment) => !this.#tryRemove(segment));
    syncSidecars(this.#owner);
  }

  /** Returns whether they are gone. */
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
          `failed to remove the checksums of segment ${segment} - ${errorText(error)}`,
        );
      }
      this.#hasToldOfFailure = true;
      return false;
    }
  }
}
