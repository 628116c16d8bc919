/**
 * Work that grows with what a client has sent, in slices: one in each turn of the event loop, so that nobody else waits
 * for longer than a slice takes. What fits the first slice is done at once.
 *
 * Thread: main.
 */

/** Does the work, slice by slice: each `yield` ends one. `onError` gets what the work or `onDone` throws. */
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

/** Does the work at once, for callers that keep nobody waiting. */
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
