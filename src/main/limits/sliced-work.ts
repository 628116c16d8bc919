/**
 * Work on main that grows with its input, cut into slices, so that main does other work in between.
 *
 * The first slice of each task runs at once; most tasks have no second. The rest of them run one task after another,
 * one slice in each pass of the event loop, so that at most one holds its result.
 *
 * Bound: one task for each request; the caller bounds its memory.
 *
 * Thread: main.
 */

/** The listener of a task, which yields at the end of each slice. Only `onDone` may throw. */
interface SliceListener<T> {
  /** The task has more than one slice and continues later. */
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
