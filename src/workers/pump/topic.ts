/**
 * A topic: gives ids to what is published, and hands every message to every channel. Without a channel, while
 * it is paused, or before it is started, messages wait in its own queue.
 *
 * Thread: pump. Source: nsqd `topic.go`.
 */

import { assert } from '../../shared/assert.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import type { Backend } from './backend.ts';
import type { Channel } from './channel.ts';
import type { MessageIdFactory } from './message-id-factory.ts';
import { MessageQueue } from './message-queue.ts';
import type { MessageStore } from './message-store.ts';
import { Receipt } from './receipt.ts';

/** Published messages as they stand in a ring: see PUBLISH in `shared/records.ts`. */
export type Publication = {
  bytes: Buffer;
  at: number;
  count: number;
  deferMs: number;
  timestampHigh: number;
  timestampLow: number;
};

/** Messages taken from the topic's disk queue, until every channel has them safe. */
type Transfer = { count: number; isSettled: boolean };

export class Topic {
  readonly number: number;
  readonly name: string;
  readonly queue: MessageQueue;
  readonly channels = new Map<number, Channel>();
  isPaused: boolean;
  /** False until the channels that it had before a restart are there again. */
  isStarted: boolean;
  /** Whether it is in the list of topics to drain. */
  isActive = false;
  messageCount = 0;
  messageBytes = 0;

  readonly #store: MessageStore;
  readonly #ids: MessageIdFactory;
  readonly #transfers: Transfer[] = [];
  /** Whom `close` calls back, until the backend is told to close. */
  #onClosed: ((error: string | null) => void) | null = null;

  constructor(
    number: number,
    name: string,
    isPaused: boolean,
    isStarted: boolean,
    backend: Backend,
    memoryMax: number,
    store: MessageStore,
    ids: MessageIdFactory,
  ) {
    this.number = number;
    this.name = name;
    this.isPaused = isPaused;
    this.isStarted = isStarted;
    this.queue = new MessageQueue(store, backend, memoryMax);
    this.#store = store;
    this.#ids = ids;
  }

  /** Whether messages go on to the channels. */
  get isFlowing(): boolean {
    return this.isStarted && !this.isPaused && this.channels.size > 0;
  }

  /** Takes published messages. The receipt, if any, waits for those that go to disk. */
  publish(publication: Publication, nowMs: number, receipt: Receipt | null): void {
    const { bytes, deferMs, timestampHigh, timestampLow } = publication;
    const store = this.#store;
    let { at, count: rest } = publication;
    while (rest > 0) {
      const run = this.#ids.take(rest, timestampHigh, timestampLow);
      const { high, low } = this.#ids;
      let stored = 0;
      while (stored < run) {
        store.putBodies(bytes, at, run - stored, high, low + stored, timestampHigh, timestampLow);
        at += store.bytesTaken;
        stored += store.count;
        this.messageBytes += store.bytesTaken - SIZE_BYTES * store.count;
        this.messageCount += store.count;
        this.#route(store.position, store.count, deferMs, nowMs, receipt);
      }
      rest -= run;
    }
  }

  /** Forgets publications that were refused after all. */
  unpublish(count: number, bodyBytes: number): void {
    this.messageCount -= count;
    this.messageBytes -= bodyBytes;
  }

  /** Hands up to `limit` waiting messages to the channels. Fewer means that no more can go on now. */
  drain(limit: number, nowMs: number): number {
    let drained = 0;
    while (drained < limit && this.isFlowing && this.queue.look()) {
      const { position, detail, isFromBackend } = this.queue;
      const count = Math.min(this.queue.runCount, limit - drained);
      const transfer = isFromBackend ? this.#beginTransfer(count) : null;
      this.queue.take(count);
      this.#handToChannels(position, count, detail, nowMs, transfer);
      transfer?.seal();
      drained += count;
    }
    return drained;
  }

  /** Drops what waits here. What the channels have is theirs. */
  empty(done: (error: string | null) => void): void {
    // The files are emptied as well, so nothing of them is left to be released.
    this.#transfers.length = 0;
    this.queue.empty(done);
  }

  /**
   * Keeps everything that waits here; nothing goes on to the channels from now on. The files are closed once
   * the channels have what was read from them, or it would be there twice after a restart.
   */
  close(done: (error: string | null) => void): void {
    this.isStarted = false;
    this.queue.spill(() => 0);
    this.#onClosed = done;
    this.#closeWhenReleased();
  }

  #route(
    position: number,
    count: number,
    deferMs: number,
    nowMs: number,
    receipt: Receipt | null,
  ): void {
    if (this.isFlowing && this.queue.memoryCount === 0) {
      this.#handToChannels(position, count, deferMs, nowMs, receipt);
    } else {
      this.queue.put(position, count, deferMs, 0, receipt);
    }
  }

  /** Every channel gets the run; the references of all but one are new. */
  #handToChannels(
    position: number,
    count: number,
    deferMs: number,
    nowMs: number,
    receipt: Receipt | null,
  ): void {
    if (this.channels.size > 1) this.#store.retain(position, count, this.channels.size - 1);
    for (const channel of this.channels.values()) {
      if (deferMs > 0) channel.putDeferred(position, count, nowMs + deferMs);
      else channel.put(position, count, receipt);
    }
  }

  /** What was read from the topic's files stays there until the channels have it, in the order it was read. */
  #beginTransfer(count: number): Receipt {
    const transfer: Transfer = { count, isSettled: false };
    this.#transfers.push(transfer);
    return new Receipt(false, () => {
      transfer.isSettled = true;
      this.#releaseTransfers();
    });
  }

  #releaseTransfers(): void {
    let released = 0;
    while (this.#transfers[0]?.isSettled === true) {
      const transfer = this.#transfers.shift();
      assert(transfer !== undefined, 'the oldest transfer is there');
      released += transfer.count;
    }
    if (released > 0) this.queue.backend.releaseTaken(released);
    this.#closeWhenReleased();
  }

  #closeWhenReleased(): void {
    const done = this.#onClosed;
    if (done === null || this.#transfers.length > 0) return;
    this.#onClosed = null;
    this.queue.backend.close(done);
  }
}
