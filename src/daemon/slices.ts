/**
 * Runs work whose size a client controls in slices, one per turn of the event loop, so that other clients wait no
 * longer than a slice. Work that fits the first slice is done at once.
 *
 * Thread: main.
 */

/** Runs the work slice by slice; each `yield` ends a slice. `onError` gets exceptions of the work and of `onDone`. */
export function inSlices<T>(
  work: Iterator<void, T>,
  onDone: (result: T) => void,
  onError: (error: unknown) => void,
): void {
  const step = (): void => {
    try {
      const slice = work.next();
      if (slice.done === true) onDone(slice.value);
      else setImmediate(step);
    } catch (error) {
      onError(error);
    }
  };
  step();
}

/** As `inSlices`: resolves to the result, or rejects with an exception of the work. */
export function resultInSlices<T>(work: Iterator<void, T>): Promise<T> {
  return new Promise((resolve, reject) => inSlices(work, resolve, reject));
}

/** Runs the work synchronously, for callers that delay no one. */
export function atOnce<T>(work: Iterator<void, T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done === true) return slice.value;
  }
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
