import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NodeFileSystem } from '../../../../src/workers/disk/files/file-system.ts';
import { readQueueFiles } from '../../../support/disk-files.ts';
import {
  appendDeferred,
  appendNumbers,
  DATA_PATH,
  openQueue,
  readAll,
  readAllRecords,
  readNumbers,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';

const RECORD_BYTES = 39;
const METADATA = `${DATA_PATH}/q.diskqueue.meta.dat`;
const METADATA_COPY = `${DATA_PATH}/.ringmq/q.diskqueue.meta.copy`;

function segmentPath(segment: number): string {
  return `${DATA_PATH}/q.diskqueue.${String(segment).padStart(6, '0')}.dat`;
}

/** A copy of a directory that nsqd wrote. */
function copyFixture(t: TestContext, fixture: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(directory, { recursive: true }));
  cpSync(join(import.meta.dirname, '../../../fixtures', fixture), directory, { recursive: true });
  return directory;
}

function filesOf(directory: string, queue: string): ReturnType<typeof readQueueFiles> {
  const content = (name: string): Buffer => readFileSync(join(directory, name));
  return readQueueFiles({ names: readdirSync(directory), content }, queue);
}

/** A disk with a closed queue of these numbers. */
function makeDisk(maxBytesPerFile: number, ...numbers: readonly number[]): MemoryFileSystem {
  const disk = new MemoryFileSystem(DATA_PATH);
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile });
  appendNumbers(queue, ...numbers);
  queue.close();
  return disk;
}

function bodies(count: number, first: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `message-${String(first + index).padStart(3, '0')}-${'x'.repeat(20)}`,
  );
}

const GOLDEN: readonly {
  readonly fixture: string;
  readonly queue: string;
  readonly bodies: readonly string[];
  readonly attempts?: readonly number[];
  readonly log?: number;
}[] = [
  { fixture: 'finished', queue: 'f', bodies: [] },
  { fixture: 'finished', queue: 'f:c', bodies: [] },
  { fixture: 'in-flight', queue: 't', bodies: [] },
  {
    fixture: 'in-flight',
    queue: 't:c',
    bodies: ['in memory', 'in flight', 'deferred'],
    attempts: [0, 1, 1],
  },
  { fixture: 'multi-file', queue: 'q', bodies: [] },
  { fixture: 'multi-file', queue: 'q:c', bodies: bodies(25, 15) },
  { fixture: 'paused', queue: 'go', bodies: [] },
  { fixture: 'paused', queue: 'go:free', bodies: ['x', 'y'] },
  { fixture: 'paused', queue: 'go:pc', bodies: ['x', 'y'] },
  { fixture: 'paused', queue: 'pt', bodies: ['held 1', 'held 2'] },
  { fixture: 'paused', queue: 'pt:a', bodies: [] },
  { fixture: 'stale-metadata', queue: 's', bodies: ['a', 'b', 'c', 'd', 'e'], log: 1 },
  { fixture: 'topic-backlog', queue: 'lonely', bodies: ['one', 'two', 'three', 'four'] },
  { fixture: 'truncated-tail', queue: 'u', bodies: ['first', 'second'], log: 3 },
  { fixture: 'two-channels', queue: 'w', bodies: [] },
  { fixture: 'two-channels', queue: 'w:slow', bodies: bodies(12, 0) },
  {
    fixture: 'two-channels',
    queue: 'w:fast',
    bodies: [...bodies(9, 3), ...bodies(1, 2)],
    attempts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  },
];

for (const { fixture, queue: name, bodies: expected, attempts, log: lines = 0 } of GOLDEN) {
  test(`DiskQueue: opens "${name}" of nsqd's directory "${fixture}"`, (t) => {
    const directory = copyFixture(t, fixture);
    const { queue, log } = openQueue(new NodeFileSystem(), name, {}, directory);

    const depth = queue.depth;
    const messages = readAll(queue, 200);
    queue.close();

    assert.equal(depth, expected.length);
    assert.deepEqual(
      messages.map((message) => message.body),
      expected,
    );
    assert.deepEqual(
      messages.map((message) => message.attempts),
      attempts ?? expected.map(() => 0),
    );
    assert.equal(log.length, lines, log.join('\n'));
    if (fixture !== 'truncated-tail') {
      assert.deepEqual(filesOf(directory, name).problems, []);
      assert.deepEqual(filesOf(directory, name).messages, messages);
    }
  });
}

test('DiskQueue: every queue of nsqd goes on where it is, and is then read to its end', (t) => {
  for (const { fixture, queue: name, bodies: expected } of GOLDEN) {
    const directory = copyFixture(t, fixture);
    const { queue } = openQueue(new NodeFileSystem(), name, { maxBytesPerFile: 300 }, directory);

    appendNumbers(queue, 1, 2);
    const messages = readAll(queue);
    queue.finish(0, messages.length);
    queue.close();

    assert.deepEqual(
      messages.map((message) => message.body),
      [...expected, 'message 1', 'message 2'],
    );
    const files = filesOf(directory, name);
    assert.deepEqual([files.depth, files.messages, files.problems], [0, [], []]);
  }
});

test('DiskQueue: a torn tail costs only the torn record, wherever the last segment ends', () => {
  const whole = makeDisk(3 * RECORD_BYTES, 1, 2, 3, 4, 5, 6).content(segmentPath(1));
  for (let size = 0; size <= whole.length; size++) {
    for (const isSynced of [true, false]) {
      const disk = makeDisk(3 * RECORD_BYTES, 1, 2, 3, 4, 5, 6);
      disk.put(segmentPath(1), whole.subarray(0, size));
      if (!isSynced) disk.put(METADATA, Buffer.from('3\n0,0\n0,117\n'));
      const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 3 * RECORD_BYTES });

      const depth = queue.depth;
      appendNumbers(queue, 7);
      const numbers = readNumbers(queue);
      queue.finish(0, numbers.length);
      queue.close();

      const kept = Math.floor(size / RECORD_BYTES);
      assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6].slice(0, 3 + kept).concat(7));
      assert.equal(depth, 3 + kept);
      const isTorn = size % RECORD_BYTES > 0;
      assert.equal(disk.names(DATA_PATH).includes('q.diskqueue.000001.dat.bad'), isTorn);
    }
  }
});

test('DiskQueue: zeros behind the last sync are no records', () => {
  const disk = makeDisk(1000, 1, 2);
  for (const zeros of [1, 4, 10, 30, 200]) {
    const records = disk.content(segmentPath(0)).subarray(0, 2 * RECORD_BYTES);
    disk.put(segmentPath(0), Buffer.concat([records, Buffer.alloc(zeros)]));
    const { queue } = openQueue(disk, 'q');

    assert.equal(queue.depth, 2);
    assert.deepEqual(readNumbers(queue), [1, 2]);
  }
});

test('DiskQueue: an unsynced record whose id was not written is none', () => {
  const disk = makeDisk(1000, 1, 2);
  const content = disk.content(segmentPath(0));
  content.fill(0, RECORD_BYTES + 14);
  disk.put(segmentPath(0), content);
  disk.put(METADATA, Buffer.from(`1\n0,0\n0,${RECORD_BYTES}\n`));
  const { queue } = openQueue(disk, 'q');

  const depth = queue.depth;

  assert.deepEqual([depth, readNumbers(queue)], [1, [1]]);
});

test('DiskQueue: segments above the metadata are found, counted and synced before they are named', () => {
  const disk = makeDisk(80, 1, 2, 3, 4, 5);
  disk.put(METADATA, Buffer.from(`1\n0,0\n0,${RECORD_BYTES}\n`));
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });
  const calls: string[] = [];
  disk.onCall = (action, path) => {
    if (action === 'sync' || action === 'rename') calls.push(`${action} ${path.slice(-10)}`);
  };

  const state = [queue.depth, queue.mustSync];
  queue.sync();

  assert.deepEqual(state, [5, true]);
  assert.deepEqual(calls, [
    'sync 000000.dat',
    'sync 000001.dat',
    'sync 000002.dat',
    'sync .dat.0.tmp',
    'rename .dat.0.tmp',
  ]);
  assert.equal(disk.content(METADATA).toString(), '5\n0,0\n3,0\n');
  assert.equal(log.length, 3);
  assert.deepEqual(readNumbers(queue), [1, 2, 3, 4, 5]);
});

test('DiskQueue: data without metadata is recovered, not overwritten', () => {
  const disk = makeDisk(80, 1, 2, 3, 4, 5);
  disk.delete(METADATA);
  disk.delete(METADATA_COPY);
  disk.delete(segmentPath(0));
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  const depth = queue.depth;
  appendNumbers(queue, 6);

  assert.deepEqual([depth, readNumbers(queue)], [3, [3, 4, 5, 6]]);
  assert.deepEqual(log, ['3 DISKQUEUE(q): no metadata: 2 segments with 3 records found']);
});

test('DiskQueue: a deferred record is still deferred when metadata, or its copy too, was removed', () => {
  for (const removed of [[METADATA], [METADATA, METADATA_COPY]]) {
    const disk = makeDisk(1000, 1, 2);
    const { queue: before } = openQueue(disk, 'q');
    appendDeferred(before, [3, 5000]);
    before.close();
    for (const path of removed) disk.delete(path);

    const { queue, log } = openQueue(disk, 'q');

    // In /stats the deferred one is not in the channel's depth, but in deferred_count.
    assert.deepEqual([queue.depth, queue.deferred, log.length], [3, 1, 1], log.join('\n'));
    assert.deepEqual(
      readAllRecords(queue).map(({ message, dueMs }) => [message, dueMs]),
      [
        [1, 0],
        [2, 0],
        [3, 5000],
      ],
    );
  }
});

test('DiskQueue: metadata that makes no sense is an error, and the segments are recovered', () => {
  for (const text of [
    '',
    'x',
    '1\n0,0\n',
    '1\n5,0\n4,0\n',
    '1\n0,9\n0,8\n',
    `1\n0,0\n0,${'9'.repeat(30)}\n`,
  ]) {
    const disk = makeDisk(80, 1, 2, 3);
    disk.put(METADATA, Buffer.from(text));
    const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

    const depth = queue.depth;

    assert.deepEqual([depth, readNumbers(queue)], [3, [1, 2, 3]]);
    assert.deepEqual(
      log.map((line) => line[0]),
      ['4'],
      text,
    );
  }
});

test('DiskQueue: metadata that cannot be read fails the opening and changes nothing', () => {
  const disk = makeDisk(80, 1, 2, 3);
  disk.onCall = (action, path) => {
    if (action === 'openForReading' && path === METADATA) throw new Error('EMFILE');
  };

  assert.throws(() => openQueue(disk, 'q'), /read metadata q.diskqueue.meta.dat/);
  disk.onCall = () => undefined;
  assert.deepEqual(readNumbers(openQueue(disk, 'q').queue), [1, 2, 3]);
});

test('DiskQueue: a first segment that is gone is said to be lost, and depth is counted again', () => {
  const disk = makeDisk(80, 1, 2, 3, 4, 5);
  disk.delete(segmentPath(0));
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  const depth = queue.depth;

  assert.deepEqual([depth, readNumbers(queue)], [3, [3, 4, 5]]);
  assert.deepEqual(log, [
    '4 DISKQUEUE(q): segment 0 is gone, its records are lost',
    '3 DISKQUEUE(q): depth is 3, metadata says 5',
  ]);
});

test('DiskQueue: segments are found above a write segment that is gone', () => {
  const disk = makeDisk(80, 1, 2, 3, 4, 5);
  disk.put(METADATA, Buffer.from(`1\n0,${RECORD_BYTES}\n0,${2 * RECORD_BYTES}\n`));
  disk.delete(segmentPath(0));
  disk.delete(segmentPath(1));
  const { queue, log } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  const depth = queue.depth;

  assert.deepEqual([depth, readNumbers(queue)], [1, [5]]);
  assert.deepEqual(
    log.filter((line) => line.startsWith('4')),
    ['4 DISKQUEUE(q): segment 0 is gone, its records are lost'],
  );
});

test('DiskQueue: metadata over a span of segments beyond counting is no trap', () => {
  const disk = makeDisk(80, 1, 2, 3);
  disk.put(METADATA, Buffer.from('3\n0,0\n900000000000,0\n'));
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  const numbers = readNumbers(queue);
  queue.empty();

  assert.deepEqual([numbers, disk.names(DATA_PATH)], [[1, 2, 3], []]);
});

test('DiskQueue: a missing write segment with nothing unread in it is begun anew', () => {
  const disk = makeDisk(80, 1);
  disk.delete(segmentPath(0));
  disk.put(METADATA, Buffer.from(`0\n0,${RECORD_BYTES}\n0,${RECORD_BYTES}\n`));
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  appendNumbers(queue, 2);

  assert.deepEqual(readNumbers(queue), [2]);
});

test('DiskQueue: nsqd of a negative depth is corrected', () => {
  const disk = makeDisk(80, 1, 2, 3);
  disk.put(METADATA, Buffer.from(`-4\n0,0\n1,${RECORD_BYTES}\n`));
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 80 });

  assert.equal(queue.depth, 3);
});
