import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type HoldingQueue,
  MemoryShares,
  NO_LEVEL,
  RAISE_BYTES_MIN,
} from '../../../../../src/workers/pump/store/memory-shares.ts';

const MIB = 1024 * 1024;
/** Three quarters of it are for all. */
const BUDGET = 64 * MIB;
const COMMON = 48 * MIB;

/** A queue that gives away what it is asked for, if it can. */
class FakeQueue implements HoldingQueue {
  memoryBytes = 0;
  level = NO_LEVEL;
  raiseBytes = RAISE_BYTES_MIN;
  isStuck = false;
  readonly #place: Memory;

  constructor(place: Memory) {
    this.#place = place;
  }

  /** Whether it may hold so much more; if so it does. */
  put(bytes: number): boolean {
    if (!this.#place.shares.hasRoom(this.memoryBytes)) {
      this.#place.shares.onRefused(this.memoryBytes);
      return false;
    }
    this.memoryBytes += bytes;
    this.#place.used += bytes;
    if (this.memoryBytes >= this.raiseBytes) this.#place.shares.raise(this);
    return true;
  }

  evict(bytesMax: number): number {
    if (this.isStuck) return 0;
    const given = Math.min(bytesMax, this.memoryBytes);
    this.memoryBytes -= given;
    this.#place.used -= given;
    return given;
  }
}

class Memory {
  used = 0;
  readonly shares = new MemoryShares(BUDGET, () => this.used);
  readonly queue = (): FakeQueue => new FakeQueue(this);

  /** Turns until nothing more is given away. */
  evictAll(): number {
    let evicted = 0;
    for (let given = this.shares.evict(); given > 0; given = this.shares.evict()) evicted += given;
    return evicted;
  }
}

/** Puts again and again, until it is refused. */
function fill(queue: FakeQueue, bytes = 100_000): void {
  while (queue.put(bytes));
}

test('MemoryShares: one queue may take what is for all, and one that holds little goes on', () => {
  const memory = new Memory();
  const [giant, small] = [memory.queue(), memory.queue()];
  fill(giant);
  const reached = giant.memoryBytes;

  assert.ok(reached >= COMMON && reached < COMMON + 200_000);
  assert.deepEqual([giant.put(1), small.put(1000), small.put(1000)], [false, true, true]);
});

test('MemoryShares: many that want more stop at equal parts of what is left', () => {
  const memory = new Memory();
  fill(memory.queue());
  const queues = Array.from({ length: 50 }, memory.queue);
  for (let round = 0; round < 3000; round++) for (const queue of queues) queue.put(1000);
  const sizes = queues.map(({ memoryBytes }) => memoryBytes);

  assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1000);
  assert.ok(memory.used < BUDGET);
  assert.equal(memory.queue().put(1000), true);
});

test('MemoryShares: a queue that comes later gets up to a quarter of what the largest keeps', () => {
  const memory = new Memory();
  const [giant, other] = [memory.queue(), memory.queue()];
  fill(giant);
  for (let round = 0; round < 2000; round++) {
    giant.put(10_000);
    other.put(10_000);
    memory.shares.evict();
  }

  assert.ok(other.memoryBytes * 4 >= giant.memoryBytes, `${other.memoryBytes}`);
  assert.ok(memory.used <= COMMON + 4 * MIB + 100_000);
});

test('MemoryShares: the largest gives way first, down to what is for all', () => {
  const memory = new Memory();
  const [large, small] = [memory.queue(), memory.queue()];
  small.put(MIB);
  large.put(COMMON + 10 * MIB);
  const first = memory.shares.evict();
  const rest = memory.evictAll();

  assert.deepEqual([first, first + rest], [MIB, 7 * MIB]);
  assert.deepEqual([small.memoryBytes, large.memoryBytes], [MIB, COMMON + 3 * MIB]);
});

test('MemoryShares: nobody gives way for a little more than what is for all', () => {
  const memory = new Memory();
  memory.queue().put(COMMON + 2 * MIB);

  assert.equal(memory.shares.evict(), 0);
});

test('MemoryShares: where the largest cannot give way the next one does', () => {
  const memory = new Memory();
  const [large, next] = [memory.queue(), memory.queue()];
  next.put(20 * MIB);
  large.put(COMMON);
  large.isStuck = true;
  const evicted = memory.evictAll();
  large.isStuck = false;
  large.put(0);
  memory.used += 20 * MIB;

  assert.deepEqual([evicted, next.memoryBytes], [16 * MIB, 4 * MIB]);
  assert.equal(memory.shares.evict(), MIB);
  assert.ok(large.memoryBytes < COMMON);
});

test('MemoryShares: nothing gives way while much is on its way to the disk, which counts as gone', () => {
  const memory = new Memory();
  memory.queue().put(COMMON + 20 * MIB);
  memory.shares.leavingBytes = 5 * MIB;
  const whileLeaving = memory.shares.evict();
  memory.shares.leavingBytes = 4 * MIB;

  assert.deepEqual([whileLeaving, memory.shares.evict()], [0, MIB]);
});

test('MemoryShares: reads bring less while memory is short', () => {
  const memory = new Memory();
  const sizes = [memory.shares.readBytes];
  for (const used of [COMMON, COMMON + 1, BUDGET - MIB, BUDGET + MIB]) {
    memory.used = used;
    sizes.push(memory.shares.readBytes);
  }

  assert.deepEqual(
    sizes.map((bytes) => bytes / 1024),
    [256, 256, 256, 64, 16],
  );
});
