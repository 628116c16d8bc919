/**
 * Says of each publish record whether the bounds of its topic refuse it, so that a publication in several records is
 * within them as a whole, or nothing of it is kept: its first record decides, and the others are treated alike.
 *
 * Bound: a text for each refused publication of which more records are to come; main sends all records of what it has
 * begun.
 * Thread: pump.
 */

import { MESSAGE_HEADER_BYTES } from '../../shared/limits.ts';
import * as records from '../../shared/records.ts';

/** What is asked of a topic: why so many more messages are beyond its bounds. Units: `bytes` with headers. */
interface BoundedTopic {
  refusalOf(count: number, bytes: number): string | null;
}

export class RefusedPublications {
  /** Why publications were refused of which more records are to come, by the token of their first. */
  readonly #refusals = new Map<number, string>();

  /**
   * Why the PUBLISH record whose fields stand at word `at` is refused; null if it is not. A topic that is gone has no
   * bounds. Each record is asked for once, in order. Units: `bytes` of the record's messages with their size fields.
   */
  refusalOf(
    words: Uint32Array,
    at: number,
    bytes: number,
    topic: BoundedTopic | undefined,
  ): string | null {
    const first = words[at + records.PUBLISH_FIRST];
    const followingCount = words[at + records.PUBLISH_FOLLOWING_COUNT];
    if (first !== 0) {
      const refusal = this.#refusals.get(first) ?? null;
      if (followingCount === 0) this.#refusals.delete(first);
      return refusal;
    }
    if (topic === undefined) return null;
    const count = words[at + records.PUBLISH_COUNT] + followingCount;
    const bytesInAll = bytes + words[at + records.PUBLISH_FOLLOWING_BYTES];
    const refusal = topic.refusalOf(count, bytesInAll + count * MESSAGE_HEADER_BYTES);
    if (refusal !== null && followingCount > 0) {
      this.#refusals.set(words[at + records.PUBLISH_TOKEN], refusal);
    }
    return refusal;
  }
}
