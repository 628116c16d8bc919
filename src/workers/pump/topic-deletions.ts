/**
 * Deletes topics, each with its channels, in as many turns as that takes: a topic may have a hundred thousand channels,
 * and other topics are served in between.
 *
 * For publishers the topic is deleted at once. Its files are removed last, those of its channels before. Until then
 * nothing opens files of the same names, because `finish` is called before a topic of that name is created.
 *
 * Bound: DELETED_PER_TURN channels in one turn.
 * Thread: pump.
 */

import type { Channel } from './channel.ts';
import type { PumpState } from './pump-state.ts';
import type { Topic } from './topic.ts';

/** Some milliseconds' work. */
const DELETED_PER_TURN = 256;

type Done = (error: string | null) => void;

type Deletion = {
  readonly topic: Topic;
  readonly channels: Iterator<Channel>;
  readonly done: Done;
};

export class TopicDeletions {
  readonly #state: PumpState;
  #deletions: Deletion[] = [];

  constructor(state: PumpState) {
    this.#state = state;
  }

  /** Whether channels are still to be deleted. */
  get isPending(): boolean {
    return this.#deletions.length > 0;
  }

  /** Begins to delete a topic. `done` is called once, with null or the last error of all its queues. */
  add(topic: Topic, done: Done): void {
    topic.dropFanOut();
    this.#state.topics.delete(topic.number);
    // The remaining channels get no more messages.
    topic.isStarted = false;
    const all = allDone(topic.channels.size + 1, done);
    this.#deletions.push({ topic, channels: topic.channels.values(), done: all });
    if (this.#deletions.length === 1) this.step();
  }

  /** Deletes some channels. Returns how many. */
  step(): number {
    let count = 0;
    while (this.#deletions.length > 0 && count < DELETED_PER_TURN) {
      count += this.#delete(this.#deletions[0], DELETED_PER_TURN - count);
    }
    return count;
  }

  /** Completes the deletion of the topics of this name, or of all topics, at once. */
  finish(name?: string): void {
    for (const deletion of [...this.#deletions]) {
      if (name !== undefined && deletion.topic.name !== name) continue;
      this.#delete(deletion, Number.POSITIVE_INFINITY);
    }
  }

  /** Deletes channels of a topic, and itself with the last. Returns how many, the topic included. */
  #delete(deletion: Deletion, limit: number): number {
    const { topic, channels, done } = deletion;
    for (let count = 0; count < limit; count++) {
      const next = channels.next();
      if (next.done === true) {
        topic.delete(done);
        this.#deletions = this.#deletions.filter((other) => other !== deletion);
        return count + 1;
      }
      this.#state.removeChannel(topic, next.value);
      next.value.delete(done);
    }
    return limit;
  }
}

/** Calls `done` once after this many calls, with the last error of them. */
function allDone(count: number, done: Done): Done {
  let remaining = count;
  let lastError: string | null = null;
  return (error) => {
    if (error !== null) lastError = error;
    remaining--;
    if (remaining === 0) done(lastError);
  };
}
