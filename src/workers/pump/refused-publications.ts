/**
 * Decides whether a topic's bounds refuse a publish record. A publication in several records is kept as a whole or
 * not at all: the decision on its first record applies to all.
 *
 * Bound: a text for each refused publication until its last record; main sends all records of a publication.
 * Thread: pump.
 */

import { MESSAGE_HEADER_BYTES } from '../../shared/limits.ts';
import * as records from '../../shared/records.ts';

/** Tells why this many more messages exceed a topic's bounds. Units: `bytes` with headers. */
interface BoundedTopic {
  refusalOf(count: number, bytes: number): string | null;
}

export class RefusedPublications {
  /** The reasons for refused publications, by the token of their first record, until their last record. */
  readonly #refusals = new Map<number, string>();

  /**
   * Why the PUBLISH record with its fields at word `at` is refused; null if it is accepted. A deleted topic has no
   * bounds. Call it once for each record, in order. Units: `bytes` of the record's messages with their size fields.
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
