/**
 * Reports to the pumps which of their appends are on stable storage, to each pump in the order of its appends.
 *
 * Bound: reports without room in a pump's ring wait, and the loop takes no requests from that pump meanwhile.
 * Thread: disk.
 */

import type { CommitOutcome } from './journal/group-commit.ts';
import type { KnownQueue } from './known-queues.ts';
import type { PumpLink } from './pump-link.ts';

export class CommitAnswers {
  #untold: CommitOutcome<KnownQueue>[] = [];

  /** Whether reports to a pump are waiting. */
  isWaiting(link: PumpLink): boolean {
    return this.#untold.some(({ known }) => known.link === link);
  }

  /** Adds outcomes, and reports as many as there is room for. */
  tell(outcomes: readonly CommitOutcome<KnownQueue>[]): void {
    if (outcomes.length === 0 && this.#untold.length === 0) return;
    const byLink = Map.groupBy([...this.#untold, ...outcomes], ({ known }) => known.link);
    this.#untold = [];
    for (const [link, own] of byLink) {
      let first = 0;
      while (first < own.length && link.claimAnswer()) {
        const { error } = own[first];
        let count = 0;
        while (first < own.length && own[first].error === error) count += own[first++].count;
        link.answerCommitted(count, error);
      }
      this.#untold.push(...own.slice(first));
    }
  }
}
