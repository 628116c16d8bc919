/**
 * Limits each connection's share of main's turn, so that clients that flood leave time for others.
 *
 * A turn has a budget. Costs are estimates, so nothing is left of it either when the turn has taken TURN_MS. A
 * connection with input gets a quota of the remaining budget, or a small one when nothing is left: enough for every
 * client that does not flood. A connection that has spent its quota is throttled and not read. Throttled connections
 * continue in the following turns, in order, as many as the budget of a turn allows.
 *
 * Bound: TURN_COST or TURN_MS, plus the minimum quota of each connection with input, plus for each of them the cost of
 * one command or one read.
 *
 * Units: costs, of which one is about 0.1 µs. Thread: main.
 */

/** The cost of a FIN, which is recognized without splitting a line; and of any other line. */
export const FINISH_COST = 1;
export const LINE_COST = 8;
/** The cost of a refused command, on the pump and on main. */
export const REFUSAL_COST = 32;
/** The number of read bytes that cost one. */
export const BYTES_PER_COST = 256;

/** A publish over HTTP on the fast lane, without its body. */
export const REQUEST_COST = 12;

/** The time of one turn, which is twice what its budget takes on a free core. */
const TURN_MS = 4;
/** The budget of one turn: 2048 lines, 16,384 FINs or 4 MiB, which take about 2 ms, and ten times as long when cold. */
const TURN_COST = 16 * 1024;
/** A connection's quota. Enough for a consumer that finishes all messages of nsqd's default RDY limit at once. */
const QUOTA_COST = 4 * 1024;
/** The quota when the budget is spent: 32 lines, or a first read. */
const QUOTA_COST_MIN = 256;
/** The cost reserved for a connection that continues, because a read of 256 KiB may be pending. */
const READ_COST = 1024;

/** A throttled connection. */
interface ThrottledClient {
  /** Lets it continue. Called once for each `throttle`. */
  release(): void;
}

export class TurnBudget {
  /** Counts turns; a quota is for one of them. */
  turn = 0;

  /** Requests a `nextTurn`. */
  readonly #requestTurn: () => void;
  readonly #monotonicMs: () => number;
  #left = TURN_COST;
  /** When the time of this turn is over; 0 while nothing has been spent in it. */
  #endMs = 0;
  /** In the order in which they spent their quotas. */
  #throttled: ThrottledClient[] = [];

  /** Units: `monotonicMs` in ms. */
  constructor(requestTurn: () => void, monotonicMs: () => number) {
    this.#requestTurn = requestTurn;
    this.#monotonicMs = monotonicMs;
  }

  /** The quota for a connection now. */
  quota(): number {
    return this.#isOver()
      ? QUOTA_COST_MIN
      : Math.max(QUOTA_COST_MIN, Math.min(QUOTA_COST, this.#left));
  }

  spend(cost: number): void {
    this.#left -= cost;
  }

  /** Releases the connection in one of the next turns. */
  throttle(client: ThrottledClient): void {
    this.#throttled.push(client);
    this.#requestTurn();
  }

  /** Ends a turn. Releases throttled connections, as many as the next budget allows. */
  nextTurn(): void {
    this.turn = (this.turn + 1) >>> 0;
    this.#left = TURN_COST;
    this.#endMs = 0;
    const throttled = this.#throttled;
    if (throttled.length === 0) return;
    this.#throttled = [];
    let count = 0;
    while (count < throttled.length && this.#left > 0 && !this.#isOver()) {
      this.#left -= READ_COST;
      throttled[count++].release();
    }
    // The remaining ones come before those that are throttled again.
    this.#throttled = [...throttled.slice(count), ...this.#throttled];
    if (this.#throttled.length > 0) this.#requestTurn();
  }

  /** Whether the time of this turn is over, which begins when this is called first. */
  #isOver(): boolean {
    const nowMs = this.#monotonicMs();
    if (this.#endMs === 0) this.#endMs = nowMs + TURN_MS;
    return nowMs >= this.#endMs;
  }
}

/** Handles a client's commands, as far as its allowance permits. */
interface Taker {
  /** The remaining allowance, from which it deducts its cost. */
  allowance: number;
}

/**
 * One client's quota of main's turn: it gives the client's parser an allowance, reports the spent cost to the
 * `TurnBudget`, and throttles the client when the quota is spent.
 *
 * Cost beyond the quota, and the cost of refusals, is deducted from the next quota.
 *
 * Units: costs, as in `TurnBudget`.
 */
export class ClientQuota {
  readonly #budget: TurnBudget;
  readonly #taker: Taker;
  readonly #onReleased: () => void;
  /** Whether the client handles nothing until it is released. */
  #isThrottled = false;
  /** The turn of the quota; -1 for none. */
  #turn = -1;
  /** The allowance at the last report. */
  #reportedAllowance = 0;
  /** The cost of refusals since the quota was renewed. */
  #debt = 0;

  /** `onReleased` is called each time a throttled client may continue. */
  constructor(budget: TurnBudget, taker: Taker, onReleased: () => void) {
    this.#budget = budget;
    this.#taker = taker;
    this.#onReleased = onReleased;
  }

  get isThrottled(): boolean {
    return this.#isThrottled;
  }

  get isSpent(): boolean {
    return this.#taker.allowance <= 0;
  }

  /** Takes a new quota, once per turn. Call it before anything is spent. */
  renew(): void {
    const { turn } = this.#budget;
    if (this.#isThrottled || this.#turn === turn) return;
    this.#turn = turn;
    const allowance = Math.min(0, this.#taker.allowance) + this.#budget.quota() - this.#debt;
    this.#taker.allowance = allowance;
    this.#reportedAllowance = allowance;
    this.#debt = 0;
  }

  /** Reports the cost since the last report. */
  report(): void {
    const { allowance } = this.#taker;
    this.#budget.spend(this.#reportedAllowance - allowance);
    this.#reportedAllowance = allowance;
  }

  /** A command was refused. */
  chargeRefusal(): void {
    this.#debt += REFUSAL_COST;
    this.#budget.spend(REFUSAL_COST);
  }

  /** Throttles the client until one of the next turns, if it is not throttled already. */
  throttle(): void {
    if (this.#isThrottled) return;
    this.#isThrottled = true;
    this.#budget.throttle(this);
  }

  /** The client continues. */
  release(): void {
    this.#isThrottled = false;
    this.#onReleased();
  }
}
