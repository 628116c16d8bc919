/**
 * Clean-up steps that run however the program ends: for running processes and temporary directories.
 */

export class CleanUp {
  readonly #steps = new Set<() => void>();

  /** Adds a step that runs at the end, unless the returned function was called before. */
  add(step: () => void): () => void {
    this.#steps.add(step);
    return () => this.#steps.delete(step);
  }

  /** Runs all steps, the last added first. */
  run(): void {
    const steps = [...this.#steps].reverse();
    this.#steps.clear();
    for (const step of steps) step();
  }
}
