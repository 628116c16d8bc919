/**
 * One client's quota of main's turn: it gives the client's parser an allowance, reports the spent cost to the
 * `TurnBudget`, and throttles the client when the quota is spent.
 *
 * Cost beyond the quota, and the cost of refusals, is deducted from the next quota.
 *
 * Units: costs, as in `TurnBudget`. Thread: main.
 */

import { REFUSAL_COST, type TurnBudget } from './turn-budget.ts';

/** Handles a client's commands, as far as its allowance permits. */
interface Taker {
  /** The remaining allowance, from which it deducts its cost. */
  allowance: number;
}

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
