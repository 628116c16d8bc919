/**
 * Handles messages of a topic or a channel that leave their queue undelivered: it drops them, or sends them to
 * another topic as dead letters. Counts both.
 *
 * Thread: pump.
 */

import type { QueuePolicy } from '../../shared/topic-policy.ts';
import type {
  DeadLetterSource,
  DeadLetters,
  Origin,
  Reason,
  SendingQueue,
} from './dead-letters.ts';

export class Undelivered implements DeadLetterSource {
  /** Messages by the reason why they were not delivered. */
  expiredCount = 0;
  exhaustedCount = 0;
  droppedCount = 0;
  /** Those that are in their dead letter topic, and those on their way there. */
  deadLetterCount = 0;
  leavingCount = 0;

  readonly origin: Origin;
  readonly #deadLetters: DeadLetters;
  #target = '';
  #isWrapped = false;

  constructor(origin: Origin, deadLetters: DeadLetters) {
    this.origin = origin;
    this.#deadLetters = deadLetters;
  }

  setPolicy({ deadLetter, deadLetterEnvelope }: QueuePolicy): void {
    this.#target = deadLetter;
    this.#isWrapped = deadLetterEnvelope === 'json';
  }

  /**
   * Takes over messages that were taken from a queue, with their references. `attempts`: how often they were sent; 0
   * means the attempts in their records.
   */
  discard(
    queue: SendingQueue,
    position: number,
    count: number,
    attempts: number,
    reason: Reason,
  ): void {
    this.#count(count, reason);
    if (this.#target === '') queue.drop(position, count);
    else {
      const letter = { target: this.#target, isWrapped: this.#isWrapped, reason };
      this.#deadLetters.send(this, queue, position, count, attempts, letter);
    }
  }

  #count(count: number, reason: Reason): void {
    if (reason === 'expired') this.expiredCount += count;
    else if (reason === 'attempts') this.exhaustedCount += count;
    else this.droppedCount += count;
  }
}
