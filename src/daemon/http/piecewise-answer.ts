/**
 * A large answer on its way to a client that may read slowly.
 *
 * Bound: all recipients share the pieces; an answer of its own holds only a position. All answers together send at
 * most PIECES_PER_TURN in one turn of main.
 *
 * Thread: main.
 */

import type { ServerResponse } from 'node:http';
import { socketAddress } from '../remote-host.ts';

/** One MiB in pieces of 64 KiB takes one or two milliseconds. */
const PIECES_PER_TURN = 16;

/** Spreads the pieces of many answers over main's turns. */
class SendingTurns {
  /** Answers that can send their next piece, in the order in which they became ready. */
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

/** Shared by all answers. */
const turns = new SendingTurns();

export class PiecewiseAnswer {
  /** Pieces that the system has accepted. */
  takenCount = 0;

  readonly #response: ServerResponse;
  readonly #pieces: readonly Buffer[];

  /** Starts sending; the head is already written. */
  constructor(response: ServerResponse, pieces: readonly Buffer[]) {
    this.#response = response;
    this.#pieces = pieces;
    turns.add(this);
  }

  /** Sends the next piece. */
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

  /** Aborts the answer and its connection. */
  abort(): void {
    this.#response.destroy();
  }

  toString(): string {
    const { socket } = this.#response;
    return socket === null ? 'HTTP client' : `HTTP client ${socketAddress(socket)}`;
  }
}
