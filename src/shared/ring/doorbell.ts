/**
 * A thread's doorbell: the thread waits on it, and other threads ring it after they publish something.
 *
 * To sleep: read `rings`, look for work; if there is none, `fallAsleep`, look once more, then `wait` with the
 * count read first. A ring between the look and the wait changes the count, so the wait returns at once.
 * Ringing costs one load while the owner is awake, and a wake-up (4 to 9 µs) only when it sleeps.
 *
 * An owner that `doze`s instead looks again soon by itself, so what can wait that long only calls `nudge`, which
 * wakes nobody then.
 *
 * Thread: `ring` and `nudge` any; everything else its owner.
 */

/** Index of the count of rings: anyone may add to it, the owner waits on it. */
const BELL_WORD = 0;
/** Index of the sleeping flag, 128 bytes from the count. Written by the owner only. */
const SLEEPING_WORD = 32;
const DOORBELL_BYTES = 256;

/** Allocates the memory of a doorbell. */
export function allocateDoorbell(): SharedArrayBuffer {
  return new SharedArrayBuffer(DOORBELL_BYTES);
}

/** Values of the sleeping flag. */
const AWAKE = 0;
const ASLEEP = 1;
const DOZING = 2;

export class Doorbell {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Wakes the owner if it sleeps. Called after `publish` or `release`. */
  ring(): void {
    // Ordered after the caller's store: either the owner's second look sees that store, or this sees its flag.
    if (Atomics.load(this.#words, SLEEPING_WORD) === AWAKE) return;
    this.#wake();
  }

  /** Wakes the owner if it sleeps and does not look again by itself soon. Called after `publish`. */
  nudge(): void {
    // As in `ring`: the second look of an owner that falls asleep sees the caller's store, or this sees its flag.
    if (Atomics.load(this.#words, SLEEPING_WORD) === ASLEEP) this.#wake();
  }

  /** How often the bell was rung; to be read before looking for work. */
  rings(): number {
    // Sees every ring so far; a later one makes `wait` return at once.
    return Atomics.load(this.#words, BELL_WORD);
  }

  /** Announces that the owner is about to wait. */
  fallAsleep(): void {
    // Visible to every later publish; ordered before the owner's second look.
    Atomics.store(this.#words, SLEEPING_WORD, ASLEEP);
  }

  /** Announces that the owner is about to wait for a short time, after which it looks for work in any case. */
  doze(): void {
    // As in `fallAsleep`; a caller that only nudges does not wake the owner.
    Atomics.store(this.#words, SLEEPING_WORD, DOZING);
  }

  /** Announces that the owner looks for work without being rung. */
  wakeUp(): void {
    // From here on a ring is unnecessary and costs only a load.
    Atomics.store(this.#words, SLEEPING_WORD, AWAKE);
  }

  /**
   * Blocks until the bell is rung or the time is over.
   *
   * Units: `timeoutMs` in ms, fractions allowed. Thread: workers only.
   */
  wait(rings: number, timeoutMs: number): void {
    // Returns at once if the bell was rung since `rings` was read.
    Atomics.wait(this.#words, BELL_WORD, rings, timeoutMs);
  }

  /**
   * Resolves when the bell is rung. The wait cannot be cancelled: have one at a time, and end it by ringing. The owner
   * bounds it with a timer that rings.
   * Thread: main and stream.
   */
  async waitAsync(rings: number): Promise<void> {
    // Resolves at once if the bell was rung since `rings` was read.
    await Atomics.waitAsync(this.#words, BELL_WORD, rings).value;
  }

  #wake(): void {
    // Changes the count that a wait compares; several threads may do this at once.
    Atomics.add(this.#words, BELL_WORD, 1);
    // Wakes the owner, which is the only one that ever waits here.
    Atomics.notify(this.#words, BELL_WORD);
  }
}
