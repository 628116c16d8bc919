import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskQueue } from '../../../../src/workers/disk/disk-queue.ts';
import { readQueueFiles } from '../../../support/disk-files.ts';
import {
  appendNumbers,
  DATA_PATH,
  openQueue,
  readBatch,
  readNumbers,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem, SystemError } from '../../../support/memory-file-system.ts';

/** A small generator of numbers from a seed (xorshift), so that a run can be repeated. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** The queue as a list: what is handed out and not released, then what is unread. */
class Model {
  handedOut: number[] = [];
  unread: number[] = [];

  get numbers(): number[] {
    return [...this.handedOut, ...this.unread];
  }
}

function run(seed: number, steps: number): void {
  const random = makeRandom(seed);
  const disk = new MemoryFileSystem(DATA_PATH);
  const limits = {
    maxBytesPerFile: 50 + random(400),
    openFilesMax: 1 + random(4),
    syncEvery: 1 + random(50),
  };
  const model = new Model();
  let { queue, log } = openQueue(disk, 'q', limits);
  let next = 1;
  for (let step = 0; step < steps; step++) {
    const action = random(100);
    if (action < 35) {
      const numbers = Array.from({ length: 1 + random(12) }, () => next++);
      if (isAppended(disk, queue, numbers, random)) model.unread.push(...numbers);
    } else if (action < 65) {
      const numbers = readBatch(queue, 1 + random(600)).map((message) => parseInt(message.id, 16));
      assert.deepEqual(numbers, model.unread.slice(0, numbers.length));
      assert.ok(numbers.length > 0 || model.unread.length === 0);
      model.handedOut.push(...model.unread.splice(0, numbers.length));
    } else if (action < 90) {
      const count = random(model.handedOut.length + 1);
      queue.release(count);
      model.handedOut.splice(0, count);
    } else if (action < 94) {
      queue.sync();
      checkFiles(disk, model);
    } else if (action < 95) {
      queue.empty();
      model.handedOut = [];
      model.unread = [];
    } else if (action < 97) {
      // As after SIGKILL: everything that was written is there, and nothing was closed.
      ({ queue } = openQueue(disk, 'q', limits));
      const { depth } = queue;
      model.handedOut = readAgain(queue, model.numbers);
      model.unread = [];
      assert.equal(depth, model.handedOut.length);
    } else {
      queue.close();
      checkFiles(disk, model);
      limits.maxBytesPerFile = 50 + random(400);
      ({ queue, log } = openQueue(disk, 'q', limits));
      model.unread = model.numbers;
      model.handedOut = [];
      assert.deepEqual(log, []);
    }
    if (queue.mustSync && random(2) === 0) queue.sync();
    assert.deepEqual([queue.unread, queue.depth], [model.unread.length, model.numbers.length]);
  }
}

/** Reads a queue after a crash: what was not released must be there, and before it may be what was, since the last sync. */
function readAgain(queue: DiskQueue, expected: readonly number[]): number[] {
  const numbers = readNumbers(queue);
  assert.deepEqual(numbers.slice(numbers.length - expected.length), expected);
  assert.ok(numbers.every((number, index) => index === 0 || numbers[index - 1] < number));
  return numbers;
}

/** Appends, one time in four on a disk that fills up on the way. */
function isAppended(
  disk: MemoryFileSystem,
  queue: DiskQueue,
  numbers: readonly number[],
  random: (below: number) => number,
): boolean {
  let calls = random(4) === 0 ? random(6) : Number.POSITIVE_INFINITY;
  disk.onCall = (action, path) => {
    if (action !== 'write' && action !== 'create') return;
    if (calls-- === 0) throw new SystemError('ENOSPC', action, path);
  };
  try {
    appendNumbers(queue, ...numbers);
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && error.cause instanceof SystemError);
    return false;
  } finally {
    disk.onCall = () => undefined;
  }
}

function checkFiles(disk: MemoryFileSystem, model: Model): void {
  const content = (name: string): Buffer => disk.content(`${DATA_PATH}/${name}`);
  const files = readQueueFiles({ names: disk.names(DATA_PATH), content }, 'q');
  assert.deepEqual(files.problems, []);
  assert.deepEqual(
    files.messages.map((message) => Number.parseInt(message.id, 16)),
    model.numbers,
  );
}

test('DiskQueue: behaves as a list does, whatever is done with it', () => {
  const first = 1 + Math.floor(Math.random() * 2 ** 30);
  for (let seed = first; seed < first + 60; seed++) {
    try {
      run(seed, 300);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
