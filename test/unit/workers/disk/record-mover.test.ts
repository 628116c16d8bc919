import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueuePlace } from '../../../../src/workers/disk/files/queue-place.ts';
import { RecordMover } from '../../../../src/workers/disk/record-mover.ts';
import { diskRecord, parseRecords } from '../../../support/disk-files.ts';
import {
  append,
  type DiskParts,
  damage,
  FILES,
  makeParts,
  readBodies,
  writeFinished,
  writeUnacked,
} from '../../../support/disk-parts.ts';
import { SystemError } from '../../../support/system-error.ts';

/** Bytes of a record with a body of one character; five of them fill a segment. */
const SIZE = 31;
const SEGMENT_BYTES = 5 * SIZE;
const DUE_MS = 1_800_000_000_123;

type Bench = DiskParts & { readonly mover: RecordMover };

/**
 * A queue of records with the bodies a, b, c …, five to a segment, all of them handed out with the numbers 0, 1, 2 …;
 * those at these indexes are finished.
 */
function setUp(count: number, finished: readonly number[], foundFinished?: QueuePlace): Bench {
  const parts = makeParts(SEGMENT_BYTES);
  for (let index = 0; index < count; index++) append(parts, [index + 1, bodyOf(index)]);
  if (foundFinished === undefined) readBodies(parts);
  for (const index of finished) parts.unacked.finish(index, 1);
  const { context: source, writer, states, unacked, reader, unread } = parts;
  const mover = new RecordMover({
    ...{ source, writer, states, unacked, reader, unread },
    foundFinished,
  });
  return { ...parts, mover };
}

function bodyOf(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index);
}

/** Indexes from `first` up to `end`. */
function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}

/** The records in a segment's file. */
function recordsIn({ disk }: Bench, segment: number): string[] {
  return parseRecords(disk.content(FILES.segment(segment))).map(
    ({ body, attempts }) => `${body} ${attempts}`,
  );
}

function placeOf({ unacked }: Bench, number: number): QueuePlace | undefined {
  const record = unacked.get(number);
  return record && { segment: record.segment, position: record.position };
}

test('RecordMover: the last record of a segment is moved to the end, so that the segment can go', () => {
  // a is left of a–e, all of f–l.
  const bench = setUp(12, range(1, 5));

  const hasMoved = bench.mover.moveForSpace();

  assert.strictEqual(hasMoved, true);
  assert.deepStrictEqual(recordsIn(bench, 2), ['k 11', 'l 12', 'a 1']);
  assert.deepStrictEqual(placeOf(bench, 0), { segment: 2, position: 2 * SIZE });
  assert.deepStrictEqual(bench.unacked.bytesBefore({ segment: 1, position: 0 }), 0);
  // It is passed, not handed out once more.
  assert.deepStrictEqual([bench.unread.live, bench.unread.all], [0, 1]);
  assert.deepStrictEqual(readBodies(bench), []);
  assert.deepStrictEqual(bench.log, []);
});

test('RecordMover: a segment of which more than a quarter waits stays', () => {
  const bench = setUp(12, range(2, 5));

  assert.strictEqual(bench.mover.moveForSpace(), false);
  assert.deepStrictEqual(recordsIn(bench, 2), ['k 11', 'l 12']);
});

test('RecordMover: the oldest segment goes too if little waits in all of them together', () => {
  // Two of a–e, and nothing else but one, of fifteen in segments that are passed.
  const bench = setUp(16, [...range(2, 14)]);
  bench.unacked.finish(15, 1);

  const hasMoved = bench.mover.moveForSpace();

  assert.strictEqual(hasMoved, true);
  assert.deepStrictEqual(recordsIn(bench, 3), ['p 16', 'a 1', 'b 2']);
});

test('RecordMover: one segment alone is not worth it, nor one without anything that waits', () => {
  const one = setUp(7, range(1, 5));
  const none = setUp(12, range(0, 5));

  assert.deepStrictEqual([one.mover.moveForSpace(), none.mover.moveForSpace()], [false, false]);
});

test('RecordMover: a moved record has its attempts in its bytes, and keeps its due time', () => {
  const bench = setUp(12, range(1, 5));
  writeUnacked(bench.states, 0, 0, diskRecord(1, 'a'), 77, DUE_MS);

  bench.mover.moveForSpace();

  assert.deepStrictEqual(recordsIn(bench, 2), ['k 11', 'l 12', 'a 77']);
  const isKnown = bench.states.find(2, 2 * SIZE);
  assert.deepStrictEqual(
    [isKnown, bench.states.attempts, bench.states.dueMs, bench.states.checksum],
    [true, 77, DUE_MS, bench.unacked.get(0)?.checksum],
  );
});

test('RecordMover: the due time of a moved record is durable before the record is there', () => {
  const bench = setUp(12, range(1, 5));
  writeUnacked(bench.states, 0, 0, diskRecord(1, 'a'), 77, DUE_MS);
  const calls: string[] = [];
  bench.disk.onCall = (call, path) => {
    if (call === 'sync' || (call === 'write' && path.endsWith('.dat'))) {
      calls.push(`${call} ${path.slice(path.indexOf('0000'))}`);
    }
  };

  bench.mover.moveForSpace();

  assert.deepStrictEqual(calls.slice(-2), ['sync 000002.notes', 'write 000002.dat']);
});

test('RecordMover: a damaged record stays where it is, and its segment is not tried again', () => {
  const bench = setUp(12, range(1, 5));
  damage(bench.disk, FILES.segment(0), 30, 'x'.charCodeAt(0));

  bench.mover.moveForSpace();
  const again = bench.mover.moveForSpace();

  assert.strictEqual(again, false);
  assert.deepStrictEqual(placeOf(bench, 0), { segment: 0, position: 0 });
  assert.deepStrictEqual(bench.log, ['segment 0: the record at 0 has changed since it was read']);
});

test('RecordMover: what cannot be written stays where it is, is logged, and is moved later', () => {
  const bench = setUp(12, range(1, 5));
  bench.disk.onCall = (call, path) => {
    if (call === 'write' && path.endsWith('.dat')) throw new SystemError('ENOSPC', call, path);
  };

  const whileFull = bench.mover.moveForSpace();
  const before = placeOf(bench, 0);
  bench.disk.onCall = () => undefined;

  assert.deepStrictEqual([whileFull, before], [false, { segment: 0, position: 0 }]);
  assert.match(bench.log.join(), /^failed to move records to the end - .*ENOSPC/);
  assert.strictEqual(bench.mover.moveForSpace(), true);
});

test('RecordMover: at the end records before the last finished one are moved', () => {
  const bench = setUp(4, [1]);

  const mustSync = bench.mover.moveForClose();

  assert.strictEqual(mustSync, true);
  assert.deepStrictEqual(recordsIn(bench, 0), ['a 1', 'b 2', 'c 3', 'd 4', 'a 1']);
  assert.deepStrictEqual(bench.unacked.oldest?.position, 2 * SIZE);
});

test('RecordMover: at the end nothing is to be done if nothing is finished behind what waits', () => {
  const bench = setUp(4, [0]);

  assert.strictEqual(bench.mover.moveForClose(), false);
  assert.strictEqual(recordsIn(bench, 0).length, 4);
});

test('RecordMover: at the end unread records before one that was found finished are read and moved', () => {
  const bench = setUp(4, [], { segment: 0, position: 2 * SIZE });
  writeFinished(bench.states, 0, 2 * SIZE, diskRecord(3, 'c'));

  const mustSync = bench.mover.moveForClose();

  assert.strictEqual(mustSync, true);
  assert.deepStrictEqual([recordsIn(bench, 0).at(4), recordsIn(bench, 1)], ['a 1', ['b 2']]);
});

test('RecordMover: at the end a queue with too much to be moved stays as it is', () => {
  const bench = setUp(4, [1]);
  // 65 MiB that wait between a and the last record, which is finished.
  const { unacked } = bench;
  for (let index = 0; index < 65; index++) {
    unacked.add(0, 4 * SIZE + index * 2 ** 20, 2 ** 20, 0, 4 + index);
  }
  unacked.add(0, 4 * SIZE + 65 * 2 ** 20, SIZE, 0, 69);
  unacked.finish(69, 1);

  const mustSync = bench.mover.moveForClose();

  assert.strictEqual(mustSync, true);
  assert.strictEqual(recordsIn(bench, 0).length, 4);
  assert.deepStrictEqual(placeOf(bench, 0), { segment: 0, position: 0 });
});

test('RecordMover: at the end a segment that cannot be read is logged, and the queue is synced', () => {
  const bench = setUp(4, [1]);
  bench.disk.onCall = (call, path) => {
    if (call === 'read' && path.endsWith('.dat')) throw new SystemError('EIO', call, path);
  };

  assert.strictEqual(bench.mover.moveForClose(), true);
  assert.match(bench.log.join(), /^failed to move records to the end - .*EIO/);
});
