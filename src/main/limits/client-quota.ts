/**
 * One client's quota of main's turn: gives its parser an allowance, reports to the `TurnBudget` what was spent, and
 * throttles the client when the quota is spent.
 *
 * What a client spends beyond its quota, and what refusals cost, is deducted from the next one.
 *
 * Units: costs, as in `TurnBudget`. Thread: main.
 */

import { REFUSAL_COST, type TurnBudget } from './turn-budget.ts';

/** What takes a client's commands, as far as its allowance goes. */
interface Taker {
  /** What it may still spend; it deducts what it spends. */
  allowance: number;
}

export class ClientQuota {
  readonly #budget: TurnBudget;
  readonly #taker: Taker;
  readonly #onReleased: () => void;
  /** The client takes nothing until it is released. */
  #isThrottled = false;
  /** The turn that the quota is for; -1 for none. */
  #turn = -1;
  /** The allowance at the last report. */
  #reportedAllowance = 0;
  /** What refusals have cost since the quota was renewed. */
  #debt = 0;

  /** `onReleased` is called each time the client may go on after it was throttled. */
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

  /** Takes a new quota, once in each turn. To be called before anything is spent. */
  renew(): void {
    const { turn } = this.#budget;
    if (this.#isThrottled || this.#turn === turn) return;
    this.#turn = turn;
    const allowance = Math.min(0, this.#taker.allowance) + this.#budget.quota() - this.#debt;
    this.#taker.allowance = allowance;
    this.#reportedAllowance = allowance;
    this.#debt = 0;
  }

  /** Reports what was spent since the last report. */
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

  /** Throttles the client until one of the next turns, unless it is throttled already. */
  throttle(): void {
    if (this.#isThrottled) return;
    this.#isThrottled = true;
    this.#budget.throttle(this);
  }

  /** The client goes on. */
  release(): void {
    this.#isThrottled = false;
    this.#onReleased();
  }
}
