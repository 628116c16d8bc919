import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskRecord } from '../../../../support/disk-files.ts';
import {
  append,
  type DiskParts,
  damage,
  FILES,
  makeParts,
  read,
  readBodies,
  writeFinished,
  writeUnacked,
} from '../../../../support/disk-parts.ts';
import { SystemError } from '../../../../support/system-error.ts';

/** Bytes of a record with a body of one character. */
const SIZE = 31;
/** Two records fill a segment. */
const SEGMENT_BYTES = 2 * SIZE;

/** Records with these one-character bodies, two to a segment. */
function makeFilled(...bodies: readonly string[]): DiskParts {
  const parts = makeParts(SEGMENT_BYTES);
  for (const [index, body] of bodies.entries()) append(parts, [index + 1, body]);
  return parts;
}

function loseChecksums({ disk }: DiskParts, segment: number): void {
  const { length } = disk.content(FILES.checksums(segment));
  damage(disk, FILES.checksums(segment), 0, ...Array<number>(length).fill(0));
}

function failOn({ disk }: DiskParts, call: string, part: string): void {
  disk.onCall = (action, path) => {
    if (action === call && path.includes(part)) throw new SystemError('EIO', action, path);
  };
}

test('SegmentReader: asks for one whole record at least, and for no more than is wanted or known', () => {
  const parts = makeParts();
  const empty = parts.reader.prepare(1000);
  append(parts, [1, 'a'], [2, 'b'], [3, 'c']);

  const rooms = [0, SIZE + 1, 1000].map((wanted) => parts.reader.prepare(wanted));

  assert.deepStrictEqual([empty, rooms], [0, [SIZE, SIZE + 1, 3 * SIZE]]);
});

test('SegmentReader: one batch goes on in the next segment, and the segment that was left is passed', () => {
  const parts = makeFilled('a', 'b', 'c', 'd', 'e');

  const batch = read(parts, 4 * SIZE);

  assert.deepStrictEqual(
    [batch?.first, batch?.messages.map(({ body }) => body)],
    [0, ['a', 'b', 'c', 'd']],
  );
  assert.deepStrictEqual(parts.reader.place, { segment: 2, position: 0 });
  assert.deepStrictEqual([parts.reader.ordinal, parts.unread.live], [4, 1]);
  assert.deepStrictEqual(parts.reader.passed.oldest, {
    ...{ segment: 0, sizeBytes: SEGMENT_BYTES, isDamaged: false },
  });
  assert.deepStrictEqual([parts.reader.firstSegment, parts.reader.passed.count], [0, 2]);
});

test('SegmentReader: a batch has no part of a record', () => {
  const parts = makeFilled('a', 'b', 'c');

  const batches = [read(parts, SIZE + 30), read(parts), read(parts)];

  const bodies = batches.map((batch) => batch?.messages.map(({ body }) => body));
  assert.deepStrictEqual(bodies, [['a'], ['b', 'c'], undefined]);
});

test('SegmentReader: records have the attempts and due times that were written for them', () => {
  const parts = makeParts();
  append(parts, [1, 'a'], [2, 'b']);
  writeUnacked(parts.states, 0, SIZE, diskRecord(2, 'b'), 500, 1_800_000_000_123);

  const batch = read(parts);

  assert.deepStrictEqual(
    [batch?.messages.map(({ attempts }) => attempts), batch?.dueTimes],
    [
      [1, 500],
      [0, 1_800_000_000_123],
    ],
  );
  assert.strictEqual(parts.reader.mayHaveDueTimes, true);
});

test('SegmentReader: finished records are passed before there is anything to hand out', () => {
  const parts = makeFilled('a', 'b', 'c');
  writeFinished(parts.states, 0, 0, diskRecord(1, 'a'));
  writeFinished(parts.states, 0, SIZE, diskRecord(2, 'b'));

  const room = parts.reader.prepare(1000);

  assert.strictEqual(room, SIZE);
  assert.deepStrictEqual(parts.reader.place, { segment: 1, position: 0 });
  assert.deepStrictEqual([parts.unacked.next, parts.reader.ordinal], [0, 2]);
});

test('SegmentReader: a damaged record costs only itself, and its segment is kept', () => {
  const parts = makeFilled('a', 'b', 'c');
  damage(parts.disk, FILES.segment(0), SIZE + 30, 'x'.charCodeAt(0));

  const bodies = readBodies(parts);

  assert.deepStrictEqual(bodies, ['a', 'c']);
  assert.deepStrictEqual(parts.log, ['segment 0: damaged record at 31, 31 bytes lost']);
  assert.strictEqual(parts.reader.passed.oldest?.isDamaged, true);
  assert.deepStrictEqual([parts.unread.live, parts.unread.bytes], [0, 0]);
});

test('SegmentReader: without checksums an impossible size costs the rest of the segment', () => {
  const parts = makeFilled('a', 'b', 'c');
  loseChecksums(parts, 0);
  damage(parts.disk, FILES.segment(0), 0, 0x7f);

  const bodies = readBodies(parts);

  assert.deepStrictEqual(bodies, ['c']);
  assert.deepStrictEqual(parts.log, ['segment 0: no record at 0, 62 bytes lost']);
  assert.strictEqual(parts.unread.all, 0);
});

test('SegmentReader: nothing is written behind bytes that nobody can read over', () => {
  const parts = makeParts();
  append(parts, [1, 'a'], [2, 'b']);
  loseChecksums(parts, 0);
  damage(parts.disk, FILES.segment(0), SIZE, 0x7f);

  const bodies = readBodies(parts);
  append(parts, [3, 'c']);

  assert.deepStrictEqual([bodies, readBodies(parts)], [['a'], ['c']]);
  assert.deepStrictEqual([parts.segments.segment, parts.segments.position], [1, SIZE]);
});

test('SegmentReader: a segment that is gone costs its records, and reading goes on behind it', () => {
  const parts = makeFilled('a', 'b', 'c', 'd', 'e');
  parts.disk.delete(FILES.segment(0));
  parts.disk.delete(FILES.segment(1));

  const bodies = readBodies(parts);

  assert.deepStrictEqual(bodies, ['e']);
  assert.deepStrictEqual(parts.log, ['segment 0 is gone, its records are lost']);
  assert.deepStrictEqual([parts.unread.live, parts.unread.all], [0, 0]);
});

test('SegmentReader: while the data directory is missing no segment is lost', () => {
  const parts = makeFilled('a', 'b', 'c');
  const content = parts.disk.content(FILES.segment(0));
  parts.disk.removeDirectory('/data');

  assert.throws(() => parts.reader.prepare(1000), /no data path "\/data"/);
  parts.disk.makeDirectory('/data');
  parts.disk.put(FILES.segment(0), content);

  assert.strictEqual(read(parts, 2 * SIZE)?.messages.length, 2);
});

test('SegmentReader: an error ends a batch that has records, and is thrown when there are none', () => {
  const parts = makeFilled('a', 'b', 'c');
  const room = parts.reader.prepare(3 * SIZE);
  failOn(parts, 'read', '000001');
  const bytes = Buffer.alloc(room);

  const batch = parts.reader.read(bytes, 0, room);

  assert.deepStrictEqual([batch.count, batch.bytes], [2, 2 * SIZE]);
  assert.throws(() => parts.reader.prepare(1000), /read .*000001/);
  parts.disk.onCall = () => undefined;
  assert.deepStrictEqual(readBodies(parts), ['c']);
});

test('SegmentReader: a count that is too large is corrected where the records end', () => {
  const parts = makeParts();
  append(parts, [1, 'a']);
  parts.unread.recount(3, 100);
  readBodies(parts);

  const room = parts.reader.prepare(1000);

  assert.deepStrictEqual([room, parts.unread.all], [0, 0]);
  assert.deepStrictEqual(parts.log, ['depth is too large by 2 at the end of the queue, corrected']);
});

test('SegmentReader: a count that is too small says 1 as long as there is a record', () => {
  const parts = makeParts();
  append(parts, [1, 'a'], [2, 'b']);
  parts.unread.recount(1, SIZE);

  const batch = read(parts, SIZE);

  assert.strictEqual(batch?.messages.length, 1);
  assert.deepStrictEqual([parts.unread.live, readBodies(parts), parts.unread.live], [1, ['b'], 0]);
});

test('SegmentReader: recount counts what lies between reader and writer', () => {
  const parts = makeFilled('a', 'b', 'c', 'd', 'e');
  read(parts, SIZE);
  parts.unread.recount(77, 7777);

  parts.reader.recount();

  assert.deepStrictEqual([parts.unread.live, parts.unread.bytes], [4, 4 * SIZE]);
});

test('SegmentReader: a recount that fails is logged, and the count stays', () => {
  const parts = makeFilled('a', 'b', 'c');
  failOn(parts, 'list', '/data');

  parts.reader.recount();

  assert.strictEqual(parts.unread.live, 3);
  assert.match(parts.log.join(), /^failed to count records, depth is an estimate - .*EIO/);
});

test('SegmentReader: after a restart there is nothing before the writer', () => {
  const parts = makeFilled('a', 'b', 'c', 'd');
  read(parts, 3 * SIZE);

  parts.reader.restart();

  assert.strictEqual(read(parts), undefined);
  assert.deepStrictEqual([parts.unacked.count, parts.reader.passed.count], [0, 0]);
  append(parts, [5, 'e']);
  assert.deepStrictEqual(readBodies(parts), ['e']);
});
