/** Group commit in the loop of a disk thread: what is synced, what is answered, and what a power loss leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IoLoop, type IoLoopOptions } from '../../../../../src/workers/disk/io-loop.ts';
import { recoverJournals } from '../../../../../src/workers/disk/journal/journal-recovery.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import {
  DATA_PATH,
  openQueue,
  readAllRecords,
  readNumbers,
} from '../../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { PumpSide } from '../../../../support/pump-side.ts';
import { SystemError } from '../../../../support/system-error.ts';

const JOURNAL = `${DATA_PATH}/.ringmq/journal.0.a`;
const OTHER_JOURNAL = `${DATA_PATH}/.ringmq/journal.0.b`;
const OLDEST = (): number => 0;
const DUE_MS = 1_800_000_000_000;
const SYNC_TIMEOUT_MS = 2000;

/** A loop with pumps on a disk in memory, and the syncs that it makes. */
class Setup {
  readonly disk = new MemoryFileSystem(DATA_PATH);
  readonly pumps: readonly PumpSide[];
  readonly syncs: string[] = [];
  /** Paths whose syncs fail. */
  readonly failing = new Set<string>();
  readonly #loop: IoLoop;

  constructor(pumpCount = 1, options: Partial<IoLoopOptions> = {}) {
    this.pumps = Array.from({ length: pumpCount }, () => new PumpSide());
    this.#loop = new IoLoop({
      links: this.pumps.map(({ link }) => link),
      fileSystem: this.disk,
      dataPath: DATA_PATH,
      maxBytesPerFile: 100_000,
      maxMsgSize: 100,
      syncEvery: 2500,
      syncTimeoutMs: SYNC_TIMEOUT_MS,
      thread: 0,
      ...options,
    });
    this.disk.onCall = (call, path) => {
      if (call !== 'sync' && call !== 'syncData') return;
      if (this.failing.has(path)) throw new SystemError('EIO', call, path);
      this.syncs.push(path);
    };
  }

  get pump(): PumpSide {
    return this.pumps[0];
  }

  turn(): void {
    this.#loop.step(0);
    for (const pump of this.pumps) pump.take();
  }

  settle(nowMs = 0): void {
    while (this.#loop.step(nowMs) > 0);
    for (const pump of this.pumps) pump.take();
  }

  /** The numbers that a queue has after a power loss that keeps nothing but what is durable. */
  afterPowerLoss(queue: string): number[] {
    const disk = this.disk.afterPowerLoss(OLDEST);
    recoverJournals({ fileSystem: disk, dataPath: DATA_PATH, log: () => undefined });
    return readNumbers(openQueue(disk, queue, { maxBytesPerFile: 100_000 }).queue);
  }
}

test('GroupCommit: appends of one turn to many queues share one sync, and all are durable', () => {
  const setup = new Setup(2);
  const [first, second] = setup.pumps;
  first.open(1, 'a');
  first.open(2, 'b');
  second.open(1, 'c');
  first.appendSynced(1, 1);
  first.appendSynced(2, 10);
  second.appendSynced(1, 20);
  setup.settle();
  setup.syncs.length = 0;

  first.appendSynced(1, 2);
  first.appendSynced(2, 3);
  second.appendSynced(1, 4, 5);
  first.appendSynced(1, 6);
  setup.settle();

  assert.deepEqual(setup.syncs, [JOURNAL]);
  assert.deepEqual(first.commits, ['2 ok', '3 ok']);
  assert.deepEqual(second.commits, ['1 ok', '1 ok']);
  assert.deepEqual(setup.afterPowerLoss('a'), [1, 2, 6]);
  assert.deepEqual(setup.afterPowerLoss('b'), [10, 3]);
  assert.deepEqual(setup.afterPowerLoss('c'), [20, 4, 5]);
});

test('GroupCommit: appends that nobody waits for need no journal, and lose what is not synced', () => {
  const setup = new Setup();
  setup.pump.open(1, 'a');
  setup.pump.append(1, 1, 2);
  setup.settle();

  assert.deepEqual(setup.pump.commits, []);
  assert.deepEqual(setup.disk.names(`${DATA_PATH}/.ringmq`).includes('journal.0.a'), false);
  assert.deepEqual(setup.afterPowerLoss('a'), []);
});

test('GroupCommit: a queue with records that are not durable is synced before its appends are called so', () => {
  const setup = new Setup();
  setup.pump.open(1, 'a');
  setup.pump.append(1, 1);
  setup.settle();

  setup.pump.appendSynced(1, 2);
  setup.settle();
  setup.pump.append(1, 3);
  setup.pump.appendSynced(1, 4);
  setup.settle();

  assert.deepEqual(setup.pump.commits, ['1 ok', '1 ok']);
  assert.deepEqual(setup.afterPowerLoss('a'), [1, 2, 3, 4]);
});

test('GroupCommit: where the journal cannot be synced, queues are; what cannot be synced is never called durable', () => {
  const setup = new Setup();
  const { pump, failing } = setup;
  pump.open(1, 'a');
  pump.open(2, 'b');
  pump.appendSynced(1, 1);
  setup.settle();
  failing.add(JOURNAL);
  failing.add(`${DATA_PATH}/b.diskqueue.000000.dat`);

  pump.appendSynced(1, 2);
  pump.appendSynced(2, 3);
  pump.appendSynced(1, 4);
  setup.settle();

  assert.equal(pump.commits.length, 4);
  assert.deepEqual(
    pump.commits.map((text) => text.replace(/ sync queue.*/, ' failed')),
    [...['1 ok', '1 ok', '1 failed', '1 ok']],
  );
  assert.deepEqual(setup.afterPowerLoss('a'), [1, 2, 4]);
  assert.match(pump.log.join('\n'), /use journal .* queues are synced one by one meanwhile/);
});

test('GroupCommit: a journal that has failed is removed, and begun again a second later', () => {
  const setup = new Setup();
  const { pump, failing } = setup;
  pump.open(1, 'a');
  pump.appendSynced(1, 1);
  setup.settle();
  failing.add(JOURNAL);
  pump.appendSynced(1, 2);
  setup.settle(1);
  failing.clear();

  pump.appendSynced(1, 3);
  setup.settle(2);
  const names = setup.disk.names(`${DATA_PATH}/.ringmq`);
  pump.appendSynced(1, 4);
  setup.settle(1500);
  setup.syncs.length = 0;
  pump.appendSynced(1, 5);
  setup.settle(1501);

  assert.deepEqual(pump.commits, ['1 ok', '1 ok', '1 ok', '1 ok', '1 ok']);
  assert.equal(
    names.some((name) => name.startsWith('journal')),
    false,
  );
  assert.equal(setup.syncs.length, 1);
  assert.match(setup.syncs[0], /journal\.0\.[ab]$/);
  assert.deepEqual(setup.afterPowerLoss('a'), [1, 2, 3, 4, 5]);
});

test('GroupCommit: a file that is full gives way to the other, once its queues are synced', () => {
  const setup = new Setup(1, { journalBounds: { fileBytesMax: 5000, growBytes: 1000 } });
  const { pump } = setup;
  pump.open(1, 'a');
  const numbers = Array.from({ length: 60 }, (_, index) => index + 1);

  for (const number of numbers) {
    pump.appendSynced(1, number);
    setup.settle();
  }

  assert.deepEqual(
    pump.commits,
    numbers.map(() => '1 ok'),
  );
  assert.ok(setup.syncs.includes(JOURNAL) && setup.syncs.includes(OTHER_JOURNAL));
  assert.ok(Number(setup.disk.size(JOURNAL)) <= 5000, 'a file keeps its bound');
  assert.deepEqual(setup.afterPowerLoss('a'), numbers);
});

test('GroupCommit: a queue that is deleted does not come back with the records of its successor', () => {
  const setup = new Setup();
  const { pump } = setup;
  pump.open(1, 'a');
  pump.appendSynced(1, 1, 2, 3);
  setup.settle();

  pump.delete(1);
  pump.open(2, 'a');
  pump.appendSynced(2, 4);
  setup.settle();

  assert.deepEqual(setup.afterPowerLoss('a'), [4]);
});

test('GroupCommit: a queue that cannot be emptied keeps what was acknowledged, and what comes after', () => {
  const setup = new Setup();
  const { pump, disk } = setup;
  pump.open(1, 'a');
  pump.appendSynced(1, 1, 2);
  setup.settle();
  const watch = disk.onCall;
  disk.onCall = (call, path) => {
    if (call === 'remove') throw new SystemError('EIO', call, path);
    watch(call, path);
  };

  pump.empty(1);
  pump.appendSynced(1, 3);
  setup.turn();

  assert.deepEqual(pump.commits, ['1 ok', '1 ok']);
  assert.deepEqual(setup.afterPowerLoss('a'), [1, 2, 3]);
});

test('recoverJournals: due times that a failed sync has left in memory are written again', () => {
  const setup = new Setup();
  const { pump, disk, failing } = setup;
  pump.open(1, 'a');
  pump.appendDeferredSynced(1, [1, DUE_MS]);
  pump.appendSynced(1, 2);
  pump.read(1);
  pump.finish(1, [1, 1]);
  setup.settle();
  failing.add(`${DATA_PATH}/.ringmq/a.diskqueue.000000.notes`);
  setup.settle(SYNC_TIMEOUT_MS);

  const killed = disk.afterKill();
  recoverJournals({ fileSystem: killed, dataPath: DATA_PATH, log: () => undefined });

  const { queue } = openQueue(killed.afterPowerLoss(OLDEST), 'a');
  assert.deepEqual(
    readAllRecords(queue).map(({ message, dueMs }) => [message, dueMs]),
    [[1, DUE_MS]],
  );
});

for (const body of ['as long as', 'longer than what the journal has']) {
  test(`GroupCommit: what nsqd writes between a power loss and the recovery stays, if it is ${body}`, () => {
    const setup = new Setup();
    const { pump } = setup;
    pump.open(1, 'a');
    for (const number of [1, 2, 3]) {
      pump.appendSynced(1, number);
      setup.settle();
    }

    const disk = setup.disk.afterPowerLoss(OLDEST);
    const record = diskRecord(100, body === 'as long as' ? 'message X' : body);
    disk.put(`${DATA_PATH}/a.diskqueue.000000.dat`, record);
    disk.put(`${DATA_PATH}/a.diskqueue.meta.dat`, Buffer.from(`1\n0,0\n0,${record.length}\n`));
    recoverJournals({ fileSystem: disk, dataPath: DATA_PATH, log: () => undefined });

    assert.deepEqual(readNumbers(openQueue(disk, 'a').queue).sort(), [1, 100, 2, 3]);
  });
}

test('GroupCommit: a journal of any number of disk threads is recovered from', () => {
  const setup = new Setup(1, { thread: 3 });
  setup.pump.open(1, 'a');
  setup.pump.appendSynced(1, 1, 2);
  setup.settle();

  assert.ok(setup.disk.names(`${DATA_PATH}/.ringmq`).includes('journal.3.a'));
  assert.deepEqual(setup.afterPowerLoss('a'), [1, 2]);
});

test('GroupCommit: the journal is gone after a clean shutdown, and nsqd finds everything', () => {
  const setup = new Setup();
  const { pump } = setup;
  pump.open(1, 'a');
  pump.appendSynced(1, 1, 2);
  pump.close(1);
  pump.end();
  setup.settle();

  const names = setup.disk.names(`${DATA_PATH}/.ringmq`);
  assert.equal(
    names.some((name) => name.startsWith('journal')),
    false,
  );
  assert.deepEqual(pump.commits, ['1 ok']);
  assert.deepEqual(readNumbers(openQueue(setup.disk.afterPowerLoss(OLDEST), 'a').queue), [1, 2]);
});

test('GroupCommit: a pump without room for outcomes is told later, and takes nothing more meanwhile', () => {
  const setup = new Setup();
  const pump = new PumpSide(64 * 1024, 4096);
  const loop = new IoLoop({
    links: [pump.link],
    fileSystem: setup.disk,
    dataPath: DATA_PATH,
    maxBytesPerFile: 100_000,
    maxMsgSize: 100,
    syncEvery: 2500,
    syncTimeoutMs: 2000,
    thread: 0,
  });
  pump.open(1, 'a');
  for (let number = 1; number <= 10; number++) pump.appendSynced(1, number);
  const answered: string[] = [];
  for (let turns = 0; turns < 50; turns++) {
    loop.step(0);
    answered.push(...pump.take().map(({ type }) => type));
  }

  const total = pump.commits.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0);
  assert.equal(answered.filter((type) => type === 'APPENDED').length, 10);
  assert.equal(total, 10);
});

test('GroupCommit: what is staged of a queue that was closed meanwhile holds up nothing', () => {
  const setup = new Setup(1, { journalBounds: { fileBytesMax: 5000, growBytes: 1000 } });
  const { pump } = setup;
  pump.open(1, 'a');
  pump.open(2, 'b');
  pump.appendSynced(1, 1);
  setup.settle();
  pump.append(1, 2);
  pump.close(1);
  setup.settle();
  const numbers = Array.from({ length: 60 }, (_, index) => index + 1);

  setup.syncs.length = 0;
  for (const number of numbers) {
    pump.appendSynced(2, number);
    setup.settle();
  }

  assert.equal(pump.commits.length, 61);
  assert.ok(setup.syncs.includes(OTHER_JOURNAL), 'the other file is in use');
  const last = setup.syncs.filter((path) => path.startsWith(JOURNAL.slice(0, -1))).length;
  assert.ok(last >= 60, 'each append is in the journal');
  assert.deepEqual(setup.afterPowerLoss('b'), numbers);
  assert.deepEqual(setup.afterPowerLoss('a'), [1, 2]);
});
