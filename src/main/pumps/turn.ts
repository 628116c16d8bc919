/**
 * The end of main's turn: work that is done once per pass of the event loop instead of once per command. Rings are
 * published and bells rung, deliveries read, sockets written.
 *
 * Thread: main.
 */

import type { Guard, Sender } from '../../daemon/guard.ts';

export class Turn {
  readonly #onEnd: () => void;
  #isRequested = false;

  /** `onEnd` is called at the end of every turn that requested it. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Requests the end of this turn, once. */
  request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    // Runs after all sockets of this pass of the event loop have been read.
    setImmediate(() => {
      this.#isRequested = false;
      this.#onEnd();
    });
  }
}

/** A client, over any interface, with output to write at the end of a turn. */
export interface PendingClient extends Sender {
  flush(): void;
}

/** The clients that have output in this turn, over all interfaces. */
export class TurnOutput {
  readonly #guard: Guard;
  readonly #requestTurn: () => void;
  #pending: PendingClient[] = [];

  /** `requestTurn` requests a `flush`. */
  constructor(guard: Guard, requestTurn: () => void) {
    this.#guard = guard;
    this.#requestTurn = requestTurn;
  }

  /** Writes the client's output at the end of this turn. Call it once until then. */
  add(client: PendingClient): void {
    this.#pending.push(client);
    this.#requestTurn();
  }

  /** Writes the turn's output to all clients. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    for (const client of pending) {
      try {
        client.flush();
      } catch (error) {
        this.#guard.end(client, error);
      }
    }
  }
}
