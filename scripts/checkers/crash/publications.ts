/**
 * All published messages, and the broker's answers.
 *
 * Units: times in ms of the wall clock.
 */

/** One message. */
export type Publication = {
  readonly number: number;
  readonly topic: string;
  readonly size: number;
  /** It must not be delivered before this time; 0 for none. */
  readonly dueMs: number;
  /** Kills before it was sent. */
  readonly kills: number;
  /** The broker has answered OK. */
  isAcknowledged: boolean;
  /** It may be lost: there was a kill when no guarantee applied to it. */
  isExcused: boolean;
};

export class Publications {
  readonly #all: (Publication | undefined)[] = [];
  #acknowledged = 0;

  get acknowledgedCount(): number {
    return this.#acknowledged;
  }

  /** Messages by the numbers of their bodies, each of which is used once. */
  send(publication: Omit<Publication, 'isAcknowledged' | 'isExcused'>): void {
    this.#all[publication.number] = { ...publication, isAcknowledged: false, isExcused: false };
  }

  acknowledge(numbers: readonly number[]): void {
    for (const number of numbers) {
      const publication = this.#all[number];
      if (publication === undefined) continue;
      publication.isAcknowledged = true;
      this.#acknowledged++;
    }
  }

  get(number: number): Publication | undefined {
    return this.#all[number];
  }

  /** No message that was sent so far must be delivered any more, but each may be. */
  excuseAll(): void {
    for (const publication of this.#all)
      if (publication !== undefined) publication.isExcused = true;
  }

  /** All messages that must reach the channels of a topic, from a number on. */
  *required(topic: string, first: number): Iterable<Publication> {
    for (let number = first; number < this.#all.length; number++) {
      const publication = this.#all[number];
      if (publication?.topic !== topic) continue;
      if (publication.isAcknowledged && !publication.isExcused) yield publication;
    }
  }
}
