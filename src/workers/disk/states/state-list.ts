/**
 * States of records of one segment that are written together, in the order of their positions.
 *
 * Units: positions in bytes.
 * Thread: disk.
 */

import { STATE_FINISHED, STATE_UNACKED, writeSlot } from './state-slots.ts';

export class StateList {
  readonly positions: number[] = [];
  readonly #states: number[] = [];
  readonly #attempts: number[] = [];
  readonly #dueMs: number[] = [];
  readonly #checksums: number[] = [];

  addUnacked(position: number, attempts: number, dueMs: number, checksum: number): void {
    this.#add(position, STATE_UNACKED, attempts, dueMs, checksum);
  }

  addFinished(position: number, checksum: number): void {
    this.#add(position, STATE_FINISHED, 0, 0, checksum);
  }

  /** Writes the state with this index to the slot at `at`. */
  write(index: number, bytes: Buffer, at: number): void {
    writeSlot(
      bytes,
      at,
      this.#states[index],
      this.#attempts[index],
      this.#dueMs[index],
      this.#checksums[index],
    );
  }

  /** Returns itself. */
  clear(): this {
    this.positions.length = 0;
    this.#states.length = 0;
    this.#attempts.length = 0;
    this.#dueMs.length = 0;
    this.#checksums.length = 0;
    return this;
  }

  #add(position: number, state: number, attempts: number, dueMs: number, checksum: number): void {
    this.positions.push(position);
    this.#states.push(state);
    this.#attempts.push(attempts);
    this.#dueMs.push(dueMs);
    this.#checksums.push(checksum);
  }
}
