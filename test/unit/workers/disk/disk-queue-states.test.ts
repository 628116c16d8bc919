import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskQueue } from '../../../../src/workers/disk/disk-queue.ts';
import { diskRecord, readQueueFiles } from '../../../support/disk-files.ts';
import {
  appendDeferred,
  appendNumbers,
  DATA_PATH,
  openQueue,
  readAllRecords,
  readRecords,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { SystemError } from '../../../support/system-error.ts';

/** Bytes of the record of `appendNumbers` with a number of one digit. */
const RECORD_BYTES = 39;
const ENTRY_BYTES = 20;
const SIDECARS = `${DATA_PATH}/.ringmq`;
const DUE = 1_800_000_000_123;

function makeDisk(): MemoryFileSystem {
  return new MemoryFileSystem(DATA_PATH);
}

/** Names of the queue's states. */
function stateFilesOf(disk: MemoryFileSystem): string[] {
  return disk.names(SIDECARS).filter((name) => name.endsWith('.notes'));
}

function messagesOf(disk: MemoryFileSystem): number[] {
  const content = (name: string): Buffer => disk.content(`${DATA_PATH}/${name}`);
  const files = readQueueFiles({ names: disk.names(DATA_PATH), content }, 'q');
  assert.deepEqual(files.problems, []);
  return files.messages.map((message) => Number.parseInt(message.id, 16));
}

/** Everything there is, each record as message, attempts and due time. */
function readBrief(queue: DiskQueue): string[] {
  return readAllRecords(queue).map(({ message, attempts, dueMs }) =>
    [message, attempts, dueMs].join(' '),
  );
}

function failOn(disk: MemoryFileSystem, action: string, part: string, code = 'EIO'): void {
  disk.onCall = (called, path) => {
    if (called === action && path.includes(part)) throw new SystemError(code, action, path);
  };
}

/** As somebody does who has the file open, as the queue has. */
function writeOver(disk: MemoryFileSystem, path: string, bytes: Buffer): void {
  const handle = disk.openForWriting(path);
  assert.ok(handle !== 'missing');
  disk.write(handle, bytes, 0, bytes.length, 0);
  disk.close(handle);
}

function failOnNothing(disk: MemoryFileSystem): void {
  disk.onCall = () => undefined;
}

test('DiskQueue: numbers go up by one for each record, over batches, segments and emptying', () => {
  const { queue } = openQueue(makeDisk(), 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3, 4, 5);

  const numbers = [...readRecords(queue, 1), ...readRecords(queue)].map(({ number }) => number);
  queue.empty();
  appendNumbers(queue, 6);
  numbers.push(...readRecords(queue).map(({ number }) => number));
  queue.finish(0, 6);

  assert.deepEqual([numbers, queue.depth], [[0, 1, 2, 3, 4, 5], 0]);
});

test('DiskQueue: what is finished behind others is not there again, once it was synced', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 3 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5, 6, 7);
  readAllRecords(queue);

  queue.finish(1, 1);
  queue.finish(3, 3);
  const before = readBrief(openQueue(disk, 'q').queue);
  queue.sync();
  const { queue: again, log } = openQueue(disk, 'q');
  const state = [again.unread, again.depth];
  const after = readBrief(again);

  assert.equal(before.length, 7);
  assert.deepEqual([state, after, log], [[3, 3], ['1 1 0', '3 3 0', '7 7 0'], []]);
  // To others they are there, and counted.
  assert.deepEqual(messagesOf(disk), [1, 2, 3, 4, 5, 6, 7]);
});

test('DiskQueue: a queue without anything special has no states', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  appendNumbers(queue, 1, 2, 3, 4, 5);
  readAllRecords(queue);
  queue.finish(0, 3);
  queue.sync();
  queue.close();

  assert.deepEqual(stateFilesOf(disk), []);
});

test('DiskQueue: attempts and due times of states are there after a crash, and the latest count', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 3 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4);
  readAllRecords(queue);

  queue.update(1, 7, DUE);
  queue.update(3, 65535, 0);
  queue.update(0, 3, DUE);
  queue.update(0, 4, 0);
  const { queue: again } = openQueue(disk, 'q');
  const { deferred } = again;

  assert.equal(deferred, 1);
  assert.deepEqual(readBrief(again), ['1 4 0', `2 7 ${DUE}`, '3 3 0', '4 65535 0']);
});

test('DiskQueue: deferred records are handed out with their due times, after a crash too', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 2 * RECORD_BYTES });
  appendNumbers(queue, 1);
  appendDeferred(queue, [2, 0], [3, DUE], [4, 1], [5, 2 ** 48 - 1]);

  const state = [queue.unread, queue.deferred, queue.unreadBytes];
  const again = readBrief(openQueue(disk, 'q').queue);
  const first = readRecords(queue, 3 * RECORD_BYTES);
  const left = [queue.unread, queue.deferred, queue.unreadBytes];

  assert.deepEqual(state, [5, 3, 5 * RECORD_BYTES]);
  assert.deepEqual(again, ['1 1 0', '2 2 0', `3 3 ${DUE}`, '4 4 1', `5 5 ${2 ** 48 - 1}`]);
  assert.deepEqual(
    first.map(({ dueMs }) => dueMs),
    [0, 0, DUE],
  );
  assert.deepEqual(left, [2, 2, 2 * RECORD_BYTES]);
});

test('DiskQueue: a deferred append whose states cannot be written keeps nothing', () => {
  for (const action of ['makeDirectory', 'create', 'write']) {
    const disk = makeDisk();
    const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
    appendNumbers(queue, 1);
    if (action === 'makeDirectory') disk.removeDirectory(SIDECARS);
    failOn(disk, action, action === 'makeDirectory' ? '.ringmq' : '.notes', 'ENOSPC');

    assert.throws(() => appendDeferred(queue, [2, DUE], [3, DUE]));
    failOnNothing(disk);
    appendNumbers(queue, 4);
    appendDeferred(queue, [5, DUE]);

    assert.deepEqual(readBrief(openQueue(disk, 'q').queue), ['1 1 0', '4 4 0', `5 5 ${DUE}`]);
    assert.deepEqual(readBrief(queue), ['1 1 0', '4 4 0', `5 5 ${DUE}`]);
  }
});

test('DiskQueue: states that could not be undone are, before the same record is there without', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 200 });
  appendDeferred(queue, [1, DUE]);
  // The second segment's states fail, those in the first are written by then.
  disk.onCall = (action, path) => {
    const isSecond = action === 'create' && path.includes('000001.notes');
    const isUndo = action === 'truncate' && path.endsWith('.notes');
    if (isSecond || isUndo) throw new SystemError('EIO', action, path);
  };
  const numbers = [2, 3, 4, 5, 6];

  assert.throws(() => appendDeferred(queue, ...numbers.map((n) => [n, DUE] as const)));
  assert.throws(() => appendNumbers(queue, ...numbers));
  failOnNothing(disk);
  appendNumbers(queue, ...numbers);

  const expected = [`1 1 ${DUE}`, ...numbers.map((n) => `${n} ${n} 0`)];
  assert.deepEqual(readBrief(openQueue(disk, 'q').queue), expected);
  assert.deepEqual(readBrief(queue), expected);
  assert.ok(log.length > 0);
});

test('DiskQueue: a state that cannot be written is written with a later sync', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2, 3);
  queue.sync();
  readAllRecords(queue);
  failOn(disk, 'create', '.notes', 'EMFILE');

  queue.update(1, 7, DUE);
  queue.update(2, 8, 0);
  const before = readBrief(openQueue(disk, 'q').queue);
  assert.throws(() => queue.sync());
  failOnNothing(disk);
  const { isUnsynced } = queue;
  queue.sync();

  assert.ok(isUnsynced);
  assert.deepEqual(before, ['1 1 0', '2 2 0', '3 3 0']);
  assert.deepEqual(readBrief(openQueue(disk, 'q').queue), ['1 1 0', `2 7 ${DUE}`, '3 8 0']);
  assert.equal(log.length, 1);
});

test('DiskQueue: states are synced before the metadata, and written again after a sync that failed', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2, 3);
  queue.sync();
  readAllRecords(queue);
  queue.finish(1, 1);
  failOn(disk, 'sync', '.notes');
  assert.throws(() => queue.sync());
  const calls: string[] = [];
  disk.onCall = (action, path) => {
    if (['write', 'sync', 'syncDirectory'].includes(action)) calls.push(`${action} ${path}`);
  };

  queue.finish(0, 1);
  queue.sync();

  const states = `${SIDECARS}/q.diskqueue.000000.notes`;
  const at = calls.indexOf(`sync ${states}`);
  assert.ok(at > 0);
  assert.ok(calls.slice(0, at).includes(`write ${states}`));
  assert.ok(calls.indexOf(`syncDirectory ${SIDECARS}`) > at);
  assert.ok(calls.indexOf(`sync ${DATA_PATH}/q.diskqueue.meta.dat.0.tmp`) > at);
});

test('DiskQueue: finishes that lie near each other are written with one write', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 1_000_000 });
  const numbers = Array.from({ length: 600 }, (_, index) => index + 1);
  appendNumbers(queue, ...numbers);
  readAllRecords(queue);
  queue.sync();
  let writes = 0;
  disk.onCall = (action, path) => {
    if (action === 'write' && path.endsWith('.notes')) writes++;
  };

  for (let number = 1; number < 600; number += 2) queue.finish(number, 1);
  queue.sync();

  assert.equal(writes, 1);
  assert.equal(readBrief(openQueue(disk, 'q').queue).length, 300);
});

test('DiskQueue: writing down what is finished keeps the states on what waits between', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2, 3, 4, 5);
  readAllRecords(queue);
  queue.update(2, 9, DUE);

  queue.finish(1, 1);
  queue.finish(3, 1);
  queue.sync();

  assert.deepEqual(readBrief(openQueue(disk, 'q').queue), ['1 1 0', `3 9 ${DUE}`, '5 5 0']);
});

test('DiskQueue: states on records that somebody has written over cost nothing', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2, 3, 4);
  readAllRecords(queue);
  queue.finish(1, 2);
  queue.update(3, 9, DUE);
  queue.sync();
  const states = disk.content(`${SIDECARS}/q.diskqueue.000000.notes`);
  queue.empty();
  // As by nsqd, which begins again at segment 0 in a directory without this queue.
  const records = [5, 6, 7, 8].map((number) => diskRecord(number, `message ${number}`));
  disk.put(`${DATA_PATH}/q.diskqueue.000000.dat`, Buffer.concat(records));
  disk.put(`${DATA_PATH}/q.diskqueue.meta.dat`, Buffer.from(`4\n0,0\n0,${4 * RECORD_BYTES}\n`));
  disk.put(`${SIDECARS}/q.diskqueue.000000.notes`, states);
  const { queue: again, log } = openQueue(disk, 'q');

  assert.ok(again.unread > 0);
  assert.deepEqual(readBrief(again), ['5 5 0', '6 6 0', '7 7 0', '8 8 0']);
  assert.deepEqual([again.unread, again.depth, again.deferred, log], [0, 4, 0, []]);
  again.close();
  assert.deepEqual(messagesOf(disk), [5, 6, 7, 8]);
});

test('DiskQueue: what a crash has left of earlier segments goes with a sync, sidecars of later ones at once', () => {
  const disk = makeDisk();
  const limits = { maxBytesPerFile: 2 * RECORD_BYTES };
  const { queue } = openQueue(disk, 'q', limits);
  appendNumbers(queue, 1, 2, 3, 4, 5);
  readAllRecords(queue);
  queue.update(0, 1, DUE);
  queue.finish(0, 2);
  disk.put(`${SIDECARS}/q.diskqueue.000007.notes`, Buffer.alloc(16));
  disk.put(`${SIDECARS}/q.diskqueue.000007.sums`, Buffer.alloc(16));
  disk.put(`${SIDECARS}/other.diskqueue.000007.notes`, Buffer.alloc(16));
  const names = (): string[] => disk.names(SIDECARS).filter((name) => name.startsWith('q.'));

  // Killed here, when metadata begins behind the first segment, which is not removed yet.
  disk.onCall = (action) => {
    if (action === 'remove') throw new SystemError('EIO', action, '');
  };
  queue.sync();
  disk.onCall = () => undefined;
  const { queue: again } = openQueue(disk, 'q', limits);
  const before = names();
  again.sync();

  const rest = ['1.sums', '2.sums'].map((name) => `q.diskqueue.00000${name}`);
  rest.push('q.diskqueue.meta.copy');
  assert.deepEqual(before, ['q.diskqueue.000000.notes', 'q.diskqueue.000000.sums', ...rest]);
  assert.deepEqual(names(), rest);
  assert.ok(!disk.names(DATA_PATH).includes('q.diskqueue.000000.dat'));
  assert.ok(disk.names(SIDECARS).includes('other.diskqueue.000007.notes'));
});

test('DiskQueue: states go with their segments', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 2 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5);
  readAllRecords(queue);
  for (const number of [0, 2, 4]) queue.update(number, 1, DUE);
  const names = [stateFilesOf(disk)];

  queue.finish(0, 2);
  queue.sync();
  names.push(stateFilesOf(disk));
  queue.empty();
  names.push(disk.names(SIDECARS));
  appendDeferred(queue, [6, DUE]);
  names.push(stateFilesOf(disk));
  queue.delete();
  names.push(disk.names(SIDECARS), disk.names(DATA_PATH));

  const states = (...numbers: readonly number[]): string[] =>
    numbers.map((number) => `q.diskqueue.00000${number}.notes`);
  assert.deepEqual(names, [states(0, 1, 2), states(1, 2), [], states(3), [], []]);
});

test('DiskQueue: few records that keep a segment are moved to the end, and it goes', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 4 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  readAllRecords(queue);
  queue.update(2, 77, DUE);
  queue.finish(0, 2);
  queue.finish(3, 1);

  queue.sync();
  const names = disk.names(DATA_PATH);
  const brief = readBrief(openQueue(disk, 'q').queue);
  const ahead = [queue.unread, queue.unreadBytes, queue.depth, readAllRecords(queue).length];
  queue.update(2, 78, 0);
  const written = readBrief(openQueue(disk, 'q').queue);
  queue.finish(2, 1);
  queue.finish(4, 5);
  queue.close();

  assert.ok(!names.includes('q.diskqueue.000000.dat'));
  assert.deepEqual(brief, ['5 5 0', '6 6 0', '7 7 0', '8 8 0', '9 9 0', `3 77 ${DUE}`]);
  assert.deepEqual(ahead, [0, 0, 6, 0]);
  assert.deepEqual(written.at(-1), '3 78 0');
  assert.deepEqual([messagesOf(disk), log], [[], []]);
});

test('DiskQueue: damage in front of records that were moved does not bring them twice', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 4 * RECORD_BYTES + 8 });
  appendNumbers(queue, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
  readAllRecords(queue);
  appendNumbers(queue, 24);
  queue.finish(0, 3);
  queue.finish(4, 3);
  // Each moves what is left of the oldest segment.
  queue.sync();
  queue.sync();
  const path = `${DATA_PATH}/q.diskqueue.000003.dat`;
  const bytes = disk.content(path);
  const size = bytes.readInt32BE(0) + 4;
  // The record that is next seems to reach over the first that was moved, and no checksum tells that it does not.
  bytes.writeInt32BE(2 * size - 4, size);
  writeOver(disk, path, bytes);
  writeOver(disk, `${SIDECARS}/q.diskqueue.000003.sums`, Buffer.alloc(4 * ENTRY_BYTES));

  const ahead = readBrief(queue);

  assert.deepEqual([bytes.length, ahead, queue.unread], [4 * size, ['24 24 0'], 0]);
});

test('DiskQueue: a record that is moved has its attempts in its bytes, for others to read', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 4 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5);
  readAllRecords(queue);
  queue.update(1, 77, 0);
  queue.finish(2, 1);
  queue.close();

  const content = (name: string): Buffer => disk.content(`${DATA_PATH}/${name}`);
  const { messages } = readQueueFiles({ names: disk.names(DATA_PATH), content }, 'q');
  assert.deepEqual(
    messages.map(({ id, attempts }) => [Number.parseInt(id, 16), attempts]),
    [
      [4, 4],
      [5, 5],
      [1, 1],
      [2, 77],
    ],
  );
});

test('DiskQueue: what was moved goes from its old place only when it is durable in its new one', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 4 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  queue.sync();
  readAllRecords(queue);
  queue.finish(0, 3);
  failOn(disk, 'sync', '.dat');
  assert.throws(() => queue.sync());
  queue.finish(4, 1);

  const names = disk.names(DATA_PATH);
  failOnNothing(disk);
  queue.sync();

  assert.ok(names.includes('q.diskqueue.000000.dat'));
  assert.ok(!disk.names(DATA_PATH).includes('q.diskqueue.000000.dat'));
  assert.deepEqual(
    readAllRecords(openQueue(disk, 'q').queue).map(({ message }) => message),
    [6, 7, 8, 9, 4],
  );
});

test('DiskQueue: disk usage stays near what is alive, however long one record waits', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 1000 });
  appendNumbers(queue, 1);
  readAllRecords(queue);
  let most = 0;
  for (let round = 1; round <= 200; round++) {
    const count = 20;
    appendNumbers(queue, ...Array.from({ length: count }, (_, index) => 2 + round * count + index));
    const [first] = readAllRecords(queue);
    queue.finish(first.number, count);
    queue.sync();
    const names = disk.names(DATA_PATH).filter((name) => name.endsWith('.dat'));
    most = Math.max(most, names.length);
  }

  assert.ok(most <= 4, `${most} files`);
  assert.deepEqual([queue.depth, log], [1, []]);
  queue.finish(0, 1);
  queue.close();
  assert.deepEqual(messagesOf(disk), []);
});

test('DiskQueue: moving that fails leaves the records where they are, and is tried again', () => {
  const disk = makeDisk();
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 4 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5, 6, 7, 8);
  appendNumbers(queue, 9);
  readAllRecords(queue);
  queue.finish(0, 3);
  failOn(disk, 'write', '000002.dat', 'ENOSPC');
  queue.sync();
  const names = disk.names(DATA_PATH);
  failOnNothing(disk);
  queue.sync();

  assert.ok(names.includes('q.diskqueue.000000.dat'));
  assert.ok(!disk.names(DATA_PATH).includes('q.diskqueue.000000.dat'));
  assert.equal(log.length, 1);
  assert.equal(readBrief(openQueue(disk, 'q').queue).length, 6);
});

test('DiskQueue: nsqd finds no finished record in a queue that was closed, and all others', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 3 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5, 6, 7);
  readRecords(queue, 5 * RECORD_BYTES);
  queue.finish(1, 1);
  queue.finish(3, 1);

  queue.close();

  assert.deepEqual(messagesOf(disk), [5, 6, 7, 1, 3]);
});

test('DiskQueue: a queue that is closed before it has read on has no finished record for nsqd either', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 3 * RECORD_BYTES });
  appendNumbers(queue, 1, 2, 3, 4, 5, 6, 7);
  readAllRecords(queue);
  queue.finish(4, 1);
  queue.sync();
  // Killed here.
  const { queue: again } = openQueue(disk, 'q', { maxBytesPerFile: 3 * RECORD_BYTES });

  again.close();

  assert.deepEqual(messagesOf(disk), [6, 7, 1, 2, 3, 4]);
});

test('DiskQueue: a queue with too much before its finished records is closed as it is', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 1 << 30, maxMsgSize: 1 << 26 });
  const record = diskRecord(1, 'x'.repeat(33 << 20));
  for (let count = 0; count < 2; count++) queue.append(record, 0, record.length, 1);
  appendNumbers(queue, 2);
  readAllRecords(queue);
  queue.finish(2, 1);

  queue.close();
  const { queue: again } = openQueue(disk, 'q', { maxMsgSize: 1 << 26 });

  assert.equal(messagesOf(disk).length, 3);
  assert.deepEqual([again.unread, readAllRecords(again).length], [2, 2]);
});

test('DiskQueue: many finished records ahead of the reader are passed when it is opened', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 1_000_000 });
  const numbers = Array.from({ length: 10_000 }, (_, index) => index + 1);
  appendNumbers(queue, ...numbers);
  readAllRecords(queue, 100_000);
  queue.finish(1, 9_998);
  queue.sync();
  const { queue: again, log } = openQueue(disk, 'q');
  let reads = 0;
  disk.onCall = (action) => {
    if (action === 'read') reads++;
  };

  const state = [again.unread, again.depth];
  const messages = readAllRecords(again).map(({ message }) => message);

  assert.deepEqual([state, messages, log], [[2, 2], [1, 10_000], []]);
  assert.ok(reads < 200, `${reads} reads`);
});

test('DiskQueue: states that cannot be read fail the read, and it may be tried again', () => {
  const disk = makeDisk();
  const { queue: writer } = openQueue(disk, 'q');
  appendDeferred(writer, [1, DUE], [2, DUE]);
  writer.close();
  failOn(disk, 'read', '.notes');
  assert.throws(() => openQueue(disk, 'q'), /read segment q.diskqueue.000000.notes/);
  failOnNothing(disk);
  const { queue } = openQueue(disk, 'q', { openFilesMax: 1 });
  // Another queue's states are in the buffer now.
  const { queue: other } = openQueue(disk, 'other');
  appendDeferred(other, [3, DUE]);
  readAllRecords(other);
  failOn(disk, 'read', '.notes');

  assert.throws(() => readAllRecords(queue));
  failOnNothing(disk);

  assert.deepEqual(readBrief(queue), [`1 1 ${DUE}`, `2 2 ${DUE}`]);
});

test('DiskQueue: a damaged state is none', () => {
  const disk = makeDisk();
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, 1, 2);
  readAllRecords(queue);
  queue.finish(1, 1);
  queue.sync();
  const path = `${SIDECARS}/q.diskqueue.000000.notes`;
  const states = disk.content(path);
  for (let at = 16; at < 32; at++) {
    for (const mask of [1, 3, 0x80, 0xff]) {
      const damaged = Buffer.from(states);
      damaged[at] ^= mask;
      disk.put(path, damaged);

      assert.deepEqual(readBrief(openQueue(disk, 'q').queue), ['1 1 0', '2 2 0']);
    }
  }
  disk.put(path, states);
  assert.deepEqual(readBrief(openQueue(disk, 'q').queue), ['1 1 0']);
});
