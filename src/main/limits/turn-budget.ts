/**
 * How much of main's turn each connection may spend, so that clients that send without end leave time for the others.
 *
 * A turn has a budget. A connection that has input gets a quota of what is left, and a small one when nothing is left:
 * enough for every client that does not flood. A connection that has spent its quota is throttled: nothing more is read
 * from it. The throttled ones go on in the turns that follow, in order, as many as the budget of a turn allows.
 *
 * Bound: TURN_COST, the least quota of each connection that has input, and for each of them what one command or one
 * read costs.
 *
 * Units: costs, of which one is about 0.1 µs. Thread: main.
 */

/** What a FIN costs, which is recognised without splitting a line; and any other line. */
export const FINISH_COST = 1;
export const LINE_COST = 8;
/** What the refusal of a command costs, as the pump's half and main's. */
export const REFUSAL_COST = 32;
/** This many bytes read cost one. */
export const BYTES_PER_COST = 256;

/** The budget of one turn: 2048 lines, 16,384 FINs or 4 MiB, which take some 2 ms, and ten times that when cold. */
const TURN_COST = 16 * 1024;
/** A connection's quota. A consumer that finishes at once all that RDY lets it have by default needs no more. */
const QUOTA_COST = 4 * 1024;
/** The quota when the budget is spent: 32 lines, or a first read. */
const QUOTA_COST_MIN = 256;
/** What is reserved for a connection that goes on, because a read may be under way to it: 256 KiB. */
const READ_COST = 1024;

/** A throttled connection. */
interface ThrottledClient {
  /** It goes on: called once for each `throttle`. */
  release(): void;
}

export class TurnBudget {
  /** Counts turns; a quota is for one of them. */
  turn = 0;

  /** Asks for a `nextTurn`. */
  readonly #requestTurn: () => void;
  #left = TURN_COST;
  /** In the order in which they have spent their quotas. */
  #throttled: ThrottledClient[] = [];

  constructor(requestTurn: () => void) {
    this.#requestTurn = requestTurn;
  }

  /** What a connection may spend now. */
  quota(): number {
    return Math.max(QUOTA_COST_MIN, Math.min(QUOTA_COST, this.#left));
  }

  spend(cost: number): void {
    this.#left -= cost;
  }

  /** Releases the connection in one of the next turns. */
  throttle(client: ThrottledClient): void {
    this.#throttled.push(client);
    this.#requestTurn();
  }

  /** A turn is over. Releases throttled connections, as many as the next budget allows. */
  nextTurn(): void {
    this.turn = (this.turn + 1) >>> 0;
    this.#left = TURN_COST;
    const throttled = this.#throttled;
    if (throttled.length === 0) return;
    this.#throttled = [];
    let count = 0;
    while (count < throttled.length && this.#left > 0) {
      this.#left -= READ_COST;
      throttled[count++].release();
    }
    // The ones that are left come before the ones that are throttled again.
    this.#throttled = [...throttled.slice(count), ...this.#throttled];
    if (this.#throttled.length > 0) this.#requestTurn();
  }
}
