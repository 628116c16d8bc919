import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueueFiles } from '../../../../src/workers/disk/files/queue-files.ts';
import {
  appendNumbers,
  DATA_PATH,
  type OpenedQueue,
  openQueue,
  readAllRecords,
  readNumbers,
} from '../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { SystemError } from '../../../support/system-error.ts';

/**
 * Segments beside which lie the checksums of other records: a crash, nsqd or an operator has replaced one of both. They
 * must not make the queue begin again each time that it is opened.
 */

const FILES = new QueueFiles(DATA_PATH, 'q');
const CHECKSUMS = FILES.checksums(0);
const FOREIGN = /its checksums belong to other records/;
const ANOTHER = /segment 0 is not the one that metadata names/;

/** The files of a closed queue that was given these records and has finished the first ones. */
function makeFiles(numbers: readonly number[], finished: number): MemoryFileSystem {
  const disk = new MemoryFileSystem(DATA_PATH);
  const { queue } = openQueue(disk, 'q');
  appendNumbers(queue, ...numbers);
  if (finished > 0) {
    readAllRecords(queue);
    queue.finish(0, finished);
  }
  queue.close();
  return disk;
}

/** A queue with records 1 to 4, none finished, and the checksums of others. */
function withForeignChecksums(): MemoryFileSystem {
  const disk = makeFiles([1, 2, 3, 4], 0);
  disk.put(CHECKSUMS, makeFiles([11, 12, 13, 14], 0).content(CHECKSUMS));
  return disk;
}

/** A queue that has finished two records of four, and whose segment now has records 21 to 24. */
function withForeignSegment(): MemoryFileSystem {
  const disk = makeFiles([1, 2, 3, 4], 2);
  disk.put(FILES.segment(0), makeFiles([21, 22, 23, 24], 0).content(FILES.segment(0)));
  return disk;
}

function openWith(disk: MemoryFileSystem, pattern: RegExp, wanted: boolean): OpenedQueue {
  const opened = openQueue(disk, 'q');
  assert.equal(
    opened.log.some((line) => pattern.test(line)),
    wanted,
    opened.log.join(),
  );
  return opened;
}

/** How the calls that change these two files follow each other. */
function watch(disk: MemoryFileSystem): string[] {
  const calls: string[] = [];
  disk.onCall = (call, path) => {
    if (call === 'remove' && path === CHECKSUMS) calls.push('remove checksums');
    if (call === 'rename' && path === FILES.temporary) calls.push('write metadata');
  };
  return calls;
}

test('foreign checksums: what is finished stays finished, whenever the queue is opened', () => {
  const disk = withForeignChecksums();
  const first = openQueue(disk, 'q');
  assert.deepStrictEqual(readNumbers(first.queue), [1, 2, 3, 4]);
  assert.match(first.log.join(), FOREIGN);
  first.queue.finish(0, 1);
  first.queue.sync();

  // After a kill, and after a clean shutdown.
  const second = openWith(disk, ANOTHER, false);
  assert.deepStrictEqual(readNumbers(second.queue), [2, 3, 4]);
  second.queue.finish(0, 1);
  second.queue.close();
  const third = openWith(disk, ANOTHER, false);
  assert.deepStrictEqual(readNumbers(third.queue), [3, 4]);
});

test('foreign checksums: they are gone before metadata says what is finished', () => {
  const disk = withForeignChecksums();
  const { queue } = openQueue(disk, 'q');
  readNumbers(queue);
  queue.finish(0, 1);
  const calls = watch(disk);

  queue.sync();

  assert.deepStrictEqual(calls, ['remove checksums', 'write metadata']);
});

test('foreign checksums: a new segment names nothing finished while they are there', () => {
  const disk = withForeignChecksums();
  const { queue } = openQueue(disk, 'q', { maxBytesPerFile: 170 });
  readNumbers(queue);
  queue.finish(0, 1);
  const calls = watch(disk);

  appendNumbers(queue, 5);

  assert.deepStrictEqual(calls, ['remove checksums', 'write metadata']);
});

test('foreign segment: it is read from its start once', () => {
  const disk = withForeignSegment();
  const first = openWith(disk, ANOTHER, true);
  assert.deepStrictEqual(readNumbers(first.queue), [21, 22, 23, 24]);
  first.queue.finish(0, 1);
  first.queue.sync();

  const second = openWith(disk, ANOTHER, false);
  assert.deepStrictEqual(readNumbers(second.queue), [22, 23, 24]);
});

test('foreign segment: its checksums tell that it is another until metadata names its start', () => {
  const disk = withForeignSegment();
  const { queue } = openQueue(disk, 'q');
  readNumbers(queue);
  const calls = watch(disk);

  queue.sync();

  assert.deepStrictEqual(calls, ['write metadata', 'remove checksums']);
});

test('foreign checksums: if they cannot be removed that is said once, and tried again', () => {
  const disk = withForeignChecksums();
  const { queue, log } = openQueue(disk, 'q');
  readNumbers(queue);
  disk.onCall = (call, path) => {
    if (call === 'remove' && path === CHECKSUMS) throw new SystemError('EIO', call, path);
  };
  for (const number of [0, 1]) {
    queue.finish(number, 1);
    queue.sync();
  }
  const said = log.filter((line) => /failed to remove the checksums of segment 0/.test(line));
  assert.equal(said.length, 1, log.join());

  disk.onCall = () => undefined;
  queue.finish(2, 1);
  queue.sync();

  assert.equal(disk.size(CHECKSUMS), 'missing');
});
