/**
 * Work on main that grows with its input, cut into slices, so that main does other things in between.
 *
 * The first slice of each work runs at once: most work has no second. What is left runs one work after the other, a
 * slice in each pass of the event loop, so that no more than one holds what it makes.
 *
 * Bound: one work for each request; who adds it bounds what it holds.
 *
 * Thread: main.
 */

/** What is to be done with one work, which yields at the end of each slice. Only `onDone` may throw. */
interface SliceListener<T> {
  /** The work has more than one slice, and goes on later. */
  onPostponed(): void;
  onDone(result: T): void;
  onFailed(error: unknown): void;
}

export class SlicedWork {
  /** Each runs its next slice, and returns whether it is done. */
  readonly #waiting: (() => boolean)[] = [];
  /** Calls back in a later pass of the event loop. */
  readonly #later: (callback: () => void) => void;

  constructor(later: (callback: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** Runs the first slice at once, and the others later. */
  add<T>(work: Iterator<void, T>, listener: SliceListener<T>): void {
    const runSlice = (): boolean => {
      try {
        const step = work.next();
        if (step.done !== true) return false;
        listener.onDone(step.value);
      } catch (error) {
        listener.onFailed(error);
      }
      return true;
    };
    if (runSlice()) return;
    listener.onPostponed();
    this.#waiting.push(runSlice);
    if (this.#waiting.length === 1) this.#later(() => this.#runNext());
  }

  #runNext(): void {
    if (this.#waiting[0]()) this.#waiting.shift();
    if (this.#waiting.length > 0) this.#later(() => this.#runNext());
  }
}
