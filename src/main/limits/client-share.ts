/**
 * One client's share of main's turn: allows its parser so much of each, tells `TurnShares` what was taken, and rests
 * when the share is used up.
 *
 * What is taken beyond a share, and what refusals cost, goes off the next one.
 *
 * Units: costs, as in `TurnShares`. Thread: main.
 */

import { REFUSAL_COST, type TurnShares } from './turn-shares.ts';

/** What takes a client's commands, as far as its allowance goes. */
interface Taker {
  /** What it may still take; what it takes goes off. */
  allowance: number;
}

export class ClientShare {
  readonly #shares: TurnShares;
  readonly #taker: Taker;
  readonly #onRested: () => void;
  /** It takes nothing until it is its turn again. */
  #isResting = false;
  /** The turn that the share is of; -1 for none. */
  #turn = -1;
  /** The allowance when it was last told what had been taken. */
  #toldAllowance = 0;
  /** What refusals have cost since the share was taken. */
  #debt = 0;

  /** `onRested` is called at the end of each rest: the client goes on. */
  constructor(shares: TurnShares, taker: Taker, onRested: () => void) {
    this.#shares = shares;
    this.#taker = taker;
    this.#onRested = onRested;
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  get isUsedUp(): boolean {
    return this.#taker.allowance <= 0;
  }

  /** Takes a new share of main's turn, once in each. To be called before something is taken. */
  take(): void {
    const { turn } = this.#shares;
    if (this.#isResting || this.#turn === turn) return;
    this.#turn = turn;
    const allowance = Math.min(0, this.#taker.allowance) + this.#shares.share() - this.#debt;
    this.#taker.allowance = allowance;
    this.#toldAllowance = allowance;
    this.#debt = 0;
  }

  /** Tells the turn what has been taken since. */
  tell(): void {
    const { allowance } = this.#taker;
    this.#shares.use(this.#toldAllowance - allowance);
    this.#toldAllowance = allowance;
  }

  /** A command was refused. */
  chargeRefusal(): void {
    this.#debt += REFUSAL_COST;
    this.#shares.use(REFUSAL_COST);
  }

  /** Rests, if it does not yet, until one of the next turns. */
  rest(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    this.#shares.rest(this);
  }

  /** It is its turn again. */
  endRest(): void {
    this.#isResting = false;
    this.#onRested();
  }
}
