import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileSystem } from '../../../../src/workers/disk/files/file-system.ts';
import { IoLoop, type IoLoopOptions } from '../../../../src/workers/disk/io-loop.ts';
import { diskRecord, readQueueFiles } from '../../../support/disk-files.ts';
import { DATA_PATH, openQueue } from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { type DiskAnswer, PumpSide } from '../../../support/pump-side.ts';
import { SystemError } from '../../../support/system-error.ts';

const RECORD_BYTES = 39;

function makeLoop(
  fileSystem: FileSystem,
  pumps: readonly PumpSide[],
  options: Partial<IoLoopOptions> = {},
): IoLoop {
  return new IoLoop({
    links: pumps.map((pump) => pump.link),
    fileSystem,
    dataPath: DATA_PATH,
    maxBytesPerFile: 1000,
    maxMsgSize: 100,
    syncEvery: 2500,
    syncTimeoutMs: 2000,
    thread: 0,
    ...options,
  });
}

/** Steps until there is nothing to do. */
function settle(loop: IoLoop, nowMs = 0): void {
  while (loop.step(nowMs) > 0);
}

function brief(answers: readonly DiskAnswer[]): string[] {
  return answers.map(({ type, queue, isOk, unread, numbers }) =>
    [type, queue, isOk ? 'ok' : 'failed', unread, ...numbers].join(' '),
  );
}

function metadataText(disk: MemoryFileSystem, queue: string): string {
  return disk.content(`${DATA_PATH}/${queue}.diskqueue.meta.dat`).toString();
}

test('IoLoop: answers every request but FINISH and UPDATE, in the order of the requests', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.open(2, 't:c');
  pump.append(2, 1, 2, 3);
  pump.read(2, 2 * RECORD_BYTES);
  pump.finish(2, [0, 1]);
  pump.update(2, [1, 7, 0]);
  pump.read(2);
  pump.read(2);
  pump.append(1, 9);
  pump.empty(1);
  pump.delete(1);
  pump.close(2);
  pump.end();

  settle(loop);

  assert.deepEqual(brief(pump.take()), [
    'OPENED 1 ok 0',
    'OPENED 2 ok 0',
    'APPENDED 2 ok 3',
    'RECORDS 2 ok 1 1 2',
    'RECORDS 2 ok 0 3',
    'RECORDS 2 ok 0',
    'APPENDED 1 ok 1',
    'EMPTIED 1 ok 0',
    'DELETED 1 ok 0',
    'CLOSED 2 ok 0',
  ]);
  assert.deepEqual(disk.names(DATA_PATH), ['t:c.diskqueue.000000.dat', 't:c.diskqueue.meta.dat']);
  assert.equal(metadataText(disk, 't:c'), `2\n0,${RECORD_BYTES}\n0,${3 * RECORD_BYTES}\n`);
  assert.deepEqual([loop.isDone, loop.nextDeadlineMs], [true, Number.POSITIVE_INFINITY]);
});

test('IoLoop: records that are not finished are handed out once more, as many as fit, with their latest states', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump], { maxBytesPerFile: 3 * RECORD_BYTES });
  pump.open(1, 't');
  pump.append(1, 1, 2, 3, 4, 5, 6);
  pump.read(1);
  pump.read(1);
  pump.update(1, [2, 70, 1_800_000_000_123]);
  pump.reread(1, 3 * RECORD_BYTES, [1, 2], [4, 2], [0, 1]);
  pump.reread(1, 4096, [5, 1], [0, 1]);
  // The first is handed out although it does not fit.
  pump.reread(1, 1, [5, 1], [0, 1]);
  settle(loop);

  const answers = pump.take().filter(({ type }) => type === 'REREAD_DONE');

  assert.deepEqual(
    answers.map(({ covered, reread, numbers, attempts, unread }) => [
      ...[covered, reread, numbers, attempts, unread],
    ]),
    [
      [3, [1, 2, 4], [2, 3, 5], [2, 70, 5], 0],
      [2, [5, 0], [6, 1], [6, 1], 0],
      [1, [5], [6], [6], 0],
    ],
  );
});

test('IoLoop: a record that is damaged when it is handed out once more is told to be lost', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.append(1, 1, 2, 3);
  pump.read(1);
  settle(loop);
  const handle = disk.openForWriting(`${DATA_PATH}/t.diskqueue.000000.dat`);
  assert.ok(handle !== 'missing');
  disk.write(handle, Buffer.from('?'), 0, 1, 2 * RECORD_BYTES - 1);
  disk.close(handle);
  pump.reread(1, 4096, [0, 3]);
  pump.reread(1, 4096, [1, 1]);
  settle(loop);
  disk.onCall = (action) => {
    if (action === 'read') throw new SystemError('EIO', action, 't');
  };
  pump.reread(1, 4096, [2, 1]);
  settle(loop);

  const answers = pump.take().filter(({ type }) => type === 'REREAD_DONE');

  assert.deepEqual(
    answers.map(({ covered, reread, isOk }) => [covered, reread, isOk]),
    [
      [3, [0, 2], true],
      [1, [], true],
      [0, [], false],
    ],
  );
  const damaged = `segment 0: the record at ${RECORD_BYTES} has changed since it was read`;
  assert.deepEqual(pump.log, [`4 DISKQUEUE(t): ${damaged}`, `4 DISKQUEUE(t): ${damaged}`]);
});

test('IoLoop: due times and attempts come back with the records that they were said of', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.append(1, 1);
  pump.appendDeferred(1, [2, 0], [3, 1_800_000_000_123]);
  pump.read(1, 2 * RECORD_BYTES);
  pump.read(1);
  pump.update(1, [0, 7, 1_900_000_000_456], [1, 8, 0]);
  pump.finish(1, [2, 1]);
  pump.close(1);
  pump.open(2, 't');
  pump.read(2);
  settle(loop);

  const answers = pump.take();

  const figures = answers.map(({ type, unread, unreadBytes, deferred }) =>
    [type, unread, unreadBytes, deferred].join(' '),
  );
  assert.deepEqual(figures, [
    'OPENED 0 0 0',
    `APPENDED 1 ${RECORD_BYTES} 0`,
    `APPENDED 3 ${3 * RECORD_BYTES} 1`,
    `RECORDS 1 ${RECORD_BYTES} 1`,
    'RECORDS 0 0 0',
    'CLOSED 0 0 0',
    `OPENED 2 ${2 * RECORD_BYTES} 1`,
    'RECORDS 0 0 0',
  ]);
  const records = answers.filter(({ type }) => type === 'RECORDS');
  assert.deepEqual(
    records.map(({ first, numbers, attempts, dueTimes }) => [first, numbers, attempts, dueTimes]),
    [
      [0, [1, 2], [1, 2], []],
      [2, [3], [3], [1_800_000_000_123]],
      [0, [1, 2], [7, 8], [1_900_000_000_456, 0]],
    ],
  );
});

test('IoLoop: due times find room beside as many records as the ring takes, and beside the largest', () => {
  for (const bodyBytes of [0, 1, 2, 3, 60]) {
    const disk = new MemoryFileSystem(DATA_PATH);
    const pump = new PumpSide(64 * 1024, 512);
    const loop = makeLoop(disk, [pump], { maxMsgSize: 60 });
    const { queue } = openQueue(disk, 't');
    const numbers = Array.from({ length: 40 }, (_, index) => index + 1);
    const record = (number: number): Buffer => diskRecord(number, 'x'.repeat(bodyBytes));
    const bytes = Buffer.concat(numbers.map(record));
    queue.append(bytes, 0, bytes.length, 40, numbers);
    queue.close();
    pump.open(1, 't');
    const dueTimes: number[] = [];

    for (let turn = 0; turn < 200 && dueTimes.length < 40; turn++) {
      pump.read(1, 100_000);
      loop.step(0);
      for (const answer of pump.take()) dueTimes.push(...answer.dueTimes);
    }

    assert.deepEqual(dueTimes, numbers);
  }
});

test('IoLoop: rings a pump once per turn with news, and not at all without', () => {
  const pump = new PumpSide();
  const other = new PumpSide();
  const loop = makeLoop(new MemoryFileSystem(DATA_PATH), [pump, other]);
  pump.open(1, 't');
  pump.append(1, 1);

  loop.step(0);
  loop.step(0);

  assert.deepEqual([pump.rings, other.rings], [1, 0]);
});

test('IoLoop: syncs a queue when the sync timeout is over, not before', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.append(1, 1);
  settle(loop, 100);
  pump.append(1, 2);
  settle(loop, 500);

  const deadlineMs = loop.nextDeadlineMs;
  settle(loop, 2099);
  const before = metadataText(disk, 't');
  settle(loop, 2100);

  assert.equal(deadlineMs, 2100);
  // As it was named when it was begun.
  assert.equal(before, '0\n0,0\n0,0\n');
  assert.equal(metadataText(disk, 't'), `2\n0,0\n0,${2 * RECORD_BYTES}\n`);
  assert.equal(loop.nextDeadlineMs, Number.POSITIVE_INFINITY);
});

test('IoLoop: syncs at the next turn after sync-every operations or a roll', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump], { syncEvery: 2, maxBytesPerFile: 50 });
  pump.open(1, 'often');
  pump.open(2, 'rolled');
  pump.append(1, 1, 2);
  pump.append(2, 1, 2, 3);

  loop.step(0);
  const deadlineMs = loop.nextDeadlineMs;
  settle(loop);

  assert.equal(deadlineMs, 0);
  assert.equal(metadataText(disk, 'often'), `2\n0,0\n1,${RECORD_BYTES}\n`);
  assert.equal(metadataText(disk, 'rolled'), `3\n0,0\n2,${RECORD_BYTES}\n`);
});

test('IoLoop: a failed sync is logged and tried again after the timeout', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.append(1, 1);
  settle(loop);
  disk.onCall = (action, path) => {
    if (action === 'rename') throw new SystemError('ENOSPC', action, path);
  };

  settle(loop, 2000);
  disk.onCall = () => undefined;
  const deadlineMs = loop.nextDeadlineMs;
  settle(loop, deadlineMs);
  pump.take();

  assert.equal(deadlineMs, 4000);
  assert.deepEqual(disk.names(DATA_PATH).at(-1), 't.diskqueue.meta.dat');
  assert.deepEqual(pump.log, [
    "4 DISKQUEUE(t): failed to sync - sync queue t: write metadata t.diskqueue.meta.dat: ENOSPC: rename '/data/t.diskqueue.meta.dat.0.tmp'",
  ]);
});

test('IoLoop: an append that fails is answered with the reason', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.append(1, 1);
  settle(loop);
  disk.capacityBytes = 50;
  pump.append(1, 2);
  settle(loop);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  pump.append(1, 3);
  pump.read(1);
  settle(loop);

  const answers = pump.take();

  assert.deepEqual(brief(answers).slice(2), [
    'APPENDED 1 failed 1',
    'APPENDED 1 ok 2',
    'RECORDS 1 ok 0 1 3',
  ]);
  assert.equal(
    answers[2].text,
    "write segment t.diskqueue.000000.dat: ENOSPC: write '/data/t.diskqueue.000000.dat'",
  );
});

test('IoLoop: a read that fails is answered, and may be tried again', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.append(1, 1);
  settle(loop);
  let reads = 0;
  disk.onCall = (action, path) => {
    if (action !== 'read' || !path.endsWith('.dat')) return;
    if (++reads < 3) throw new SystemError('EIO', action, path);
    // The second read of the next attempt fails: its answer's room is reserved by then.
    if (reads === 4) throw new SystemError('EIO', action, path);
  };
  for (let attempt = 0; attempt < 4; attempt++) pump.read(1);
  settle(loop);

  assert.deepEqual(brief(pump.take()).slice(2), [
    'RECORDS 1 failed 1',
    'RECORDS 1 failed 1',
    'RECORDS 1 failed 1',
    'RECORDS 1 ok 0 1',
  ]);
});

test('IoLoop: a queue that could not be opened is opened when that has become possible', () => {
  const disk = new MemoryFileSystem();
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  pump.open(2, 'u');
  pump.append(1, 1);
  pump.close(2);
  settle(loop);
  disk.makeDirectory(DATA_PATH);
  pump.append(1, 2);
  pump.read(1);
  settle(loop);

  const answers = pump.take();

  assert.deepEqual(brief(answers), [
    'OPENED 1 failed 0',
    'OPENED 2 failed 0',
    'APPENDED 1 failed 0',
    'CLOSED 2 ok 0',
    'APPENDED 1 ok 1',
    'RECORDS 1 ok 0 2',
  ]);
  assert.equal(answers[2].text, 'no data path "/data"');
});

test('IoLoop: a name is open once at a time', () => {
  const pumps = [new PumpSide(), new PumpSide()];
  const loop = makeLoop(new MemoryFileSystem(DATA_PATH), pumps);
  pumps[0].open(1, 't');
  settle(loop);
  pumps[1].open(1, 't');
  settle(loop);
  pumps[0].delete(1);
  settle(loop);
  pumps[1].append(1, 1);
  settle(loop);

  assert.deepEqual(brief(pumps[1].take()), ['OPENED 1 failed 0', 'APPENDED 1 ok 1']);
});

test('IoLoop: damage is logged on the link of the queue', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  disk.put(`${DATA_PATH}/t.diskqueue.000000.dat`, Buffer.from('no record'));
  const pumps = [new PumpSide(), new PumpSide()];
  const loop = makeLoop(disk, pumps);
  pumps[1].open(7, 't');
  pumps[1].read(7);
  settle(loop);

  assert.deepEqual(brief(pumps[1].take()), ['OPENED 7 ok 0', 'RECORDS 7 ok 0']);
  assert.deepEqual(pumps[0].take(), []);
  assert.deepEqual(pumps[1].log, [
    '3 DISKQUEUE(t): no metadata: 1 segments with 0 records found',
    '4 DISKQUEUE(t): segment 0: no record at 0, 9 bytes lost',
  ]);
});

test('IoLoop: log lines without room are kept, the latest of them', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide(64 * 1024, 512);
  const loop = makeLoop(disk, [pump]);
  for (let index = 0; index < 100; index++) {
    disk.put(`${DATA_PATH}/q${index}.diskqueue.000000.dat`, Buffer.alloc(0));
    pump.open(index, `q${index}`);
  }

  let answers = 0;
  for (let turn = 0; turn < 1000 && answers < 100; turn++) {
    loop.step(0);
    answers += pump.take(1).length;
  }
  for (let turn = 0; turn < 100; turn++) {
    loop.step(0);
    pump.take();
  }

  assert.equal(answers, 100);
  assert.ok(pump.log.length >= 64 && pump.log.length <= 101);
  assert.ok(pump.log.at(-1)?.includes('DISKQUEUE(q99)'));
});

test('IoLoop: a reply ring that is often full delays answers and loses none', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide(2048, 512);
  const loop = makeLoop(disk, [pump], { maxBytesPerFile: 300, maxMsgSize: 60 });
  pump.open(1, 't');
  const received: number[] = [];
  let next = 1;
  let finished = 0;
  let types = 0;

  for (let turn = 0; turn < 3000; turn++) {
    if (next <= 1000 && pump.append(1, next, next + 1)) next += 2;
    if (turn % 2 === 0) pump.read(1, 100 + (turn % 200));
    const unacked = received.length - finished;
    if (unacked > 10 && pump.finish(1, [finished, unacked])) finished = received.length;
    if (turn % 3 > 0) loop.step(turn);
    if (turn % 5 > 2) {
      for (const answer of pump.take(1 + (turn % 4))) {
        types++;
        assert.ok(answer.isOk);
        received.push(...answer.numbers);
      }
    }
  }

  assert.ok(types > 1000);
  assert.deepEqual(
    received,
    Array.from({ length: received.length }, (_, index) => index + 1),
  );
  assert.equal(received.length, 1000);
});

test('IoLoop: the links take turns, and a busy one does not keep the others waiting', () => {
  const pumps = [new PumpSide(1 << 20, 1 << 20), new PumpSide()];
  const loop = makeLoop(new MemoryFileSystem(DATA_PATH), pumps);
  pumps[0].open(1, 'busy');
  for (let index = 0; index < 5000; index++) pumps[0].append(1, index);
  pumps[1].open(1, 'quiet');
  pumps[1].append(1, 1);

  loop.step(0);

  assert.equal(pumps[1].take().length, 2);
  assert.ok(pumps[0].take().length < 1000);
});

test('IoLoop: twenty thousand idle queues hold no open file and no deadline, and their closing costs no call', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const calls = new Map<string, number>();
  disk.onCall = (action) => calls.set(action, (calls.get(action) ?? 0) + 1);
  const pump = new PumpSide(1 << 20, 1 << 20);
  const loop = makeLoop(disk, [pump]);
  for (let queue = 1; queue <= 20_000; queue++) {
    pump.open(queue, `topic-${queue}`);
    if (queue % 1000 === 0) {
      settle(loop);
      assert.equal(pump.take().length, 1000);
    }
  }

  const opening = new Map(calls);
  for (let queue = 1; queue <= 20_000; queue++) {
    pump.close(queue);
    if (queue % 1000 === 0) settle(loop);
  }

  assert.deepEqual(calls, opening);
  assert.equal(calls.get('list'), 1);
  assert.deepEqual([...calls.keys()], ['openForReading', 'size', 'list']);
  assert.deepEqual([disk.openCount, disk.names(DATA_PATH).length], [0, 0]);
  assert.equal(loop.nextDeadlineMs, Number.POSITIVE_INFINITY);
});

test('IoLoop: written queues beyond the bound of open files are all durable after their sync', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide(1 << 20, 1 << 20);
  const loop = makeLoop(disk, [pump]);
  for (let queue = 1; queue <= 400; queue++) {
    pump.open(queue, `t${queue}`);
    pump.append(queue, queue);
  }
  settle(loop, 0);
  const openCount = disk.openCount;

  settle(loop, 2000);

  const names = disk.names(DATA_PATH);
  const content = (name: string): Buffer => disk.content(`${DATA_PATH}/${name}`);
  for (let queue = 1; queue <= 400; queue++) {
    const files = readQueueFiles({ names, content }, `t${queue}`);
    assert.deepEqual([files.depth, files.problems], [1, []]);
  }
  assert.equal(openCount, 256);
});

test('IoLoop: what is finished and was not handed out is a bug, and ends the loop', () => {
  const pump = new PumpSide();
  const loop = makeLoop(new MemoryFileSystem(DATA_PATH), [pump]);
  pump.open(1, 't');
  pump.finish(1, [0, 1]);

  assert.throws(() => loop.step(0), /what is finished was read/);
});

test('IoLoop: a queue that could not be written is probed, and said to be writable when it is', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump]);
  pump.open(1, 't');
  disk.capacityBytes = 0;
  pump.append(1, 1);
  settle(loop);
  const refused = brief(pump.take());
  settle(loop, 1000);
  const stillFull = brief(pump.take());
  disk.capacityBytes = 1_000_000;
  settle(loop, 2000);

  assert.deepEqual(refused, ['OPENED 1 ok 0', 'APPENDED 1 failed 0']);
  assert.deepEqual([stillFull, brief(pump.take())], [[], ['WRITABLE 1 ok 0']]);
  assert.deepEqual(disk.names(`${DATA_PATH}/.ringmq`), []);
});

test('IoLoop: a disk with room for a block, and not for what was to be written, is not writable', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const options = { maxBytesPerFile: 1_000_000, maxMsgSize: 20_000 };
  const loop = makeLoop(disk, [pump], options);
  pump.open(1, 't');
  disk.capacityBytes = 5000;
  pump.appendBody(1, 'b'.repeat(8000));
  settle(loop);
  const refused = brief(pump.take());
  settle(loop, 1000);
  const stillFull = brief(pump.take());
  disk.capacityBytes = 10_000;
  settle(loop, 2000);

  assert.deepEqual(refused, ['OPENED 1 ok 0', 'APPENDED 1 failed 0']);
  assert.deepEqual([stillFull, brief(pump.take())], [[], ['WRITABLE 1 ok 0']]);
});

test('IoLoop: a limit on the size of files is told until a message that it refused would fit', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump], { maxBytesPerFile: 1_000_000, maxMsgSize: 20_000 });
  pump.open(1, 't');
  disk.fileBytesMax = 5000;
  pump.appendBody(1, 'b'.repeat(8000));
  settle(loop);
  const refused = brief(pump.take());
  settle(loop, 1000);
  const stillLimited = brief(pump.take());
  disk.fileBytesMax = 9000;
  settle(loop, 2000);

  assert.deepEqual(refused, ['OPENED 1 ok 0', 'APPENDED 1 failed 0']);
  assert.deepEqual([stillLimited, brief(pump.take())], [[], ['WRITABLE 1 ok 0']]);
});

test('IoLoop: a sync that failed is tried again with the probe, however long the sync timeout is', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump], { syncEvery: 1, syncTimeoutMs: 3_600_000 });
  pump.open(1, 't');
  pump.append(1, 1);
  settle(loop);
  disk.onCall = (action, path) => {
    if (action === 'sync') throw new SystemError('EIO', action, path);
  };
  pump.append(1, 2);
  settle(loop);
  pump.append(1, 3);
  settle(loop);
  const failed = brief(pump.take());
  disk.onCall = () => undefined;
  settle(loop, 1000);

  assert.deepEqual(failed.slice(-2), ['SYNCED 1 failed 2', 'APPENDED 1 failed 2']);
  assert.deepEqual(brief(pump.take()), ['SYNCED 1 ok 2', 'WRITABLE 1 ok 2']);
});

test('IoLoop: a pump hears of syncs that fail, and of the first that succeeds again', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const pump = new PumpSide();
  const loop = makeLoop(disk, [pump], { syncEvery: 1 });
  pump.open(1, 't');
  pump.append(1, 1);
  settle(loop);
  pump.take();
  disk.onCall = (action, path) => {
    if (action === 'sync') throw new SystemError('EIO', action, path);
  };
  pump.append(1, 1);
  settle(loop);
  const failed = brief(pump.take());
  disk.onCall = () => undefined;
  settle(loop, 10_000);
  settle(loop, 20_000);

  assert.deepEqual(failed, ['APPENDED 1 ok 2', 'SYNCED 1 failed 2']);
  assert.deepEqual(brief(pump.take()), ['SYNCED 1 ok 2']);
});
