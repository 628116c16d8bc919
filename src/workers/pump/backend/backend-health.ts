/**
 * Whether a disk queue is healthy: its last write, read and sync have succeeded.
 *
 * Thread: pump.
 */

/** The operations that can fail. */
export type HealthConcern = 'write' | 'read' | 'sync';

export class BackendHealth {
  readonly #onChange: (error: string | null) => void;
  readonly #errors: Record<HealthConcern, string | null> = { write: null, read: null, sync: null };
  #error: string | null = null;

  /** `onChange` gets the reason when the queue becomes unhealthy, and null when it recovers. */
  constructor(onChange: (error: string | null) => void) {
    this.#onChange = onChange;
  }

  /** Whether nothing has failed. */
  get isWell(): boolean {
    return this.#error === null;
  }

  set(concern: HealthConcern, error: string | null): void {
    this.#errors[concern] = error;
    this.#tell();
  }

  /** Clears all failures, because the queue no longer exists. */
  clear(): void {
    this.#errors.write = null;
    this.#errors.read = null;
    this.#errors.sync = null;
    this.#tell();
  }

  #tell(): void {
    const { write, read, sync } = this.#errors;
    const error = write ?? read ?? sync;
    if (error === this.#error) return;
    this.#error = error;
    this.#onChange(error);
  }
}
