/**
 * A topic as the messages that wait in it, and the check that every channel gets each of them.
 *
 * Units: times in ms, monotonic. Thread: any.
 */

import assert from 'node:assert/strict';
import type { QueueModel } from './queue-model.ts';

/** The data of a published message besides its key. */
export type PublishedMessage = {
  readonly key: number;
  readonly bodyBytes: number;
  readonly deferMs: number;
  /** The id that it was first delivered with. */
  id: string | null;
  /** Writes that its publisher waits for, and whether one has failed. */
  pendingWrites: number;
  isRefused: boolean;
};

/** A message on its way to the channels: by their numbers, those that are to get it, and those that have it. */
type Passage = {
  readonly channels: Set<number>;
  readonly arrived: Set<number>;
  readonly isFromMemory: boolean;
  /** When it set out. */
  readonly startMs: number;
};

export class TopicModel {
  readonly number: number;
  readonly name: string;
  readonly queue: QueueModel;
  readonly waiting = new Set<number>();
  messageCount = 0;
  messageBytes = 0;
  emptyings = 0;
  isOpening = false;

  /** Messages of the publish that is being carried out. */
  readonly #arriving = new Map<number, PublishedMessage>();
  readonly #passages = new Map<number, Passage>();
  /** When messages that went to disk are due. */
  readonly #dueMs = new Map<number, number>();

  constructor(number: number, name: string, queue: QueueModel) {
    this.number = number;
    this.name = name;
    this.queue = queue;
  }

  beginPublish(messages: readonly PublishedMessage[]): void {
    for (const message of messages) {
      this.#arriving.set(message.key, message);
      this.messageCount++;
      this.messageBytes += message.bodyBytes;
    }
  }

  endPublish(): void {
    assert.equal(this.#arriving.size, 0, 'every message of a publish goes somewhere');
  }

  /** It waits here. */
  onQueued(key: number): void {
    assert.ok(this.#arriving.delete(key), `message ${key} waits in a topic when it is published`);
    this.waiting.add(key);
  }

  /** It goes to the backend, with the time at which it is due, or 0. */
  onBackend(key: number, dueMs: number): void {
    if (this.#arriving.delete(key)) this.waiting.add(key);
    if (dueMs > 0) this.#dueMs.set(key, dueMs);
  }

  /** When a message from disk is due; 0 for at once. */
  dueMs(key: number): number {
    return this.#dueMs.get(key) ?? 0;
  }

  /** It goes to one of these channels. */
  onChannel(key: number, channel: number, channels: Iterable<number>, nowMs: number): Passage {
    const begun = this.#passages.get(key);
    if (begun !== undefined) {
      assert.ok(!begun.arrived.has(channel), `message ${key} goes to channel ${channel} once`);
      begun.arrived.add(channel);
      return begun;
    }
    let isFromMemory = true;
    if (this.#arriving.delete(key)) {
      assert.equal(this.queue.memory.length, 0, `message ${key} overtakes none in its topic`);
    } else {
      assert.ok(this.waiting.delete(key), `message ${key} goes to the channels from its topic`);
      isFromMemory = this.queue.take(key, 0).isFromMemory;
    }
    const passage = {
      channels: new Set(channels),
      arrived: new Set([channel]),
      isFromMemory,
      startMs: nowMs,
    };
    this.#passages.set(key, passage);
    return passage;
  }

  /** A channel no longer exists: it need not get anything. */
  onChannelDeleted(channel: number): void {
    for (const { channels, arrived } of this.#passages.values()) {
      channels.delete(channel);
      arrived.delete(channel);
    }
  }

  drop(key: number): void {
    this.#arriving.delete(key);
    this.waiting.delete(key);
    this.queue.drop(key);
  }

  clear(): void {
    this.waiting.clear();
    this.queue.clear();
  }

  /** Continues with what a topic of an earlier life has left on disk. */
  adopt(other: TopicModel): void {
    this.queue.adopt(other.queue);
    for (const [key, dueMs] of other.#dueMs) this.#dueMs.set(key, dueMs);
    for (const key of other.waiting) this.waiting.add(key);
    this.isOpening = true;
  }

  /** Called at the end of a turn; `isHandingOver`: one run may have come to some of the channels only. */
  check(isHandingOver: boolean): void {
    const unfinished = new Set<string>();
    for (const [key, { channels, arrived }] of this.#passages) {
      for (const channel of arrived) {
        assert.ok(channels.has(channel), `message ${key} goes to channels that it is for`);
      }
      const missing = [...channels].filter((channel) => !arrived.has(channel));
      if (missing.length === 0) this.#passages.delete(key);
      else unfinished.add(missing.join());
    }
    assert.ok(unfinished.size <= (isHandingOver ? 1 : 0), 'messages go to every channel');
    assert.equal(this.queue.count, this.waiting.size);
  }
}
