/**
 * The unanswered messages of one connection, the least recently touched first.
 *
 * Bound: the connection's ready count. Thread: any.
 */

import type { Message } from './message.ts';

/** A message with a body of any type. */
export type AnyMessage = Message<unknown>;

/** The messages in flight on one connection. */
export class InFlightList {
  count = 0;
  #oldest: AnyMessage | null = null;
  #newest: AnyMessage | null = null;

  get oldest(): AnyMessage | null {
    return this.#oldest;
  }

  /** Adds a message that is in no list. */
  add(message: AnyMessage): void {
    this.count++;
    message.older = this.#newest;
    if (this.#newest === null) this.#oldest = message;
    else this.#newest.newer = message;
    this.#newest = message;
  }

  /** Removes a message that is in the list. */
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
