import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IoLoop } from '../../../../src/workers/disk/io-loop.ts';
import { DATA_PATH, openQueue, readNumbers } from '../../../support/disk-queue-setup.ts';
import type { Chooser } from '../../../support/memory-file.ts';
import { type FileCall, MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { PumpSide } from '../../../support/pump-side.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { SystemError } from '../../../support/system-error.ts';

/** Many queues that are closed at once, as at the end of the broker. */

const OLDEST: Chooser = () => 0;
const LATEST: Chooser = (count) => count - 1;
const SYNC_TIMEOUT_MS = 2000;

interface Setup {
  readonly disk: MemoryFileSystem;
  readonly pump: PumpSide;
  settle(nowMs?: number): void;
}

/** A loop whose queues `q1` … have the records 1 and 2 each. */
function setUp(queues: number): Setup {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = new IoLoop({
    links: [pump.link],
    fileSystem: disk,
    dataPath: DATA_PATH,
    maxBytesPerFile: 1000,
    maxMsgSize: 100,
    syncEvery: 2500,
    syncTimeoutMs: SYNC_TIMEOUT_MS,
    thread: 0,
  });
  const settle = (nowMs = 0): void => {
    while (loop.step(nowMs) > 0);
  };
  for (let queue = 1; queue <= queues; queue++) {
    pump.open(queue, nameOf(queue));
    pump.append(queue, 1, 2);
  }
  settle();
  pump.take();
  return { disk, pump, settle };
}

function nameOf(queue: number): string {
  return `q${queue}`;
}

/** Closes all queues, and returns what is answered for each, by its number. */
function closeAll({ pump, settle }: Setup, queues: number): string[] {
  for (let queue = 1; queue <= queues; queue++) pump.close(queue);
  settle();
  const answers = pump.take().filter(({ type }) => type === 'CLOSED');
  assert.equal(answers.length, queues);
  return answers
    .toSorted((a, b) => a.queue - b.queue)
    .map(({ isOk, text }) => (isOk ? 'closed' : text));
}

function countCalls(disk: MemoryFileSystem): Map<FileCall, number> {
  const counts = new Map<FileCall, number>();
  disk.onCall = (call) => counts.set(call, (counts.get(call) ?? 0) + 1);
  return counts;
}

function contentOf(disk: MemoryFileSystem, queue: number): number[] {
  return readNumbers(openQueue(disk, nameOf(queue)).queue);
}

test('IoLoop: queues that are closed together share the syncs of the directory', () => {
  const setup = setUp(16);
  const counts = countCalls(setup.disk);

  const answers = closeAll(setup, 16);

  assert.deepEqual(answers, Array(16).fill('closed'));
  // The names of the segments, and then of the metadata.
  assert.equal(counts.get('syncDirectory'), 2);
  // For each queue its segment and its metadata.
  assert.equal(counts.get('sync'), 32);
});

test('IoLoop: what is closed together is durable', () => {
  const setup = setUp(20);
  closeAll(setup, 20);

  const disk = setup.disk.afterPowerLoss(OLDEST);

  for (let queue = 1; queue <= 20; queue++) assert.deepEqual(contentOf(disk, queue), [1, 2]);
});

test('IoLoop: queues that are not changed are closed without a sync', () => {
  const setup = setUp(20);
  setup.settle(SYNC_TIMEOUT_MS);
  const counts = countCalls(setup.disk);

  const answers = closeAll(setup, 20);

  assert.deepEqual(answers, Array(20).fill('closed'));
  assert.deepEqual([counts.get('sync'), counts.get('syncDirectory')], [undefined, undefined]);
});

test('IoLoop: a queue that cannot be synced does not keep those beside it from closing', () => {
  const setup = setUp(5);
  setup.disk.onCall = (call, path) => {
    if (call === 'sync' && path.includes('q3.')) throw new SystemError('EIO', call, path);
  };

  const answers = closeAll(setup, 5);

  const failed = answers.filter((answer) => answer !== 'closed');
  assert.equal(failed.length, 1);
  assert.match(answers[2], /^sync queue q3: .*EIO/);
});

for (const failing of [1, 2]) {
  test(`IoLoop: sync ${failing} of a directory fails for all that share it, and all write what it was for again`, () => {
    const setup = setUp(5);
    let syncs = 0;
    setup.disk.onCall = (call, path) => {
      if (call === 'syncDirectory' && ++syncs === failing) throw new SystemError('EIO', call, path);
    };
    const answers = closeAll(setup, 5);
    for (const [index, answer] of answers.entries()) {
      assert.match(answer, new RegExp(`^sync queue ${nameOf(index + 1)}: .*EIO`));
    }
    const counts = countCalls(setup.disk);

    const again = closeAll(setup, 5);

    assert.deepEqual(again, Array(5).fill('closed'));
    assert.equal(counts.get('rename'), 5);
    const disk = setup.disk.afterPowerLoss(OLDEST);
    for (let queue = 1; queue <= 5; queue++) assert.deepEqual(contentOf(disk, queue), [1, 2]);
  });
}

test('IoLoop: a crash while queues are closed together loses nothing of any', () => {
  const setup = setUp(3);
  for (const queue of [1, 2, 3]) setup.pump.read(queue);
  setup.settle(SYNC_TIMEOUT_MS);
  for (const queue of [1, 2, 3]) {
    setup.pump.finish(queue, [0, 1]);
    setup.pump.append(queue, 3);
  }
  setup.settle(SYNC_TIMEOUT_MS);
  setup.pump.take();
  const crashed: MemoryFileSystem[] = [];
  setup.disk.onCall = () => crashed.push(setup.disk.afterKill());
  closeAll(setup, 3);
  const random = seededRandom(1);

  assert.ok(crashed.length > 30, `${crashed.length} crashes`);
  for (const disk of crashed) {
    for (const choose of [OLDEST, LATEST, random]) {
      const after = disk.afterPowerLoss(choose);
      // Record 3 is not synced yet, and record 1 is finished without a sync.
      for (const queue of [1, 2, 3]) assert.ok(contentOf(after, queue).includes(2));
    }
    for (const queue of [1, 2, 3]) {
      const numbers = contentOf(disk, queue);
      assert.deepEqual(numbers.slice(-2), [2, 3]);
    }
  }
  const closed = setup.disk.afterPowerLoss(OLDEST);
  for (const queue of [1, 2, 3]) assert.deepEqual(contentOf(closed, queue), [2, 3]);
});
