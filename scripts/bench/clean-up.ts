/**
 * What has to be undone however the program ends: processes that run, directories that are there for a while.
 */

export class CleanUp {
  readonly #steps = new Set<() => void>();

  /** Has a step done at the end, unless the function that is returned was called before. */
  add(step: () => void): () => void {
    this.#steps.add(step);
    return () => this.#steps.delete(step);
  }

  /** Does it all, the last added first. */
  run(): void {
    const steps = [...this.#steps].reverse();
    this.#steps.clear();
    for (const step of steps) step();
  }
}
