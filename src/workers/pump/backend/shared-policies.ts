/**
 * Policies on their way to the store that brokers share, so that they take effect at every broker.
 *
 * Bound: one request for each pending change of main.
 * Thread: pump.
 */

import type { SharedPolicy } from '../../../shared/control.ts';
import type { RingReader } from '../../../shared/ring/ring.ts';
import { ANSWER_WORDS } from '../../disk-records.ts';
import { answerError } from './disk-answers.ts';
import type { DiskLink, LinkedQueue } from './disk-link.ts';
import { StreamRequests } from './stream-requests.ts';

type Share = {
  readonly policy: SharedPolicy;
  readonly done: (error: string | null) => void;
};

export class SharedPolicies implements LinkedQueue {
  readonly #link: DiskLink;
  readonly #requests: StreamRequests;
  /** In order; the first ones are sent. */
  readonly #shares: Share[] = [];
  #unsentCount = 0;
  #isDue = false;

  constructor(link: DiskLink) {
    this.#link = link;
    this.#requests = new StreamRequests(link.requests, link.add(this));
  }

  /** Calls back with null when the store has it, or with the reason why it does not. */
  share(policy: SharedPolicy, done: (error: string | null) => void): void {
    this.#shares.push({ policy, done });
    this.#unsentCount++;
    if (this.#isDue) return;
    this.#isDue = true;
    this.#link.setDue(this);
  }

  flush(): boolean {
    this.#isDue = false;
    for (; this.#unsentCount > 0; this.#unsentCount--) {
      const { policy } = this.#shares[this.#shares.length - this.#unsentCount];
      if (!this.#requests.share(policy)) {
        this.#isDue = true;
        return false;
      }
    }
    return true;
  }

  onAnswer(_type: number, answers: RingReader): void {
    this.#shares.shift()?.done(answerError(answers, ANSWER_WORDS));
  }
}
