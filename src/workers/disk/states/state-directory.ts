/**
 * The directory of the states: created on demand, and synced when it has new names.
 *
 * Errors: every call throws with the action and the directory's name, and may be repeated.
 * Thread: disk.
 */

import { fileError } from '../files/file-error.ts';
import type { QueueContext } from '../queue-context.ts';

export class StateDirectory {
  readonly path: string;
  readonly #source: QueueContext;
  #hasNewNames: boolean;
  /** Whether its own name may not be durable. */
  #isNew = true;

  constructor(source: QueueContext, hasNewNames: boolean) {
    this.#source = source;
    this.path = source.files.sidecarDirectory;
    this.#hasNewNames = hasNewNames;
  }

  /** A file was created or renamed in it. */
  onNewName(): void {
    this.#hasNewNames = true;
  }

  /** Creates it, if it is missing. */
  make(): void {
    try {
      this.#source.fileSystem.makeDirectory(this.path);
    } catch (cause) {
      throw fileError('create directory', this.path, cause);
    }
  }

  /** Makes its names durable. */
  sync(): void {
    if (!this.#hasNewNames) return;
    this.#sync(this.path);
    if (this.#isNew) this.#sync(this.#source.dataPath);
    this.#isNew = false;
    this.#hasNewNames = false;
  }

  #sync(path: string): void {
    try {
      this.#source.fileSystem.syncDirectory(path);
    } catch (cause) {
      throw fileError('sync directory', path, cause);
    }
  }
}
