/**
 * A topic or channel of one pump on the stream thread: whether it is open, its pull, and the messages that the pump
 * holds.
 *
 * Bound: the messages that the pump has asked for and not finished or given back.
 * Thread: stream.
 */

import { assert } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import type { StreamName } from '../../shared/control.ts';
import { UPDATE_DUE, UPDATE_ENTRY_WORDS } from '../disk-records.ts';
import { StreamAppends } from './stream-appends.ts';
import type { QueueFigures, StreamLink } from './stream-link.ts';
import type { Pull, StoredMessage, StreamStore } from './stream-store.ts';

/** Units: as `Clock`. */
export type StreamClock = Pick<Clock, 'monotonicMs' | 'unixNs'>;

const NS_PER_MS = 1e6;

/** A message that the pump holds: its receipt, and when the store last heard of it. Units: ms, monotonic. */
type Held = { readonly receipt: string; heardMs: number };

export class StreamQueue {
  readonly number: number;
  readonly name: StreamName;
  readonly link: StreamLink;
  readonly figures: QueueFigures = { unread: 0, elsewhere: 0, messages: 0 };
  /** `opening`: requests wait; `closed`: nothing follows. */
  state: 'opening' | 'open' | 'closed' = 'opening';
  /** Why the store could not open it yet, or null; and when the next attempt is due. Units: ms, monotonic. */
  openError: string | null = null;
  openMs = 0;
  isOpening = false;
  /** The store no longer has it, because another broker has deleted it. */
  isGone = false;
  /** When messages were asked for the last time. Units: ms, monotonic. */
  askedMs = Number.NEGATIVE_INFINITY;
  /** Calls that wait until it is open. */
  waiting: (() => void)[] = [];
  readonly appends: StreamAppends;

  readonly #store: StreamStore;
  readonly #clock: StreamClock;
  readonly #held = new Map<number, Held>();
  #nextNumber = 0;
  #pull: Pull | null = null;
  #isResting = false;

  constructor(
    number: number,
    name: StreamName,
    link: StreamLink,
    store: StreamStore,
    clock: StreamClock,
    onAppended: (error: string | null) => void,
  ) {
    this.number = number;
    this.name = name;
    this.link = link;
    this.#store = store;
    this.#clock = clock;
    this.appends = new StreamAppends(name.topic, store, onAppended);
  }

  /** Names it in the log. */
  get title(): string {
    const { topic, channel } = this.name;
    return channel === '' ? `topic ${topic}` : `channel ${channel} of topic ${topic}`;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /** Begins a pull. `onEnded` is called when it is over. */
  pull(count: number, bytes: number, onEnded: () => void): void {
    assert(this.#pull === null, 'one pull at a time');
    this.#isResting = false;
    this.askedMs = this.#clock.monotonicMs();
    this.#pull = this.#store.pull(this.name, count, bytes, {
      onMessage: (message) => this.#onMessage(message),
      onEnd: () => {
        this.#pull = null;
        onEnded();
      },
    });
  }

  /** Ends the pull early; messages that still arrive go back. */
  rest(): void {
    this.#isResting = true;
    this.#pull?.cancel();
  }

  finish(first: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const number = (first + i) >>> 0;
      const held = this.#held.get(number);
      if (held === undefined) continue;
      this.#held.delete(number);
      this.#store.finish(held.receipt);
    }
  }

  /** Returns messages to the store, each for its due time. Shape: as in UPDATE. */
  giveBackAt(entries: Uint32Array): void {
    const unixMs = Number(this.#clock.unixNs()) / NS_PER_MS;
    for (let at = 0; at < entries.length; at += UPDATE_ENTRY_WORDS) {
      const dueMs = entries[at + UPDATE_DUE] * 2 ** 32 + entries[at + UPDATE_DUE + 1];
      this.#giveBack(entries[at], Math.max(0, dueMs - unixMs));
    }
  }

  /** Gives everything back. */
  giveAllBack(): void {
    this.rest();
    this.link.drop(this);
    for (const { receipt } of this.#held.values()) this.#store.giveBack(receipt, 0);
    this.#held.clear();
  }

  /** Forgets everything, because the store has dropped it. */
  forgetAll(): void {
    this.link.drop(this);
    this.#held.clear();
  }

  /** Reports held messages to the store that were last reported before this time. Returns how many. */
  keep(sinceMs: number, nowMs: number): number {
    let count = 0;
    for (const held of this.#held.values()) {
      if (held.heardMs > sinceMs) continue;
      held.heardMs = nowMs;
      this.#store.keep(held.receipt);
      count++;
    }
    return count;
  }

  /** Units: ms. */
  #giveBack(number: number, delayMs: number): void {
    const held = this.#held.get(number);
    if (held === undefined) return;
    this.#held.delete(number);
    this.#store.giveBack(held.receipt, delayMs);
  }

  #onMessage(message: StoredMessage): void {
    this.figures.unread = message.unread;
    if (this.#isResting || this.state === 'closed') {
      this.#store.giveBack(message.receipt, 0);
      return;
    }
    if (message.dueMs > 0) {
      const waitMs = message.dueMs - Number(this.#clock.unixNs()) / NS_PER_MS;
      if (waitMs > 0) {
        this.#store.giveBack(message.receipt, waitMs);
        return;
      }
    }
    const number = this.#nextNumber;
    this.#nextNumber = (number + 1) >>> 0;
    this.#held.set(number, { receipt: message.receipt, heardMs: this.#clock.monotonicMs() });
    this.link.hand(this, number, message);
  }
}
