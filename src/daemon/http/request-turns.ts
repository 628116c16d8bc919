/**
 * Divides the turns of the event loop among the connections of an HTTP server. Each connection handles one request in
 * a turn; the next one that it has pipelined waits for a later turn, and so does a request of another connection when
 * the turn has had many. Otherwise a client that pipelines, or a great many clients, would delay all others.
 *
 * Bound: BEGUN_PER_TURN requests in a turn; `TurnQueue` bounds how many of them may have waited.
 * Thread: main.
 */

import { type Later, TurnQueue } from '../turn-queue.ts';

/** A request that creates a topic or channel takes 0.15 ms; most take a fifth of that. */
const BEGUN_PER_TURN = 32;

export class RequestTurns {
  readonly #queue: TurnQueue;
  #turn = 0;
  /** Requests that were begun in this turn. */
  #begun = 0;

  /** `later` calls back in the next turn of the event loop. */
  constructor(later: Later = setImmediate) {
    this.#queue = new TurnQueue(() => {
      this.#turn++;
      this.#begun = 0;
    }, later);
  }

  /** The number of the current turn. */
  current(): number {
    this.#queue.use();
    return this.#turn;
  }

  /** Whether another request may begin in this turn. */
  get hasRoom(): boolean {
    return this.#begun < BEGUN_PER_TURN;
  }

  /** A request begins. */
  begin(): void {
    this.#begun++;
    this.#queue.use();
  }

  /** Calls back in a later turn. */
  wait(resume: () => void): void {
    this.#queue.wait(resume);
  }
}
