/**
 * How much of main's turn a connection may take, so that clients that send without end leave time for the others.
 *
 * A turn has so much to give. A connection that has input gets a share of what is left, and a little when nothing
 * is: enough for every client that does not flood. Whoever has used up its share rests, which means that it reads
 * nothing more, and those that rest go on one after the other in the turns that follow, as many as a turn has
 * shares for.
 *
 * Bound: TURN_COST, the least share of each connection that has input, and for each of them what one command or one
 * read takes.
 *
 * Units: costs, of which one is about 0.1 µs. Thread: main.
 */

/** What a FIN costs, which is recognised without splitting a line; and any other line. */
export const FINISH_COST = 1;
export const LINE_COST = 8;
/** What the refusal of a command costs, as the pump's half and main's. */
export const REFUSAL_COST = 32;
/** So many bytes that were read cost one. */
export const BYTES_PER_COST = 256;

/** All shares of one turn: 2048 lines, 16,384 FINs or 4 MiB, which take some 2 ms, and ten times that when cold. */
const TURN_COST = 16 * 1024;
/** A connection's share. A consumer that finishes at once all that RDY lets it have by default needs no more. */
const SHARE_COST = 4 * 1024;
/** What is left when a turn has no more to give: 32 lines, or a first read. */
const LEAST_COST = 256;
/** What is set aside for a connection that goes on, because a read may be under way to it: 256 KiB. */
const READ_COST = 1024;

/** A connection, as far as it rests. */
interface RestingClient {
  /** It is its turn again: to be called once for each `rest`. */
  endRest(): void;
}

export class TurnShares {
  /** Counts turns; a share is for one of them. */
  turn = 0;

  /** Asks for a `nextTurn`. */
  readonly #requestTurn: () => void;
  #left = TURN_COST;
  /** In the order in which they have used up their shares. */
  #resting: RestingClient[] = [];

  constructor(requestTurn: () => void) {
    this.#requestTurn = requestTurn;
  }

  /** What a connection may take now. */
  share(): number {
    return Math.max(LEAST_COST, Math.min(SHARE_COST, this.#left));
  }

  /** So much has been taken. */
  use(cost: number): void {
    this.#left -= cost;
  }

  /** Has a connection go on in one of the next turns. */
  rest(client: RestingClient): void {
    this.#resting.push(client);
    this.#requestTurn();
  }

  /** A turn is over. Those that rest go on, as far as there is something for them. */
  nextTurn(): void {
    this.turn = (this.turn + 1) >>> 0;
    this.#left = TURN_COST;
    const resting = this.#resting;
    if (resting.length === 0) return;
    this.#resting = [];
    let count = 0;
    while (count < resting.length && this.#left > 0) {
      this.#left -= READ_COST;
      resting[count++].endRest();
    }
    // Those that are behind come before those that rest again.
    this.#resting = [...resting.slice(count), ...this.#resting];
    if (this.#resting.length > 0) this.#requestTurn();
  }
}
