import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryQueue } from '../../../../../src/workers/pump/store/memory-queue.ts';

const SLAB = 8192;

/** Takes everything, as runs. */
function takeRuns(queue: MemoryQueue): number[][] {
  const runs: number[][] = [];
  while (queue.runCount > 0) {
    runs.push([queue.position, queue.runCount, queue.tag]);
    queue.take(queue.runCount);
  }
  return runs;
}

test('MemoryQueue: is empty at first', () => {
  const queue = new MemoryQueue();

  assert.deepStrictEqual([queue.count, queue.runCount], [0, 0]);
});

test('MemoryQueue: runs that follow each other become one', () => {
  const queue = new MemoryQueue();
  queue.put(10, 5, 2);
  queue.put(15, 1, 2);
  queue.put(16, 4, 2);

  const { count } = queue;
  const runs = takeRuns(queue);

  assert.deepStrictEqual([count, runs], [10, [[10, 10, 2]]]);
});

test('MemoryQueue: a gap, another tag or another slab begins a run', () => {
  const queue = new MemoryQueue();
  queue.put(1, 2, 0);
  queue.put(4, 1, 0);
  queue.put(5, 1, 7);
  queue.put(SLAB - 1, 1, 7);
  queue.put(SLAB, 3, 7);

  const runs = takeRuns(queue);

  assert.deepStrictEqual(runs, [
    [1, 2, 0],
    [4, 1, 0],
    [5, 1, 7],
    [SLAB - 1, 1, 7],
    [SLAB, 3, 7],
  ]);
});

test('MemoryQueue: what is taken off a run leaves its rest in front', () => {
  const queue = new MemoryQueue();
  queue.put(20, 5, 1);
  queue.take(2);
  queue.put(25, 1, 1);

  const { count } = queue;

  assert.deepStrictEqual([count, takeRuns(queue)], [4, [[22, 4, 1]]]);
});

test('MemoryQueue: a run that was taken whole is not extended', () => {
  const queue = new MemoryQueue();
  queue.put(20, 5, 1);
  queue.take(5);
  queue.put(25, 1, 1);

  assert.deepStrictEqual(takeRuns(queue), [[25, 1, 1]]);
});

test('MemoryQueue: more than the oldest run cannot be taken', () => {
  const queue = new MemoryQueue();
  queue.put(1, 2, 0);
  queue.put(9, 2, 0);

  assert.throws(() => queue.take(3), /no more is taken than the oldest run holds/);
});

test('MemoryQueue: keeps the order while it grows, empties and grows again', () => {
  const queue = new MemoryQueue();
  const seen: number[] = [];
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 5000; i++) queue.put(2 * i, 1, i);
    while (queue.count > 0) {
      seen.push(queue.tag);
      queue.take(1);
    }
  }

  const once = Array.from({ length: 5000 }, (_, i) => i);
  assert.deepStrictEqual(seen, [...once, ...once]);
});

test('MemoryQueue: holds what an array of messages holds', () => {
  type Message = { position: number; tag: number };
  const put = fc.record({
    do: fc.constant('put' as const),
    gap: fc.constantFrom(0, 0, 0, 1, SLAB),
    count: fc.integer({ min: 1, max: 6 }),
    tag: fc.constantFrom(0, 0, 1),
  });
  const take = fc.record({
    do: fc.constant('take' as const),
    count: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(put, take), { maxLength: 200 }), (actions) => {
      const queue = new MemoryQueue();
      const model: Message[] = [];
      let next = SLAB - 20;
      for (const action of actions) {
        if (action.do === 'put') {
          next += action.gap;
          // Positions of a batch are of one slab.
          const count = Math.min(action.count, SLAB - (next % SLAB));
          queue.put(next, count, action.tag);
          for (let i = 0; i < count; i++) model.push({ position: next + i, tag: action.tag });
          next += count;
        } else if (model.length > 0) {
          assert.deepEqual({ position: queue.position, tag: queue.tag }, model[0]);
          const count = Math.min(action.count, queue.runCount);
          const taken = model.splice(0, count);
          const run = taken.map((_, i) => ({ position: queue.position + i, tag: queue.tag }));
          assert.deepEqual(run, taken);
          // A run never spans slabs.
          assert.equal((queue.position + count - 1) >>> 13, queue.position >>> 13);
          queue.take(count);
        }
        assert.equal(queue.count, model.length);
        assert.equal(queue.runCount > 0, model.length > 0);
      }
    }),
  );
});

test('MemoryQueue: gives its last messages away in their order, and keeps the others', () => {
  const queue = new MemoryQueue();
  queue.put(10, 3, 0);
  queue.put(20, 4, 7);
  queue.put(30, 2, 0);
  const runs: number[][] = [];
  queue.takeLast(4, (...run) => runs.push(run));
  queue.put(40, 1, 0);

  assert.deepStrictEqual(runs, [
    [22, 2, 7],
    [30, 2, 0],
  ]);
  const left: number[][] = [];
  while (queue.runCount > 0) {
    left.push([queue.position, queue.runCount, queue.tag]);
    queue.take(queue.runCount);
  }
  assert.deepStrictEqual(
    [queue.count, left],
    [
      0,
      [
        [10, 3, 0],
        [20, 2, 7],
        [40, 1, 0],
      ],
    ],
  );
});

test('MemoryQueue: counts how many of its last messages take so many bytes', () => {
  const queue = new MemoryQueue();
  queue.put(10, 3, 0);
  queue.put(20, 4, 0);
  const bytesOf = (_: number, count: number): number => count * 10;
  const counts = [1, 10, 25, 40, 59, 1000].map((bytes) => queue.countOfLast(bytes, bytesOf));

  assert.deepStrictEqual(counts, [1, 1, 2, 4, 5, 7]);
});

/** Every message from this number on, as positions. */
function visited(queue: MemoryQueue, from: number): number[] {
  const positions: number[] = [];
  queue.visitFrom(from, (position) => positions.push(position) > 0);
  return positions;
}

test('MemoryQueue: messages that are removed leave gaps, and the others keep their numbers', () => {
  const queue = new MemoryQueue();
  queue.put(10, 4, 0);
  queue.put(20, 2, 7);
  const next = queue.visitFrom(0, (position) => position < 12);
  queue.remove(new Set([10, 12, 20]));
  const rest = visited(queue, next);
  queue.put(30, 1, 0);

  assert.deepStrictEqual([next, rest, queue.count], [3, [13, 21], 4]);
  assert.deepStrictEqual(takeRuns(queue), [
    [11, 1, 0],
    [13, 1, 0],
    [21, 1, 7],
    [30, 1, 0],
  ]);
});

test('MemoryQueue: a message that stays is visited once, whatever leaves and comes meanwhile', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('put' as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constant('takeLast' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constant('remove' as const), count: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ do: fc.constant('visit' as const), count: fc.integer({ min: 1, max: 4 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = new MemoryQueue();
      let model: number[] = [];
      queue.put(0, 30, 0);
      for (let position = 0; position < 30; position++) model.push(position);
      const stays = new Set(model);
      const seen: number[] = [];
      let cursor = 0;
      let next = 100;
      for (const { do: what, count } of steps) {
        if (what === 'put') {
          queue.put(next, count, 0);
          for (let i = 0; i < count; i++) model.push(next + i);
          next += count + 1;
        } else if (what === 'take' && queue.count > 0) {
          const taken = Math.min(count, queue.runCount);
          queue.take(taken);
          for (const one of model.splice(0, taken)) stays.delete(one);
        } else if (what === 'takeLast' && queue.count > 0) {
          const taken = Math.min(count, queue.count);
          const given: number[] = [];
          queue.takeLast(taken, (position, run) => {
            for (let i = 0; i < run; i++) given.push(position + i);
          });
          assert.deepEqual(given, model.splice(model.length - taken));
          for (const one of given) stays.delete(one);
        } else if (what === 'remove') {
          const removed = new Set(model.filter((_, index) => index % 7 === count % 7));
          queue.remove(removed);
          model = model.filter((one) => !removed.has(one));
          for (const one of removed) stays.delete(one);
        } else if (what === 'visit' && cursor >= 0) {
          let left = count;
          cursor = queue.visitFrom(cursor, (position) => {
            seen.push(position);
            return --left > 0;
          });
        }
        assert.equal(queue.count, model.length);
        assert.deepEqual(visited(queue, 0), model);
        if (model.length > 0) assert.equal(queue.position, model[0]);
      }
      if (cursor >= 0) queue.visitFrom(cursor, (position) => seen.push(position) > 0);
      const seenOfThose = seen.filter((position) => stays.has(position));
      assert.deepEqual(
        seenOfThose.sort((a, b) => a - b),
        [...stays],
      );
    }),
  );
});
