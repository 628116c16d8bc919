/**
 * The writes of one topic that the store has not answered. The pump gets the answers in the order of its requests, in
 * whatever order the store answers.
 *
 * Bound: what a pump may have unanswered (`WriteBacklog`).
 * Thread: stream.
 */

import { readUint32 } from '../../shared/big-endian.ts';
import { MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../shared/limits.ts';
import type { RingReader } from '../../shared/ring/ring.ts';
import {
  APPEND_COUNT,
  APPEND_FLAGS,
  APPEND_HAS_DUE,
  APPEND_WORDS,
  DUE_WORDS,
} from '../disk-records.ts';
import type { StreamStore } from './stream-store.ts';

/** A write: the unanswered messages, why the store refused some, and a function that sends it, unless it is sent. */
type Append = { left: number; error: string | null; send: (() => void) | null };

export class StreamAppends {
  readonly #topic: string;
  readonly #store: Pick<StreamStore, 'publish'>;
  readonly #answer: (error: string | null) => void;
  readonly #unanswered: Append[] = [];
  #isEnded = false;

  /** `answer` is called once for each write, in order. */
  constructor(
    topic: string,
    store: Pick<StreamStore, 'publish'>,
    answer: (error: string | null) => void,
  ) {
    this.#topic = topic;
    this.#store = store;
    this.#answer = answer;
  }

  /** Takes the ring's front record, an APPEND. It waits for `sendAll`, or is refused for this reason. */
  take({ words, bytes, offset, length }: RingReader, refusal: string | null): void {
    const at = offset >>> 2;
    const count = words[at + APPEND_COUNT];
    const append: Append = { left: count, error: null, send: null };
    this.#unanswered.push(append);
    if (refusal !== null) {
      this.#refuse(append, refusal);
      return;
    }
    const end = offset + length;
    const hasDue = (words[at + APPEND_FLAGS] & APPEND_HAS_DUE) !== 0;
    const due = hasDue ? words.slice((end >>> 2) - count * DUE_WORDS, end >>> 2) : null;
    // The ring's memory is reused before the store has sent the message.
    const records = Buffer.from(bytes.subarray(offset + APPEND_WORDS * 4, end));
    append.send = () => this.#publish(append, records, due);
  }

  /** Sends what waits. */
  sendAll(): void {
    for (const append of this.#unanswered) append.send?.();
  }

  /** Refuses what waits. */
  refuseWaiting(reason: string): void {
    for (const append of [...this.#unanswered]) {
      if (append.send !== null) this.#refuse(append, reason);
    }
  }

  /** Answers everything with this reason; nothing more follows. */
  end(reason: string): void {
    for (const append of [...this.#unanswered]) this.#refuse(append, reason);
    this.#isEnded = true;
  }

  #publish(append: Append, records: Buffer, due: Uint32Array | null): void {
    const done = (error: string | null): void => {
      append.error ??= error;
      append.left--;
      if (append.left === 0) this.#answerOldest();
    };
    const count = append.left;
    append.send = null;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const end = at + SIZE_BYTES + readUint32(records, at);
      const body = records.subarray(at + SIZE_BYTES + MESSAGE_HEADER_BYTES, end);
      const dueMs = due === null ? 0 : due[i * 2] * 2 ** 32 + due[i * 2 + 1];
      this.#store.publish(this.#topic, body, dueMs, done);
      at = end;
    }
  }

  #refuse(append: Append, reason: string): void {
    append.left = 0;
    append.error = reason;
    append.send = null;
    this.#answerOldest();
  }

  /** Answers the oldest writes that are complete. */
  #answerOldest(): void {
    if (this.#isEnded) return;
    while (this.#unanswered.length > 0 && this.#unanswered[0].left <= 0) {
      this.#answer(this.#unanswered.shift()?.error ?? null);
    }
  }
}
