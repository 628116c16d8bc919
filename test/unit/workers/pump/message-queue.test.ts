import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt } from '../../../../src/workers/pump/backend/append-lane.ts';
import { MessageQueue } from '../../../../src/workers/pump/message-queue.ts';
import { MessageStore } from '../../../../src/workers/pump/store/message-store.ts';
import {
  bodiesIn,
  ListBackend,
  putInStore,
  putRecordInStore,
  undeliveredOf,
} from '../../../support/pump-parts.ts';

type Parts = { store: MessageStore; backend: ListBackend; queue: MessageQueue };

function makeQueue(memoryMax: number, budgetBytes = Number.POSITIVE_INFINITY): Parts {
  const store = new MessageStore(budgetBytes);
  const backend = new ListBackend(store);
  const undelivered = undeliveredOf(store);
  const queue = new MessageQueue({ title: 'topic "t"', store, backend, memoryMax, undelivered });
  return { store, backend, queue };
}

/** Takes what can be taken now, as "body from memory" or "body from backend". */
function takeAll({ store, queue }: Parts): string[] {
  const taken: string[] = [];
  while (queue.look()) {
    const [body] = bodiesIn(store, queue.position, 1);
    taken.push(`${body} from ${queue.isFromBackend ? 'backend' : 'memory'}`);
    queue.take(1);
  }
  return taken;
}

test('MessageQueue: memory first, and what it has no room for goes to the backend', () => {
  const parts = makeQueue(3);
  const first = putInStore(parts.store, ['a', 'b', 'c', 'd', 'e']);
  parts.queue.put(first, 5, 0, 0, 0, null);

  const counts = [parts.queue.depth, parts.queue.memoryCount, parts.backend.depth];

  assert.deepStrictEqual(counts, [5, 3, 2]);
  assert.deepStrictEqual(takeAll(parts), ['a from memory', 'b from memory', 'c from memory']);
  assert.deepStrictEqual(parts.backend.log[0], 'demand');
});

test('MessageQueue: without a memory everything goes to the backend', () => {
  const parts = makeQueue(0);
  const first = putInStore(parts.store, ['a', 'b']);
  parts.queue.put(first, 2, 0, 0, 0, null);
  parts.backend.read();

  assert.deepStrictEqual(takeAll(parts), ['a from backend', 'b from backend']);
});

test('MessageQueue: of two heads the older one goes first', () => {
  const parts = makeQueue(1);
  const times = [30n, 20n, 50n, 10n].map((seconds) => seconds * 1_000_000_000n);
  const [a, b, c, d] = times.map((timestampNs, i) =>
    putInStore(parts.store, ['abcd'.charAt(i)], timestampNs),
  );
  for (const position of [a, b, c]) parts.queue.put(position, 1, 0, 0, 0, null);
  parts.backend.read();

  const taken: string[] = [];
  while (parts.queue.look()) {
    taken.push(bodiesIn(parts.store, parts.queue.position, 1)[0]);
    parts.queue.take(1);
    // Memory has room for one more after its message has gone.
    if (taken.length === 2) parts.queue.put(d, 1, 0, 0, 0, null);
  }

  assert.deepStrictEqual(taken, ['b', 'a', 'd', 'c']);
});

test('MessageQueue: the receipt waits for what goes to the backend only', () => {
  const parts = makeQueue(2);
  const receipt = new Receipt(true, () => undefined);
  const first = putInStore(parts.store, ['a', 'b', 'c']);

  parts.queue.put(first, 3, 0, 0, 0, receipt);

  assert.deepStrictEqual(
    parts.backend.receipts.map(({ count }) => count),
    [1],
  );
});

test('MessageQueue: a spill moves all of memory to the backend, with attempts', () => {
  const parts = makeQueue(10);
  const fresh = putInStore(parts.store, ['a', 'b']);
  parts.queue.put(fresh, 2, 0, 0, 0, null);
  parts.queue.put(putRecordInStore(parts.store, 'c', 4), 1, 5, 5, 0, null);
  parts.queue.putInMemory(putInStore(parts.store, ['d']), 1, 9);

  parts.queue.spill();

  assert.deepStrictEqual(
    [parts.queue.memoryCount, parts.backend.puts],
    [0, ['a 0 0', 'b 0 0', 'd 9 0']],
  );
});

test('MessageQueue: messages that are put back again and again do not hold up younger ones on disk', () => {
  const parts = makeQueue(1000);
  const old = putInStore(parts.store, new Array<string>(600).fill('old'), 1n);
  parts.queue.put(old, 600, 0, 0, 0, null);
  parts.queue.putToBackend(putInStore(parts.store, ['a', 'b'], 2_000_000_000n), 2, 0, 0, null);
  parts.backend.read();
  const backendTurns: number[] = [];
  for (let taken = 0; taken < 602; taken++) {
    parts.queue.look();
    const { position } = parts.queue;
    if (parts.queue.isFromBackend) backendTurns.push(taken);
    parts.queue.take(1);
    parts.queue.drop(position, 1);
  }

  assert.deepStrictEqual(backendTurns, [256, 513]);
  assert.equal(parts.store.referenceCount, 0);
});

test("MessageQueue: while nothing is fetched it is not the backend's turn", () => {
  const parts = makeQueue(1000);
  const old = putInStore(parts.store, new Array<string>(600).fill('old'), 1n);
  parts.queue.put(old, 600, 0, 0, 0, null);
  parts.queue.putToBackend(putInStore(parts.store, ['a'], 2_000_000_000n), 1, 0, 0, null);
  for (let taken = 0; taken < 500; taken++) {
    parts.queue.look();
    parts.queue.take(1);
  }
  parts.backend.read();
  parts.queue.look();

  assert.equal(parts.queue.isFromBackend, false);
});

test('MessageQueue: a store that is full sends what is put to the backend', () => {
  const parts = makeQueue(1000, 0);
  parts.queue.put(putInStore(parts.store, ['a']), 1, 0, 3, 500, null);

  assert.deepStrictEqual([parts.queue.memoryCount, parts.backend.puts], [0, ['a 3 500']]);
  assert.equal(parts.queue.mayDeferInMemory(), false);
});

test('MessageQueue: what is kept in memory may exceed its bound when it came from there', () => {
  const parts = makeQueue(1);
  parts.queue.putInMemory(putInStore(parts.store, ['a', 'b', 'c']), 3, 0);
  parts.queue.put(putInStore(parts.store, ['d']), 1, 0, 0, 0, null);

  assert.deepStrictEqual([parts.queue.memoryCount, parts.backend.depth], [3, 1]);
});

test('MessageQueue: empty drops memory and backend, with all references', () => {
  const parts = makeQueue(2);
  const first = putInStore(parts.store, ['a', 'b', 'c']);
  parts.queue.put(first, 3, 0, 0, 0, null);
  const done: (string | null)[] = [];

  parts.queue.empty((error) => done.push(error));

  assert.deepStrictEqual([parts.queue.depth, parts.queue.look(), done], [0, false, [null]]);
  assert.throws(() => parts.store.release(first, 1), /released once for each reference/);
});

test('MessageQueue: gives its newest messages away, and has those that the files have read again', () => {
  const parts = makeQueue(10);
  parts.queue.put(putInStore(parts.store, ['a', 'b', 'c']), 3, 0, 0, 0, null);
  parts.queue.putBack(putRecordInStore(parts.store, 'r', 3, 1n, 17), 4);
  parts.queue.put(putInStore(parts.store, ['d']), 1, 2, 2, 0, null);
  const before = parts.queue.memoryBytes;
  const given = parts.queue.waiting.evict(110);
  parts.backend.forget();

  assert.deepStrictEqual(parts.backend.puts, ['c 0 0', 'd 2 0']);
  assert.deepStrictEqual(parts.backend.log, ['reread 17']);
  assert.deepStrictEqual([parts.queue.memoryCount, parts.store.referenceCount], [2, 2]);
  assert.equal(parts.queue.memoryBytes, before - given);
});

test('MessageQueue: gives nothing away to a backend that does not write', () => {
  const parts = makeQueue(10);
  parts.queue.put(putInStore(parts.store, ['a']), 1, 0, 0, 0, null);
  parts.backend.isAccepting = false;

  assert.deepStrictEqual([parts.queue.waiting.evict(1000), parts.queue.memoryCount], [0, 1]);
});

test('MessageQueue: knows what it holds in memory, through all that can become of it', () => {
  const parts = makeQueue(3);
  parts.queue.put(putInStore(parts.store, ['a', 'b', 'c', 'd']), 4, 0, 0, 0, null);
  parts.queue.putBack(putRecordInStore(parts.store, 'r', 1, 1n, 5), 1);
  const held = [parts.queue.memoryBytes > 0];
  takeAll(parts);
  held.push(parts.queue.memoryBytes > 0);
  parts.queue.put(putInStore(parts.store, ['e']), 1, 0, 0, 0, null);
  parts.queue.dropMemory();
  held.push(parts.queue.memoryBytes > 0);

  assert.deepStrictEqual(held, [true, false, false]);
});
