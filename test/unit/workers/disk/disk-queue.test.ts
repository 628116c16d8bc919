import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQueueFiles } from '../../../support/disk-files.ts';
import {
  appendNumbers,
  DATA_PATH,
  openQueue,
  readAll,
  readBatch,
  readNumbers,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { SystemError } from '../../../support/system-error.ts';

/** Bytes of the record of `appendNumbers` with a number of one digit. */
const RECORD_BYTES = 39;

function makeDisk(): MemoryFileSystem {
  return new MemoryFileSystem(DATA_PATH);
}

function segmentPath(segment: number, queue = 'q'): string {
  return `${DATA_PATH}/${queue}.diskqueue.${String(segment).padStart(6, '0')}.dat`;
}

function metadataText(disk: MemoryFileSystem, queue = 'q'): string {
  return disk.content(`${DATA_PATH}/${queue}.diskqueue.meta.dat`).toString();
}

/** The data files, sorted. */
function segmentNames(disk: MemoryFileSystem): string[] {
  return disk.names(DATA_PATH).filter((name) => /\.\d{6}\.dat$/.test(name));
}

function filesOf(disk: MemoryFileSystem, maxBytes?: number): ReturnType<typeof readQueueFiles> {
  const names = disk.names(DATA_PATH);
  const content = (name: string): Buffer => disk.content(`${DATA_PATH}/${name}`);
  return readQueueFiles({ names, content }, 'q', maxBytes);
}

function failOn(disk: MemoryFileSystem, action: string, code: string, part = ''): void {
  disk.onCall = (called, path) => {
    if (called === action && path.includes(part)) throw new SystemError(code, action, path);
  };
}

/** For `assert.throws`: the system's error is the cause. */
function causedBy(code: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof Error && error.cause instanceof SystemError && error.cause.code === code;
}

/** Whether it went well. */
function isDone(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && error.cause !== undefined);
    return false;
  }
}

/** Leaves nothing of the checksums, as where nsqd has written the segments. */
function emptyChecksums(disk: MemoryFileSystem): void {
  for (const name of disk.names(`${DATA_PATH}/.ringmq`)) {
    if (!name.endsWith('.sums')) continue;
    const handle = disk.openForWriting(`${DATA_PATH}/.ringmq/${name}`);
    assert.ok(handle !== 'missing');
    disk.truncate(handle, 0);
  }
}

function failOnNothing(disk: MemoryFileSystem): void {
  disk.onCall = () => undefined;
}

test('DiskQueue: opening a queue with nothing on disk creates no file', () => {
  const disk = makeDisk();

  const { queue, log } = openQueue(disk, 'q');

  assert.deepEqual([queue.unread, queue.depth, queue.isUnsynced], [0, 0, false]);
  assert.deepEqual(disk.names(DATA_PATH), []);
  assert.deepEqual(log, []);
});

test('DiskQueue: a queue that nothing has happened to is closed without a trace', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 't:c');

  queue.close();

  assert.deepEqual(disk.names(DATA_PATH), []);
});

test('DiskQueue: records come back in order, and are gone when they are finished', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');

  appendNumbers(queue, 1, 2, 3);
  const before = [queue.unread, queue.depth];
  const numbers = readNumbers(queue);
  const between = [queue.unread, queue.depth];
  queue.finish(0, 3);

  assert.deepEqual(numbers, [1, 2, 3]);
  assert.deepEqual(
    [before, between, [queue.unread, queue.depth]],
    [
      [3, 3],
      [0, 3],
      [0, 0],
    ],
  );
});

test('DiskQueue: a batch in one segment is one write and one of its checksums, and nothing is synced for it', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1);
  const calls: string[] = [];
  disk.onCall = (action) => calls.push(action);

  appendNumbers(queue, 2, 3, 4);

  assert.deepEqual(
    calls.filter((action) => !['size', 'isLinked'].includes(action)),
    ['write', 'write'],
  );
});

test('DiskQueue: roll starts a new file before a record that would exceed the limit', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 100 });

  appendNumbers(queue, 1, 2, 3, 4, 5);
  appendNumbers(queue, 6, 7);
  queue.sync();

  const sizes = [0, 1, 2, 3].map((segment) => disk.content(segmentPath(segment)).length);
  assert.deepEqual(sizes, [78, 78, 78, RECORD_BYTES]);
  assert.equal(metadataText(disk), `7\n0,0\n3,${RECORD_BYTES}\n`);
  assert.deepEqual(filesOf(disk, 100).problems, []);
});

test('DiskQueue: a segment filled exactly to the limit is not left early', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 2 * RECORD_BYTES });

  appendNumbers(queue, 1, 2);
  queue.sync();

  assert.equal(metadataText(disk), `2\n0,0\n0,${2 * RECORD_BYTES}\n`);
});

test('DiskQueue: a record larger than the limit has a file of its own', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 20 });

  appendNumbers(queue, 1, 2);
  appendNumbers(queue, 3);

  const sizes = [0, 1, 2].map((segment) => disk.content(segmentPath(segment)).length);
  assert.deepEqual(sizes, [RECORD_BYTES, RECORD_BYTES, RECORD_BYTES]);
  assert.deepEqual(readNumbers(queue), [1, 2, 3]);
});

test('DiskQueue: a roll asks for a sync, and so do as many operations as sync-every', () => {
  const { queue: rolling } = openQueue(makeDisk(), 'q', { maxBytesPerFile: 50 });
  const { queue: counting } = openQueue(makeDisk(), 'q', { syncEvery: 4 });

  appendNumbers(rolling, 1, 2);
  appendNumbers(counting, 1, 2, 3);
  readNumbers(counting);
  const before = counting.mustSync;
  counting.finish(0, 1);
  const after = counting.mustSync;
  counting.sync();

  assert.deepEqual(
    [rolling.mustSync, before, after, counting.mustSync],
    [true, false, true, false],
  );
  assert.equal(counting.isUnsynced, false);
});

test('DiskQueue: sync writes segments before the directory, and both before metadata', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1);
  const calls: string[] = [];
  disk.onCall = (action, path) => {
    if (!['size', 'isLinked', 'close'].includes(action)) calls.push(`${action} ${path}`);
  };

  queue.sync();

  assert.deepEqual(calls, [
    'sync /data/q.diskqueue.000000.dat',
    'syncDirectory /data',
    'createOrEmpty /data/.ringmq/q.diskqueue.meta.copy',
    'write /data/.ringmq/q.diskqueue.meta.copy',
    'createOrEmpty /data/q.diskqueue.meta.dat.0.tmp',
    'write /data/q.diskqueue.meta.dat.0.tmp',
    'sync /data/q.diskqueue.meta.dat.0.tmp',
    'rename /data/q.diskqueue.meta.dat.0.tmp',
    'syncDirectory /data',
  ]);
});

test('DiskQueue: a sync with nothing new writes nothing', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1);
  queue.sync();
  const calls: string[] = [];
  disk.onCall = (action) => calls.push(action);

  queue.sync();

  assert.deepEqual(calls, []);
});

test('DiskQueue: the read position is the oldest unacked record', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2, 3);
  readNumbers(queue);

  queue.finish(0, 1);
  queue.sync();

  assert.equal(metadataText(disk), `2\n0,${RECORD_BYTES}\n0,${3 * RECORD_BYTES}\n`);
});

test('DiskQueue: what was read and not finished is there again after close', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3, 4, 5);
  readNumbers(queue);
  queue.finish(0, 3);

  queue.close();
  const { queue: again, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  assert.equal(again.depth, 2);
  assert.deepEqual(readNumbers(again), [4, 5]);
  assert.deepEqual(log, []);
});

test('DiskQueue: a segment whose last record is finished is removed once metadata begins behind it', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3, 4, 5);
  queue.sync();
  readNumbers(queue);

  queue.finish(0, 1);
  const states = [queue.mustSync];
  queue.finish(1, 1);
  states.push(queue.mustSync);
  const texts: string[] = [];
  disk.onCall = (action, path) => {
    if (action === 'remove' && path === segmentPath(0)) texts.push(metadataText(disk));
  };
  queue.sync();

  assert.deepEqual(states, [false, true]);
  assert.deepEqual(texts, [`3\n1,0\n2,${RECORD_BYTES}\n`]);
  assert.deepEqual(segmentNames(disk), ['q.diskqueue.000001.dat', 'q.diskqueue.000002.dat']);
});

test('DiskQueue: the write segment stays when everything is finished', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1);
  readNumbers(queue);
  queue.finish(0, 1);

  queue.close();

  assert.equal(metadataText(disk), `0\n0,${RECORD_BYTES}\n0,${RECORD_BYTES}\n`);
  assert.equal(disk.content(segmentPath(0)).length, RECORD_BYTES);
});

test('DiskQueue: a queue read to the end of a full segment goes on in the next one', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2);
  readNumbers(queue);
  queue.finish(0, 2);

  appendNumbers(queue, 3);
  const numbers = readNumbers(queue);
  queue.finish(2, 1);
  queue.close();

  assert.deepEqual([numbers, log], [[3], []]);
  assert.equal(metadataText(disk), `0\n1,${RECORD_BYTES}\n1,${RECORD_BYTES}\n`);
  assert.deepEqual(disk.names(DATA_PATH), ['q.diskqueue.000001.dat', 'q.diskqueue.meta.dat']);
});

test('DiskQueue: read fills its room with whole records, across segments', () => {
  const { queue } = openQueue(makeDisk(), 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3, 4, 5);

  const batches = [readBatch(queue, 1), readBatch(queue, 3 * RECORD_BYTES + 20), readBatch(queue)];

  assert.deepEqual(
    batches.map((batch) => batch.map((message) => message.body)),
    [['message 1'], ['message 2', 'message 3', 'message 4'], ['message 5']],
  );
});

test('DiskQueue: a record of an impossible size is refused as by nsqd', () => {
  const { queue } = openQueue(makeDisk(), 'q', { maxMsgSize: 10 });
  const record = Buffer.alloc(41);
  record.writeInt32BE(37, 0);

  assert.throws(() => queue.append(record, 0, 41, 1), {
    message: 'invalid message write size (37) minMsgSize=26 maxMsgSize=36',
  });
  assert.equal(queue.depth, 0);
});

test('DiskQueue: empty removes the files and goes on with a higher number', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3, 4, 5);
  queue.sync();
  readBatch(queue, 1);

  queue.empty();
  const names = disk.names(DATA_PATH);
  appendNumbers(queue, 6);
  queue.close();

  assert.deepEqual([names, queue.depth], [[], 1]);
  assert.equal(metadataText(disk), `1\n3,0\n3,${RECORD_BYTES}\n`);
});

test('DiskQueue: delete leaves no file', () => {
  const disk = makeDisk();
  const { queue, openFiles } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3);
  queue.sync();

  queue.delete();

  assert.deepEqual(disk.names(DATA_PATH), []);
  assert.deepEqual([openFiles.count, disk.openCount], [0, 0]);
});

test('DiskQueue: a full disk keeps nothing of an append, in the segment it went on in or in new ones', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 100 });
  appendNumbers(queue, 1);
  for (const room of [0, 1, 30, 45, 70, 90, 130]) {
    disk.capacityBytes = RECORD_BYTES + room;

    assert.throws(() => appendNumbers(queue, 2, 3, 4, 5), causedBy('ENOSPC'));
    assert.deepEqual(segmentNames(disk), ['q.diskqueue.000000.dat']);
    assert.equal(disk.content(segmentPath(0)).length, RECORD_BYTES);
  }
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  appendNumbers(queue, 6, 7);

  assert.equal(queue.depth, 3);
  assert.deepEqual(readNumbers(queue), [1, 6, 7]);
});

test('DiskQueue: an append that could not be undone is undone before the next one', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 100 });
  appendNumbers(queue, 1);
  disk.capacityBytes = 130;
  failOn(disk, 'remove', 'EIO');

  assert.throws(() => appendNumbers(queue, 2, 3, 4), causedBy('ENOSPC'));
  assert.throws(() => appendNumbers(queue, 2, 3, 4), causedBy('EIO'));
  failOnNothing(disk);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  appendNumbers(queue, 5);

  assert.deepEqual(readNumbers(queue), [1, 5]);
  assert.equal(log.filter((line) => line.includes('failed to undo an append')).length, 1);
});

test('DiskQueue: transient errors change nothing, whatever call they come from', () => {
  for (const action of ['create', 'openForReading', 'openForWriting', 'read', 'size', 'write']) {
    for (const code of ['EMFILE', 'EIO', 'ENOMEM', 'ENOSPC', 'ENOENT']) {
      const disk = makeDisk();
      // With one open file at most, every other access has to open one.
      const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80, openFilesMax: 1 });
      appendNumbers(queue, 1, 2, 3);
      const expected = [1, 2, 3];
      failOn(disk, action, code);

      if (isDone(() => appendNumbers(queue, 4, 5))) expected.push(4, 5);
      isDone(() => queue.prepareRead(100));
      failOnNothing(disk);
      appendNumbers(queue, 6);

      assert.deepEqual(readNumbers(queue), [...expected, 6], `${action} ${code}`);
      assert.ok(disk.names(DATA_PATH).every((name) => !name.endsWith('.bad')));
    }
  }
});

test('DiskQueue: after a failed sync of a segment appends are refused until a sync has succeeded', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q');
  appendNumbers(queue, 1);
  failOn(disk, 'sync', 'EIO', '.000000.dat');

  assert.throws(() => queue.sync(), /sync queue q/);
  assert.throws(() => appendNumbers(queue, 2), /after a failed sync/);
  // Due at the sync timeout, not at every turn.
  const state = [queue.mustSync, queue.isUnsynced];
  failOnNothing(disk);
  assert.throws(() => appendNumbers(queue, 2), /after a failed sync/);
  queue.sync();
  appendNumbers(queue, 3);
  queue.close();

  assert.deepEqual(state, [false, true]);
  assert.equal(log.length, 1);
  assert.deepEqual(
    filesOf(disk).messages.map((message) => message.body),
    ['message 1', 'message 3'],
  );
});

test('DiskQueue: a sync that fails where a segment is left is tried again, though nothing else is to be synced', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 2 * RECORD_BYTES });
  appendNumbers(queue, 1);
  queue.sync();
  failOn(disk, 'sync', 'EIO', '.000000.dat');
  assert.throws(() => appendNumbers(queue, 2, 3), /sync segment/);
  failOnNothing(disk);

  const states = [[queue.mustSync, queue.isUnsynced]];
  queue.sync();
  states.push([queue.mustSync, queue.isUnsynced]);
  appendNumbers(queue, 2, 3);

  assert.deepEqual(states, [
    [false, true],
    [false, false],
  ]);
  assert.deepEqual(readNumbers(queue), [1, 2, 3]);
});

test('DiskQueue: what a failed sync has left is found when the queue is reopened', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1);
  failOn(disk, 'sync', 'EIO', '.000000.dat');
  assert.throws(() => queue.close());
  failOnNothing(disk);

  const { queue: again } = openQueue(disk, 'q');
  appendNumbers(again, 3);
  again.close();

  assert.deepEqual(
    filesOf(disk).messages.map((message) => message.body),
    ['message 1', 'message 3'],
  );
});

test('DiskQueue: a sync that failed because a file was closed to make room is not forgotten', () => {
  const disk = makeDisk();
  const { queue, openFiles } = openQueue(disk, 'q', { openFilesMax: 1 });
  failOn(disk, 'sync', 'EIO', '.000000.dat');
  appendNumbers(queue, 1);
  openFiles.create(`${DATA_PATH}/other`);
  failOnNothing(disk);

  assert.throws(() => queue.sync());
  assert.throws(() => appendNumbers(queue, 2), /after a failed sync/);
});

test('DiskQueue: metadata that cannot be written is tried again', () => {
  for (const action of ['createOrEmpty', 'rename', 'syncDirectory']) {
    const disk = makeDisk();
    const { queue } = openQueue(disk, 'q');
    appendNumbers(queue, 1);
    failOn(disk, action, 'ENOSPC');

    assert.throws(() => queue.sync());
    failOnNothing(disk);
    assert.deepEqual([queue.mustSync, queue.isUnsynced], [false, true]);
    queue.sync();

    assert.deepEqual(filesOf(disk).problems, []);
  }
});

test('DiskQueue: a data directory that vanishes refuses appends until it is back', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1);
  disk.removeDirectory(DATA_PATH);

  assert.throws(() => appendNumbers(queue, 2));
  assert.throws(() => queue.sync());
  assert.throws(() => appendNumbers(queue, 2));
  assert.throws(() => queue.prepareRead(100));
  disk.makeDirectory(DATA_PATH);
  appendNumbers(queue, 3);

  assert.deepEqual(readNumbers(queue), [3]);
  queue.close();
  assert.deepEqual(filesOf(disk).problems, []);
});

test('DiskQueue: opening in a data directory that is missing fails', () => {
  assert.throws(() => openQueue(new MemoryFileSystem(), 'q'), /no data path "\/data"/);
});

test('DiskQueue: a file that is in the way of a new segment is kept and read', () => {
  const disk = makeDisk();
  const { queue: other } = openQueue(disk, 'other');
  appendNumbers(other, 8, 9);
  const stranger = disk.content(segmentPath(0, 'other'));
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2);
  disk.put(segmentPath(1), stranger);

  appendNumbers(queue, 3);

  assert.equal(queue.depth, 5);
  assert.deepEqual(readNumbers(queue), [1, 2, 8, 9, 3]);
  assert.equal(log.length, 1);
});

test('DiskQueue: damage in the middle costs the rest of a segment without checksums, and its file is kept', () => {
  const disk = makeDisk();
  const limits = { maxBytesPerFile: 3 * RECORD_BYTES };
  const { queue: writer } = openQueue(disk, 'q', limits);
  appendNumbers(writer, 1, 2, 3, 4, 5, 6, 7);
  writer.close();
  const content = disk.content(segmentPath(1));
  content.writeInt32BE(5, RECORD_BYTES);
  disk.put(segmentPath(1), content);
  emptyChecksums(disk);
  const { queue, log } = openQueue(disk, 'q', limits);

  const numbers = readNumbers(queue);
  const depth = queue.depth;
  queue.finish(0, 4);
  queue.sync();
  const namesBefore = disk.names(DATA_PATH);
  queue.finish(4, 1);
  queue.sync();

  assert.deepEqual([numbers, depth], [[1, 2, 3, 4, 7], 5]);
  assert.ok(!namesBefore.includes('q.diskqueue.000000.dat'));
  assert.deepEqual(disk.names(DATA_PATH), [
    'q.diskqueue.000001.dat.bad',
    'q.diskqueue.000002.dat',
    'q.diskqueue.meta.dat',
  ]);
  assert.deepEqual(log, [
    `4 DISKQUEUE(q): segment 1: no record at ${RECORD_BYTES}, ${2 * RECORD_BYTES} bytes lost`,
  ]);
  assert.deepEqual(filesOf(disk).problems, []);
});

test('DiskQueue: a record with an impossible id costs only itself', () => {
  const disk = makeDisk();
  const { queue: writer } = openQueue(disk, 'q');
  appendNumbers(writer, 1, 2, 3, 4);
  writer.close();
  const content = disk.content(segmentPath(0));
  content[RECORD_BYTES + 20] = 0;
  disk.put(segmentPath(0), content);
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 200 });

  const numbers = [...readBatch(queue), ...readBatch(queue)].map((message) => message.body);
  const state = [queue.unread, queue.depth];
  appendNumbers(queue, 5, 6);
  readAll(queue);
  queue.finish(0, 5);
  queue.sync();

  assert.deepEqual(numbers, ['message 1', 'message 3', 'message 4']);
  assert.deepEqual(state, [0, 3]);
  assert.deepEqual(disk.names(DATA_PATH), [
    'q.diskqueue.000000.dat.bad',
    'q.diskqueue.000001.dat',
    'q.diskqueue.meta.dat',
  ]);
  assert.equal(log.length, 1);
});

test('DiskQueue: damage in the write segment moves writing to a new one first', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2, 3);
  const handle = disk.openForWriting(segmentPath(0));
  assert.ok(handle !== 'missing');
  disk.write(handle, Buffer.from('ffffffff', 'hex'), 0, 4, RECORD_BYTES);
  emptyChecksums(disk);

  const numbers = readNumbers(queue);
  const depth = queue.depth;
  appendNumbers(queue, 4);
  const later = readNumbers(queue);
  queue.finish(0, 2);
  queue.close();

  assert.deepEqual([numbers, depth, later], [[1], 1, [4]]);
  assert.equal(log.length, 1);
  assert.equal(metadataText(disk), `0\n1,${RECORD_BYTES}\n1,${RECORD_BYTES}\n`);
  assert.ok(disk.names(DATA_PATH).includes('q.diskqueue.000000.dat.bad'));
});

test('DiskQueue: a write segment that someone has cut off is read as far as it goes', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2, 3);
  queue.sync();
  const handle = disk.openForWriting(segmentPath(0));
  assert.ok(handle !== 'missing');
  disk.truncate(handle, 2 * RECORD_BYTES - 1);

  const numbers = readNumbers(queue);
  appendNumbers(queue, 4);

  assert.deepEqual([numbers, readNumbers(queue)], [[1], [4]]);
  assert.equal(queue.depth, 2);
  assert.equal(log.length, 1);
});

test('DiskQueue: a segment that is gone is passed, and depth is corrected', () => {
  const disk = makeDisk();
  const { queue: writer } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(writer, 1, 2, 3, 4, 5, 6, 7);
  writer.close();
  disk.delete(segmentPath(1));
  disk.delete(segmentPath(2));
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  const numbers = readNumbers(queue);

  assert.deepEqual([numbers, queue.depth], [[1, 2, 7], 3]);
  assert.deepEqual(log, ['4 DISKQUEUE(q): segment 1 is gone, its records are lost']);
});

test('DiskQueue: a depth that is too large is corrected when everything has been read', () => {
  const disk = makeDisk();
  const { queue: writer } = openQueue(disk, 'q');
  appendNumbers(writer, 1, 2);
  writer.close();
  disk.put(`${DATA_PATH}/q.diskqueue.meta.dat`, Buffer.from(`9\n0,0\n0,${2 * RECORD_BYTES}\n`));
  const { queue, log } = openQueue(disk, 'q');

  const numbers = readNumbers(queue);

  assert.deepEqual([numbers, queue.depth, log.length], [[1, 2], 2, 1]);
});

test('DiskQueue: a depth that is too small does not hide records', () => {
  const disk = makeDisk();
  const { queue: writer } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(writer, 1, 2, 3, 4, 5);
  writer.close();
  disk.put(`${DATA_PATH}/q.diskqueue.meta.dat`, Buffer.from(`1\n0,0\n2,${RECORD_BYTES}\n`));
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  assert.deepEqual(readNumbers(queue, 1), [1, 2, 3, 4, 5]);
});

test('DiskQueue: a damaged segment does not replace an older one of the same number', () => {
  const disk = makeDisk();
  disk.put(`${segmentPath(0)}.bad`, Buffer.from('older'));
  disk.put(segmentPath(0), Buffer.from('no record'));
  const { queue } = openQueue(disk, 'q');

  const numbers = readNumbers(queue);
  queue.sync();

  assert.deepEqual(numbers, []);
  assert.equal(disk.content(`${segmentPath(0)}.bad`).toString(), 'older');
  assert.equal(disk.content(`${segmentPath(0)}.bad.1`).toString(), 'no record');
});

test('DiskQueue: a segment that cannot be removed is removed by a later sync', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3);
  readNumbers(queue);
  failOn(disk, 'remove', 'EIO');
  queue.finish(0, 2);
  queue.sync();
  const states = [queue.isUnsynced];
  failOnNothing(disk);

  queue.sync();

  assert.deepEqual(disk.names(DATA_PATH), ['q.diskqueue.000001.dat', 'q.diskqueue.meta.dat']);
  assert.deepEqual([states, queue.isUnsynced, log.length], [[true], false, 1]);
});

test('DiskQueue: many queues share a bounded number of open files', () => {
  const disk = makeDisk();
  const first = openQueue(disk, 'q0', { openFilesMax: 4 });
  const queues = [first.queue];
  for (let index = 1; index < 20; index++) {
    queues.push(openQueue(disk, `q${index}`, { openFilesMax: 4 }).queue);
  }
  for (let round = 1; round <= 3; round++) {
    for (const queue of queues) appendNumbers(queue, round);
  }

  const numbers = queues.map((queue) => readNumbers(queue));

  assert.ok(numbers.every((list) => list.join() === '1,2,3'));
  assert.ok(first.openFiles.count <= 4);
});
