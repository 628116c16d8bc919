/**
 * The messages of one topic on their way from its files to the files of its channels. A record stays in the topic's
 * files until the files of all channels have it.
 *
 * Bound: `Topic.mayRead`. Thread: pump.
 */

import { Receipt } from './backend/append-lane.ts';
import type { MessageQueue } from './message-queue.ts';
import type { MessageStore } from './store/message-store.ts';

export class TopicTransfers {
  /** Messages on their way. */
  count = 0;

  readonly #queue: MessageQueue;
  readonly #store: MessageStore;
  readonly #onSettled: () => void;
  /** Incremented when the files are emptied: messages read before are no longer in them. */
  #emptyCount = 0;

  /** `onSettled` is called when messages have arrived, or have failed to. */
  constructor(queue: MessageQueue, store: MessageStore, onSettled: () => void) {
    this.#queue = queue;
    this.#store = store;
    this.#onSettled = onSettled;
  }

  /** The topic's files are emptied. */
  onEmptied(): void {
    this.#emptyCount++;
  }

  /** Begins the transfer of a run, with its references. The channels settle the receipt that it returns. */
  begin(position: number, count: number, isSynced: boolean): Receipt {
    const emptyCount = this.#emptyCount;
    const heldBytes = this.#store.heldBytes(position, count);
    this.count += count;
    this.#queue.outsideBytes += heldBytes;
    const onSettled = ({ error }: Receipt): void => {
      // Messages that a power loss may take from a channel's file stay in the topic's.
      const isThere = error === null && emptyCount === this.#emptyCount;
      if (isThere) this.#queue.backend.finish(position, count);
      this.#store.release(position, count);
      this.count -= count;
      this.#queue.outsideBytes -= heldBytes;
      this.#onSettled();
    };
    return new Receipt(false, onSettled, isSynced);
  }
}
