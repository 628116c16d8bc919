/** Where several wait for each other, to begin together. */

export class Barrier {
  readonly #released = Promise.withResolvers<void>();
  #missing: number;

  /** `count`: how many are waited for. */
  constructor(count: number) {
    this.#missing = count;
  }

  /** Resolves when all have come. */
  arrive(): Promise<void> {
    this.#missing--;
    if (this.#missing === 0) this.release();
    return this.#released.promise;
  }

  /** Lets those go who wait, because somebody will not come. */
  release(): void {
    this.#released.resolve();
  }
}
