/**
 * Stands in front of a queue's methods by which messages go into memory and to the backend, and carries them out on
 * the model too.
 *
 * Thread: any.
 */

import { Receipt } from '../../src/workers/pump/backend/append-lane.ts';
import { NullBackend } from '../../src/workers/pump/backend/null-backend.ts';
import type { MessageQueue } from '../../src/workers/pump/message-queue.ts';
import type { Ledger } from './ledger.ts';
import type { QueueModel } from './queue-model.ts';

/** Wall clock time less monotonic time: far apart, so that nothing takes the one for the other. */
export const UNIX_OFFSET_MS = 1_700_000_000_000;

/** What the owner of a queue is told of it. */
export type QueueOwner = {
  /** It goes into memory. */
  readonly onQueued: (key: number) => void;
  /** It goes to the backend. Units: ms, monotonic, 0 for at once. */
  readonly onBackend: (key: number, dueMs: number) => void;
  readonly drop: (key: number) => void;
  readonly isHeld: (key: number) => boolean;
  /** Whether messages with a due time leave their order when they are read. */
  readonly isReordering: boolean;
};

/** Watches a queue from now on. `keysOf` tells which messages a run is. */
export function watchQueue(
  queue: MessageQueue,
  model: QueueModel,
  owner: QueueOwner,
  keysOf: (position: number, count: number) => number[],
  ledger: Ledger,
): void {
  const putInMemory = queue.putInMemory.bind(queue);
  queue.putInMemory = (position, count, tag) => {
    const keys = keysOf(position, count);
    for (const key of keys) owner.onQueued(key);
    model.putInMemory(keys);
    putInMemory(position, count, tag);
  };
  const putBack = queue.putBack.bind(queue);
  queue.putBack = (position, attempts) => {
    const [key] = keysOf(position, 1);
    const { returnedCount } = queue;
    owner.onQueued(key);
    putBack(position, attempts);
    // With those on disk it is in no order.
    if (queue.returnedCount > returnedCount) model.unordered.add(key);
  };
  const { backend } = queue;
  const put = backend.put.bind(backend);
  backend.put = (position, count, attempts, unixMs, receipt) => {
    const keys = keysOf(position, count);
    if (backend instanceof NullBackend) {
      for (const key of keys) owner.drop(key);
      put(position, count, attempts, unixMs, receipt);
      return;
    }
    const dueMs = unixMs === 0 ? 0 : unixMs - UNIX_OFFSET_MS;
    for (const key of keys) owner.onBackend(key, dueMs);
    const isRefusable = receipt?.isRefusable === true;
    model.toBackend(keys, isRefusable ? 'refusable' : 'kept', dueMs > 0 && owner.isReordering);
    const tap = isRefusable ? tapped(receipt, keys, owner, ledger) : receipt;
    put(position, count, attempts, unixMs, tap);
  };
}

/** A receipt that tells of each message what comes of it, and passes everything on. */
function tapped(
  receipt: Receipt,
  keys: readonly number[],
  owner: QueueOwner,
  ledger: Ledger,
): Receipt {
  for (const key of keys) ledger.message(key).pendingWrites++;
  const rest = [...keys];
  const tap = new Receipt(receipt.isRefusable, () => undefined, receipt.isSynced);
  tap.expect = (count) => receipt.expect(count);
  tap.settle = (count, error) => {
    for (const key of rest.splice(0, count)) settle(key, error);
    receipt.settle(count, error);
  };
  const settle = (key: number, error: string | null): void => {
    const message = ledger.message(key);
    message.pendingWrites--;
    if (error === null) return;
    message.isRefused = true;
    if (owner.isHeld(key)) owner.drop(key);
  };
  return tap;
}
