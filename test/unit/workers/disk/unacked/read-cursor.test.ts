import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChecksumWriter } from '../../../../../src/workers/disk/checksums/checksum-file.ts';
import { RecordCheck } from '../../../../../src/workers/disk/checksums/record-check.ts';
import { RecordStates } from '../../../../../src/workers/disk/states/record-states.ts';
import { ReadCursor } from '../../../../../src/workers/disk/unacked/read-cursor.ts';
import { UnackedRecords } from '../../../../../src/workers/disk/unacked/unacked-records.ts';
import { UnreadCount } from '../../../../../src/workers/disk/unacked/unread-count.ts';
import { diskRecord, parseRecords } from '../../../../support/disk-files.ts';
import {
  checksumOf,
  makeContext,
  writeFinished,
  writeUnacked,
} from '../../../../support/disk-parts.ts';
import { SystemError } from '../../../../support/system-error.ts';

const SEGMENT = 3;
const DUE_MS = 1_800_000_000_123;
/** Four records of 40 bytes; the number of each is its attempts. */
const RECORDS = [1, 2, 3, 4].map((number) => diskRecord(number, `message  ${number}`));
const SIZE = 40;

/** A cursor before four records, of which so many are known to be finished. */
function setUp(finished = 0) {
  const { disk, context, log } = makeContext();
  const states = new RecordStates(context);
  const unacked = new UnackedRecords();
  const unread = new UnreadCount(RECORDS.length, finished, 0, RECORDS.length * SIZE);
  const check = new RecordCheck(context);
  const { recordBytesMax } = context;
  const place = { segment: SEGMENT, position: 0 };
  const ahead = new ReadCursor({ states, unacked, unread, check, recordBytesMax }, place);
  ahead.beginBatch();
  const bytes = Buffer.concat(RECORDS);
  return { disk, context, log, states, unacked, unread, ahead, bytes };
}

type Bench = ReturnType<typeof setUp>;

/** Shows the records from the cursor on; returns the bodies of those that are handed out. */
function handOut({ ahead, bytes }: Bench, length = bytes.length): string[] {
  const start = ahead.position;
  const end = start + ahead.handOut(bytes, start, length - start);
  return parseRecords(bytes.subarray(start, end)).map(({ body }) => body);
}

function failReads({ disk }: Bench): void {
  disk.onCall = (call, path) => {
    if (call === 'read') throw new SystemError('EIO', call, path);
  };
}

test('ReadCursor: hands out whole records with their numbers in a row, and stops before a torn one', () => {
  const bench = setUp();

  const bodies = handOut(bench, 3 * SIZE - 1);

  const { ahead, unacked, unread } = bench;
  assert.deepStrictEqual(bodies, ['message  1', 'message  2']);
  assert.deepStrictEqual([ahead.position, ahead.ordinal, ahead.count], [2 * SIZE, 2, 2]);
  assert.deepStrictEqual([unacked.next, unread.live, unread.bytes], [2, 2, 2 * SIZE]);
  assert.strictEqual(ahead.dueTimes, undefined);
});

test('ReadCursor: passes finished records among others and closes the gaps', () => {
  const bench = setUp(2);
  writeFinished(bench.states, SEGMENT, 0, RECORDS[0]);
  writeFinished(bench.states, SEGMENT, 2 * SIZE, RECORDS[2]);

  const bodies = handOut(bench);

  const { ahead, unacked, unread } = bench;
  assert.deepStrictEqual(bodies, ['message  2', 'message  4']);
  assert.deepStrictEqual([ahead.position, ahead.ordinal, ahead.count], [4 * SIZE, 4, 2]);
  assert.deepStrictEqual([unread.live, unread.all], [0, 0]);
  assert.deepStrictEqual(unacked.lastFinished, { segment: SEGMENT, position: 2 * SIZE });
  assert.strictEqual(unacked.get(1)?.position, 3 * SIZE);
});

test('ReadCursor: a record that waits has the attempts and the due time that were written for it', () => {
  const bench = setUp();
  writeUnacked(bench.states, SEGMENT, SIZE, RECORDS[1], 0x1234, DUE_MS);
  writeUnacked(bench.states, SEGMENT, 3 * SIZE, RECORDS[3], 9, 0);

  handOut(bench);

  const attempts = parseRecords(bench.bytes).map((message) => message.attempts);
  assert.deepStrictEqual(attempts, [1, 0x1234, 3, 9]);
  assert.deepStrictEqual(bench.ahead.dueTimes, [0, DUE_MS, 0, 0]);
});

test('ReadCursor: what was written for another record at the same place does not count', () => {
  const bench = setUp();
  writeFinished(bench.states, SEGMENT, 0, RECORDS[1]);
  writeUnacked(bench.states, SEGMENT, SIZE, RECORDS[0], 7, DUE_MS);

  const bodies = handOut(bench);

  assert.strictEqual(bodies.length, 4);
  assert.strictEqual(parseRecords(bench.bytes)[1].attempts, 2);
  assert.strictEqual(bench.ahead.dueTimes, undefined);
});

test('ReadCursor: a record that was handed out before it was moved there is passed', () => {
  const bench = setUp();
  const { ahead, unacked, unread } = bench;
  unacked.add(1, 0, SIZE, checksumOf(RECORDS[1]), 0);
  const record = unacked.get(0) ?? assert.fail('record 0 is handed out');
  unacked.move(record, { segment: SEGMENT, position: SIZE }, record.checksum);
  unread.recount(3, 3 * SIZE);
  unread.onMove(1);

  const bodies = handOut(bench);

  assert.deepStrictEqual(bodies, ['message  1', 'message  3', 'message  4']);
  assert.deepStrictEqual([unread.live, unread.all], [0, 0]);
  assert.deepStrictEqual(unacked.oldest, { segment: SEGMENT, position: 0, ordinal: 0 });
  assert.deepStrictEqual([ahead.ordinal, unacked.get(0)?.position], [4, SIZE]);
});

test('ReadCursor: moved records that a new segment begins behind are to be handed out elsewhere', () => {
  const bench = setUp();
  const { ahead, unacked, unread } = bench;
  unacked.add(1, 0, SIZE, checksumOf(RECORDS[1]), 0);
  const record = unacked.get(0) ?? assert.fail('record 0 is handed out');
  unacked.move(record, { segment: SEGMENT, position: SIZE }, record.checksum);
  unread.onMove(1);

  ahead.enter(SEGMENT + 1);

  assert.deepStrictEqual([ahead.segment, ahead.position], [SEGMENT + 1, 0]);
  assert.strictEqual(unacked.movedAhead, undefined);
  assert.deepStrictEqual([unread.live, unread.all], [5, 5]);
});

test('ReadCursor: states that cannot be read end a batch that has records, else they are an error', () => {
  const bench = setUp();
  writeFinished(bench.states, SEGMENT, 3 * SIZE, RECORDS[3]);
  const first = handOut(bench, SIZE);
  // What is written is to be read anew.
  writeFinished(bench.states, SEGMENT, 2 * SIZE, RECORDS[2]);
  failReads(bench);

  const withSome = handOut(bench);
  bench.ahead.beginBatch();

  assert.deepStrictEqual([first, withSome], [['message  1'], []]);
  assert.throws(() => handOut(bench), /read .*000003\.notes/);
  assert.deepStrictEqual([bench.ahead.position, bench.ahead.count], [SIZE, 0]);
});

test('ReadCursor: stops at a record that is damaged by its checksum, and lose moves over it', () => {
  const bench = setUp();
  const { context, ahead, unread, bytes } = bench;
  new ChecksumWriter(context).add(SEGMENT, 0, bytes, 0, bytes.length);
  bytes[SIZE + 35] ^= 1;

  const before = handOut(bench);
  const isAtDamage = ahead.isAtDamage;
  ahead.lose(SIZE);
  const behind = handOut(bench);

  assert.deepStrictEqual([before, isAtDamage], [['message  1'], true]);
  assert.deepStrictEqual([behind, ahead.isAtDamage], [['message  3', 'message  4'], false]);
  assert.deepStrictEqual([unread.live, unread.bytes, ahead.ordinal], [0, 0, 3]);
});

test('ReadCursor: passes a run of finished records without handing out, up to one that is not finished', () => {
  const bench = setUp(2);
  const { ahead, states, bytes } = bench;
  writeFinished(states, SEGMENT, 0, RECORDS[0]);
  writeFinished(states, SEGMENT, SIZE, RECORDS[1]);
  writeFinished(states, SEGMENT, 2 * SIZE, RECORDS[0]);

  const hasPassed = ahead.passFinished(bytes, bytes.length);
  const again = ahead.passFinished(bytes.subarray(2 * SIZE), 2 * SIZE);

  assert.deepStrictEqual([hasPassed, again], [true, false]);
  assert.deepStrictEqual([ahead.position, ahead.ordinal, ahead.count], [2 * SIZE, 2, 0]);
  assert.deepStrictEqual([ahead.isKnownFinished, bench.unread.live], [true, 2]);
});

test('ReadCursor: a segment that is read once more is read from the place that is given', () => {
  const bench = setUp();
  handOut(bench);

  bench.ahead.restart({ segment: SEGMENT, position: 3 * SIZE });

  assert.deepStrictEqual(handOut(bench), ['message  4']);
});
