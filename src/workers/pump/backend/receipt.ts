/**
 * Waits until messages are written or on stable storage, across any number of queues and writes.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';

export class Receipt {
  /**
   * Whether a failed write is final: the messages are dropped and the publisher gets an error. Otherwise they were
   * accepted before, and the write is retried until it succeeds.
   */
  readonly isRefusable: boolean;
  /** Whether it waits for stable storage. */
  readonly isSynced: boolean;
  /** Why some of the messages are not on disk, or null. */
  error: string | null = null;

  readonly #onSettled: (receipt: Receipt) => void;
  /** Messages not yet written or refused; one more until `seal`. */
  #remaining = 1;

  constructor(isRefusable: boolean, onSettled: (receipt: Receipt) => void, isSynced = false) {
    this.isRefusable = isRefusable;
    this.isSynced = isSynced;
    this.#onSettled = onSettled;
  }

  /** More messages to wait for. */
  expect(count: number): void {
    this.#remaining += count;
  }

  /** Messages that were written, or refused with an error. */
  settle(count: number, error: string | null): void {
    if (error !== null) this.error = error;
    this.#remaining -= count;
    assert(this.#remaining >= 0, 'a receipt settles what was expected');
    if (this.#remaining === 0) this.#onSettled(this);
  }

  /** No more messages will be added. */
  seal(): void {
    this.settle(1, null);
  }
}
