/**
 * Answers that a pump gets later than others: that a queue is closed, and that appends are on stable storage. They wait
 * for a sync that serves several, and for room in the pump's ring.
 *
 * Thread: disk.
 */

import { CLOSED } from '../disk-records.ts';
import { errorWithCauses } from './files/file-error.ts';
import { runTogether, type Steps } from './in-steps.ts';
import type { CommitOutcome } from './journal/group-commit.ts';
import type { KnownQueue } from './known-queues.ts';
import type { PumpLink } from './pump-link.ts';

/** A queue that is closed, or that could not be closed and is still open. */
interface Outcome {
  readonly known: KnownQueue;
  readonly error: string | undefined;
}

/** The steps of closing a queue that its thread takes. */
interface ClosingQueuesOwner {
  /** Whether everything that must be answered before was answered. */
  mayAnswer(link: PumpLink): boolean;
  /** The queue is closed, and durable. */
  onClosed(known: KnownQueue): void;
  /** Closed queues are about to be answered. */
  onAnswered(known: KnownQueue): void;
  onStillOpen(known: KnownQueue): void;
}

/** More would share more, but each takes a few milliseconds, and a turn must not look like a disk that hangs. */
const CLOSES_PER_TURN = 16;
/** After this time a queue is closed without the states that cannot be written. Units: ms. */
const STATES_PATIENCE_MS = 20_000;

/**
 * Queues to close. Several are closed together, so that they share the syncs of the directory, and each is answered
 * when its ring has room. By then none of their appends waits for a commit.
 *
 * Bound: one entry for each queue of the thread.
 */
export class ClosingQueues {
  readonly #owner: ClosingQueuesOwner;
  #waiting: KnownQueue[] = [];
  #outcomes: Outcome[] = [];
  /** How many queues of each link are not answered. */
  readonly #counts = new Map<PumpLink, number>();

  constructor(owner: ClosingQueuesOwner) {
    this.#owner = owner;
  }

  add(known: KnownQueue): void {
    this.#waiting.push(known);
    this.#count(known.link, 1);
  }

  /** Whether queues of this link are being closed: its other requests must wait, so that answers keep their order. */
  isClosing(link: PumpLink): boolean {
    return this.#counts.size > 0 && this.#counts.has(link);
  }

  /** Closes some and answers those that have room. Returns how many it has closed or tried to close. */
  step(nowMs: number): number {
    const count = this.#close(nowMs);
    this.#outcomes = this.#outcomes.filter((outcome) => !this.#answer(outcome));
    return count;
  }

  #close(nowMs: number): number {
    if (this.#waiting.length === 0) return 0;
    const due = this.#waiting.slice(0, CLOSES_PER_TURN);
    this.#waiting = this.#waiting.slice(due.length);
    const errors = runTogether(due.map((known) => closeSteps(known, nowMs)));
    for (const [index, known] of due.entries()) {
      const error = errors[index];
      if (error === undefined) this.#owner.onClosed(known);
      this.#outcomes.push({
        known,
        error: error === undefined ? undefined : errorWithCauses(error),
      });
    }
    return due.length;
  }

  /** Returns whether there was room. */
  #answer({ known, error }: Outcome): boolean {
    const { link, number } = known;
    if (!this.#owner.mayAnswer(link) || !link.claimAnswer()) return false;
    if (error === undefined) this.#owner.onAnswered(known);
    link.answer(CLOSED, number, known.queue, error);
    if (error !== undefined) this.#owner.onStillOpen(known);
    this.#count(link, -1);
    return true;
  }

  #count(link: PumpLink, difference: number): void {
    const count = (this.#counts.get(link) ?? 0) + difference;
    if (count === 0) this.#counts.delete(link);
    else this.#counts.set(link, count);
  }
}

function* closeSteps(known: KnownQueue, nowMs: number): Steps {
  known.closingSinceMs ??= nowMs;
  const isLate = nowMs - known.closingSinceMs >= STATES_PATIENCE_MS;
  if (known.queue !== undefined) yield* known.queue.closeSteps(isLate ? 'optional' : 'required');
}

/**
 * Reports to the pumps which of their appends are on stable storage, to each pump in the order of its appends.
 *
 * Bound: reports without room in a pump's ring wait, and the loop takes no requests from that pump meanwhile.
 */
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
