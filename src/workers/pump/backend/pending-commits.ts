/**
 * Completed writes of all queues of a link for which somebody waits until they are on stable storage, oldest first.
 *
 * Bound: that of messages on their way to the disk, since each write waits at most until the disk thread's next sync.
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { type AppendPart, settleParts } from './append-lane.ts';

export class PendingCommits {
  #writes: (readonly AppendPart[])[] = [];

  get count(): number {
    return this.#writes.length;
  }

  /** The parts of a write that was answered. */
  expect(parts: readonly AppendPart[]): void {
    this.#writes.push(parts);
  }

  /** The oldest writes are on stable storage, or with an error they are not. */
  onCommitted(count: number, error: string | null): void {
    assert(count <= this.#writes.length, 'what is committed was written');
    const done = this.#writes.splice(0, count);
    for (const parts of done) settleParts(parts, error);
  }
}
