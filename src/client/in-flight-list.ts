/**
 * The messages of one connection that are not yet answered, the one that was touched longest ago first.
 *
 * Bound: the connection's ready count. Thread: any.
 */

import type { Message } from './message.ts';

/** A message, whatever its body is. */
export type AnyMessage = Message<unknown>;

/** The messages in flight on one connection. */
export class InFlightList {
  count = 0;
  #oldest: AnyMessage | null = null;
  #newest: AnyMessage | null = null;

  get oldest(): AnyMessage | null {
    return this.#oldest;
  }

  /** Takes a message that is in no list. */
  add(message: AnyMessage): void {
    this.count++;
    message.older = this.#newest;
    if (this.#newest === null) this.#oldest = message;
    else this.#newest.newer = message;
    this.#newest = message;
  }

  /** Gives up a message that is in the list. */
  remove(message: AnyMessage): void {
    this.count--;
    const { older, newer } = message;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    message.older = null;
    message.newer = null;
  }
}
