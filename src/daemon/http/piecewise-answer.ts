/**
 * A large answer on its way to a client that may not take it.
 *
 * Bound: the pieces are shared by all who are sent the same; of its own it has nothing but its place among them. Of all
 * answers together, PIECES_PER_TURN are sent in each turn of main's.
 *
 * Thread: main.
 */

import type { ServerResponse } from 'node:http';
import { socketAddress } from '../remote-host.ts';

/** A MiB in pieces of 64 KiB takes a millisecond or two. */
const PIECES_PER_TURN = 16;

/** Leaves time for others between the pieces of many answers. */
class SendingTurns {
  /** Those that can send their next piece, in the order in which they could. */
  #waiting: PiecewiseAnswer[] = [];

  add(answer: PiecewiseAnswer): void {
    this.#waiting.push(answer);
    if (this.#waiting.length === 1) setImmediate(() => this.#send());
  }

  #send(): void {
    const ready = this.#waiting;
    this.#waiting = ready.slice(PIECES_PER_TURN);
    if (this.#waiting.length > 0) setImmediate(() => this.#send());
    for (const answer of ready.slice(0, PIECES_PER_TURN)) answer.sendNext();
  }
}

/** All answers share main's turns. */
const turns = new SendingTurns();

export class PiecewiseAnswer {
  /** Pieces that the system has taken. */
  takenCount = 0;

  readonly #response: ServerResponse;
  readonly #pieces: readonly Buffer[];

  /** Begins to send; the head is written already. */
  constructor(response: ServerResponse, pieces: readonly Buffer[]) {
    this.#response = response;
    this.#pieces = pieces;
    turns.add(this);
  }

  /** Sends its next piece; called when it has its turn. */
  sendNext(): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (this.takenCount === this.#pieces.length) {
      response.end();
      return;
    }
    response.write(this.#pieces[this.takenCount], (error) => {
      if (error) return;
      this.takenCount++;
      turns.add(this);
    });
  }

  /** Cuts it off, with its connection. */
  abort(): void {
    this.#response.destroy();
  }

  toString(): string {
    const { socket } = this.#response;
    return socket === null ? 'HTTP client' : `HTTP client ${socketAddress(socket)}`;
  }
}
