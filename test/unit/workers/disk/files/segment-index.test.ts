import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import { SegmentIndex } from '../../../../../src/workers/disk/files/segment-index.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const DATA_PATH = '/data';
const A = new QueueFiles(DATA_PATH, 'a');
const A_CHANNEL = new QueueFiles(DATA_PATH, 'a:c');

/** A data directory with these files, each of them empty. */
function setUp(...paths: readonly string[]) {
  const disk = new MemoryFileSystem(DATA_PATH, A.sidecarDirectory);
  for (const path of paths) disk.put(path, Buffer.alloc(0));
  const lists: string[] = [];
  disk.onCall = (call, path) => {
    if (call === 'list') lists.push(path);
  };
  return { disk, lists, index: new SegmentIndex(disk, DATA_PATH) };
}

test('SegmentIndex: lists each queue with its own segments, by number', () => {
  const { index } = setUp(
    ...[1_000_000, 12, 2, 999_999].map((number) => A.segment(number)),
    A_CHANNEL.segment(7),
    A.metadata,
    A.damagedSegment(3),
    `${A.prefix}0000004.dat`,
  );

  assert.deepStrictEqual(
    [index.known('a'), index.known('a:c'), index.known('b')],
    [[2, 12, 999_999, 1_000_000], [7], []],
  );
});

test('SegmentIndex: reads the directory once for all queues, until it is to forget', () => {
  const { disk, lists, index } = setUp(A.segment(1));
  index.known('a');
  disk.put(A.segment(2), Buffer.alloc(0));
  const before = [index.known('a'), index.known('b')];
  const now = index.list('a');
  index.forget();

  const after = index.known('a');

  assert.deepStrictEqual(
    [before, now, after],
    [
      [[1], []],
      [1, 2],
      [1, 2],
    ],
  );
  assert.deepStrictEqual(lists, [DATA_PATH, DATA_PATH, DATA_PATH]);
});

test('SegmentIndex: states are those of the sidecars, then what their writer has set', () => {
  const { lists, index } = setUp(A.states(3), A.states(1), A.segment(9), A_CHANNEL.states(5));
  const listed = [index.states('a'), index.states('a:c'), index.states('b')];
  index.setStates('b', new Set([8]));

  const set = index.states('b');

  assert.deepStrictEqual(listed, [new Set([3, 1]), new Set([5]), undefined]);
  assert.deepStrictEqual([set, lists], [new Set([8]), [A.sidecarDirectory]]);
});

test('SegmentIndex: segments with checksums are handed over once', () => {
  const { index } = setUp(A.checksums(2), A.checksums(4), A_CHANNEL.checksums(6));

  const taken = [index.takeChecksums('a'), index.takeChecksums('a'), index.takeChecksums('a:c')];

  assert.deepStrictEqual(
    taken.map((segments) => segments.toSorted((a, b) => a - b)),
    [[2, 4], [], [6]],
  );
});

test('SegmentIndex: without a directory of sidecars there are none, which is complete', () => {
  const disk = new MemoryFileSystem(DATA_PATH);
  const index = new SegmentIndex(disk, DATA_PATH);

  assert.deepStrictEqual(
    [index.states('a'), index.takeChecksums('a'), index.isComplete],
    [undefined, [], true],
  );
});

test('SegmentIndex: a list that fails is an error that names the directory, and is tried again', () => {
  const { disk, index } = setUp(A.segment(1), A.states(2));
  disk.onCall = (call, path) => {
    if (call === 'list') throw new SystemError('EIO', call, path);
  };
  assert.throws(() => index.known('a'), /list directory data/);
  assert.throws(() => index.list('a'), /list directory data/);
  assert.throws(() => index.states('a'), /list directory \.ringmq/);
  disk.onCall = () => undefined;

  const found = [index.known('a'), index.list('a'), index.states('a')];

  assert.deepStrictEqual(found, [[1], [1], new Set([2])]);
});

test('SegmentIndex: skipped sidecars are not listed, and the index says that it is not complete', () => {
  const { lists, index } = setUp(A.states(2), A.checksums(2));
  index.skipSidecars();
  const before = index.states('a');
  index.setStates('a', new Set([5]));

  assert.deepStrictEqual(
    [before, index.states('a'), index.takeChecksums('a'), index.isComplete, lists],
    [undefined, new Set([5]), [], false, []],
  );
});
