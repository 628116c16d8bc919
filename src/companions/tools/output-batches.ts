/**
 * Writes to standard output. Pieces that are added during a write are written together after it.
 *
 * Bound: what its caller adds before earlier writes have resolved. Thread: main.
 */

/** Bytes that wait for a write. */
type Batch = { readonly pieces: Buffer[]; readonly written: PromiseWithResolvers<void> };

export class OutputBatches {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #waiting: Batch | null = null;
  #isWriting = false;

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** `push` adds pieces to the waiting ones. Resolves when they are written. */
  add(push: (pieces: Buffer[]) => unknown): Promise<void> {
    this.#waiting ??= { pieces: [], written: Promise.withResolvers() };
    const { pieces, written } = this.#waiting;
    push(pieces);
    if (!this.#isWriting) {
      this.#isWriting = true;
      // Pieces of the same turn are written together.
      setImmediate(() => void this.#writeAll());
    }
    return written.promise;
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const batch = this.#waiting;
      if (batch === null) break;
      this.#waiting = null;
      await this.#write(Buffer.concat(batch.pieces));
      batch.written.resolve();
    }
    this.#isWriting = false;
  }
}
