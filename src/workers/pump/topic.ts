/**
 * A topic: gives ids to what is published, and hands every message to every channel. Without a channel, while
 * it is paused, or before it is started, messages wait in its own queue.
 *
 * Thread: pump. Source: nsqd `topic.go`.
 */

import { SIZE_BYTES } from '../../shared/limits.ts';
import { HAS_DUE_TIME } from './backend/disk-backend-listener.ts';
import { Receipt } from './backend/receipt.ts';
import type { TopicBacklog } from './backend/write-backlog.ts';
import type { Channel } from './channel.ts';
import type { MessageIdFactory } from './message-id-factory.ts';
import { MessageQueue, type MessageQueueOptions } from './message-queue.ts';
import type { MessageStore } from './store/message-store.ts';
import type { WallClock } from './wall-clock.ts';

/** Published messages as they stand in a ring: see PUBLISH in `shared/records.ts`. */
export type Publication = {
  bytes: Buffer;
  at: number;
  count: number;
  deferMs: number;
  timestampHigh: number;
  timestampLow: number;
};

/** What a topic is made of. */
export type TopicOptions = MessageQueueOptions & {
  readonly number: number;
  readonly name: string;
  readonly isPaused: boolean;
  readonly isStarted: boolean;
  readonly backlog: TopicBacklog;
  readonly ids: MessageIdFactory;
  readonly wallClock: WallClock;
};

export class Topic {
  readonly number: number;
  readonly name: string;
  readonly queue: MessageQueue;
  /** What it has on its way to the disk, its channels too. */
  readonly backlog: TopicBacklog;
  readonly channels = new Map<number, Channel>();
  isPaused: boolean;
  /** False until the channels that it had before a restart are there again. */
  isStarted: boolean;
  /** Whether it is in the list of topics to drain. */
  isActive = false;
  messageCount = 0;
  messageBytes = 0;
  /** Messages from the topic's files on their way to the files of its channels. */
  transferCount = 0;

  readonly #store: MessageStore;
  readonly #ids: MessageIdFactory;
  readonly #wallClock: WallClock;
  /** Goes up when the files are emptied: what was read from them before is no longer in them. */
  #emptyCount = 0;
  /** Whom `close` calls back, until the backend is told to close. */
  #onClosed: ((error: string | null) => void) | null = null;

  constructor(options: TopicOptions) {
    this.number = options.number;
    this.name = options.name;
    this.isPaused = options.isPaused;
    this.isStarted = options.isStarted;
    this.backlog = options.backlog;
    this.queue = new MessageQueue({
      ...options,
      // The tag of what waits here is its delay, which begins when it goes on.
      tagMeaning: {
        attemptsOf: () => 0,
        dueMsOf: (delayMs) => (delayMs === 0 ? 0 : Math.ceil(options.wallClock.unixMs() + delayMs)),
      },
    });
    this.#store = options.store;
    this.#ids = options.ids;
    this.#wallClock = options.wallClock;
  }

  /** Whether more may be read from its files now. */
  get mayRead(): boolean {
    return this.queue.hasRoom || (this.transferCount === 0 && this.queue.memoryCount === 0);
  }

  /** Messages that wait here, deferred ones too. */
  get depth(): number {
    return this.queue.depth + this.queue.backend.deferredCount;
  }

  /** Whether messages go on to the channels. */
  get isFlowing(): boolean {
    return this.isStarted && !this.isPaused && this.channels.size > 0;
  }

  /**
   * Why so many more messages are beyond the bound of the topic, or of one of its channels; null if they are not.
   * Units: `bytes` with headers and size fields.
   */
  refusalOf(count: number, bytes: number): string | null {
    const own = this.isFlowing ? null : this.queue.refusalOf(count, bytes);
    if (own !== null) return own;
    for (const { queue } of this.channels.values()) {
      const refusal = queue.refusalOf(count, bytes);
      if (refusal !== null) return refusal;
    }
    return null;
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
        const isLasting = deferMs > 0;
        store.putBodies(
          bytes,
          at,
          run - stored,
          high,
          low + stored,
          timestampHigh,
          timestampLow,
          isLasting,
        );
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
      const { position, tag, isFromBackend } = this.queue;
      const isDeferred = isFromBackend && tag === HAS_DUE_TIME;
      const count = isDeferred ? 1 : Math.min(this.queue.runCount, limit - drained);
      this.queue.take(count);
      if (!isFromBackend) this.#handToChannels(position, count, tag, nowMs, null);
      else this.#transfer(position, count, isDeferred ? this.#dueMs(position) : 0);
      drained += count;
    }
    return drained;
  }

  /** Drops what waits here. What the channels have is theirs. */
  empty(done: (error: string | null) => void): void {
    this.#emptyCount++;
    this.queue.empty(done);
  }

  /**
   * Keeps everything that waits here; nothing goes on to the channels from now on. The files are closed once
   * the channels have what was read from them, or it would be there twice after a restart.
   */
  close(done: (error: string | null) => void): void {
    this.isStarted = false;
    this.queue.spill();
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
      const dueMs = deferMs === 0 ? 0 : this.#wallClock.unixAt(nowMs + deferMs);
      this.queue.put(position, count, deferMs, 0, dueMs, receipt);
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
      if (deferMs > 0) channel.putDeferred(position, count, nowMs + deferMs, receipt);
      else channel.put(position, count, receipt);
    }
  }

  /** When a message is due that was not when it was read: Unix time in ms, 0 if it is by now. */
  #dueMs(position: number): number {
    const dueMs = this.#store.recordDueMs(position);
    return dueMs > this.#wallClock.unixMs() ? dueMs : 0;
  }

  /**
   * What was read from the topic's files stays there until the files of all channels have it. Units: `dueMs` Unix time
   * in ms, 0 for at once.
   */
  #transfer(position: number, count: number, dueMs: number): void {
    const emptyCount = this.#emptyCount;
    const heldBytes = this.#store.heldBytes(position, count);
    this.transferCount += count;
    this.queue.outsideBytes += heldBytes;
    this.#store.retain(position, count, this.channels.size);
    const receipt = new Receipt(false, () => {
      if (emptyCount === this.#emptyCount) this.queue.backend.finish(position, count);
      this.#store.release(position, count);
      this.transferCount -= count;
      this.queue.outsideBytes -= heldBytes;
      // There may be memory again.
      if (this.isFlowing) this.queue.backend.demand();
      this.#closeWhenReleased();
    });
    for (const channel of this.channels.values()) {
      channel.putFromDisk(position, count, dueMs, receipt);
    }
    receipt.seal();
  }

  #closeWhenReleased(): void {
    const done = this.#onClosed;
    if (done === null || this.transferCount > 0) return;
    this.#onClosed = null;
    this.queue.backend.close(done);
  }
}
