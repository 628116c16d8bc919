/**
 * Tells the pumps which of their appends have come to stable storage, each pump in the order of its appends.
 *
 * Bound: what a pump has no room for waits; the loop takes nothing more from that pump meanwhile.
 * Thread: disk.
 */

import type { CommitOutcome } from './journal/group-commit.ts';
import type { KnownQueue } from './known-queues.ts';
import type { PumpLink } from './pump-link.ts';

export class CommitAnswers {
  #untold: CommitOutcome<KnownQueue>[] = [];

  /** Whether a pump was not told of all. */
  isWaiting(link: PumpLink): boolean {
    return this.#untold.some(({ known }) => known.link === link);
  }

  /** Takes more outcomes, and tells as much as there is room for. */
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
