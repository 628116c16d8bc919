/**
 * Everything that was published, and the broker's answers.
 *
 * Units: times in ms of the wall clock.
 */

/** One message. */
export type Publication = {
  readonly number: number;
  readonly topic: string;
  readonly size: number;
  /** Before this time it must not come; 0 for none. */
  readonly dueMs: number;
  /** Kills before it was sent. */
  readonly kills: number;
  /** The broker has said OK. */
  isAcknowledged: boolean;
  /** It may be gone: a kill has met it where nothing promised that it would stay. */
  isExcused: boolean;
};

export class Publications {
  readonly #all: (Publication | undefined)[] = [];
  #acknowledged = 0;

  get acknowledgedCount(): number {
    return this.#acknowledged;
  }

  /** Numbers are those of bodies, each used once. */
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

  /** Nothing that was sent so far has to come any more, unless it comes. */
  excuseAll(): void {
    for (const publication of this.#all)
      if (publication !== undefined) publication.isExcused = true;
  }

  /** All that have to reach the channels of a topic, from a number on. */
  *required(topic: string, first: number): Iterable<Publication> {
    for (let number = first; number < this.#all.length; number++) {
      const publication = this.#all[number];
      if (publication?.topic !== topic) continue;
      if (publication.isAcknowledged && !publication.isExcused) yield publication;
    }
  }
}
