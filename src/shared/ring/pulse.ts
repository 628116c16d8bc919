/**
 * Shows another thread whether a loop is in a turn, and whether it is still the same turn. It is the only sign of a
 * file call that hangs, since such a call neither returns nor fails.
 *
 * Shape: one word, a count that goes up by 1 when a turn begins and when it ends, and by 2 with each file call. So it
 * is odd within a turn. It wraps.
 * Thread: `begin`, `beat` and `end` the loop's thread, which alone writes the word; `count` any.
 */

/** Allocates the memory of a pulse. */
export function allocatePulse(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

export class Pulse {
  readonly #word: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#word = new Int32Array(memory);
  }

  /** A turn begins. */
  begin(): void {
    // Publishes no other memory: readers only check whether it changes.
    Atomics.add(this.#word, 0, 1);
  }

  /** The turn begins another file call: a long turn with many calls is not a call that hangs. */
  beat(): void {
    // As in `begin`.
    Atomics.add(this.#word, 0, 2);
  }

  /** A turn ends. */
  end(): void {
    // As in `begin`.
    Atomics.add(this.#word, 0, 1);
  }

  /** Changes whenever the loop does something. */
  count(): number {
    // Sees the latest count of the loop's thread.
    return Atomics.load(this.#word, 0);
  }
}
