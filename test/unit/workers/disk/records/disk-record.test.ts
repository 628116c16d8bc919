import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionError } from '../../../../../src/shared/assert.ts';
import {
  checkRecords,
  hasMessageId,
  recordSize,
  storedSize,
  wholeRecordSize,
} from '../../../../../src/workers/disk/records/disk-record.ts';
import { diskRecord } from '../../../../support/disk-files.ts';

const BYTES_MAX = 100;
const RECORD = diskRecord(0xabc, 'body');
const SIZE = 34;

/** The record with another size field. */
function sized(size: number): Buffer {
  const record = Buffer.from(RECORD);
  record.writeInt32BE(size);
  return record;
}

test('disk record: its size has the size field in it, possible or not', () => {
  const sizes = [30, 0, -5].map((size) => storedSize(sized(size), 0));

  assert.deepStrictEqual(sizes, [SIZE, 4, -1]);
});

test('disk record: only sizes from a record without a body to the largest are possible', () => {
  const sizes = [25, 26, 96, 97, -1, 0x7fffffff].map((size) =>
    recordSize(sized(size), 0, BYTES_MAX),
  );

  assert.deepStrictEqual(sizes, [0, 30, 100, 0, 0, 0]);
});

test('disk record: a record is whole if it ends before the end', () => {
  const bytes = Buffer.concat([Buffer.alloc(7), RECORD]);

  const sizes = [7 + 29, 7 + SIZE - 1, 7 + SIZE].map((end) =>
    wholeRecordSize(bytes, 7, end, BYTES_MAX),
  );

  assert.deepStrictEqual(sizes, [0, 0, SIZE]);
});

test('disk record: an id is sixteen lower-case hex digits', () => {
  for (let at = 14; at < 30; at++) {
    for (const byte of ['g', 'A', '/', ':', '`', '\0']) {
      const record = Buffer.from(RECORD);
      record.write(byte, at, 'latin1');
      assert.ok(!hasMessageId(record, 0), `"${byte}" at ${at}`);
      assert.strictEqual(wholeRecordSize(record, 0, SIZE, BYTES_MAX), 0);
    }
  }

  assert.ok(hasMessageId(RECORD, 0));
});

test('disk record: what is to be written is checked as nsqd does', () => {
  const two = Buffer.concat([RECORD, RECORD]);
  checkRecords(two, 0, two.length, 2, BYTES_MAX);

  assert.throws(() => checkRecords(sized(25), 0, SIZE, 1, BYTES_MAX), {
    message: 'invalid message write size (25) minMsgSize=26 maxMsgSize=96',
  });
});

test('disk record: bytes that are not as many records as are counted are a bug', () => {
  const two = Buffer.concat([RECORD, RECORD]);

  assert.throws(() => checkRecords(two, 0, two.length, 1, BYTES_MAX), AssertionError);
  assert.throws(() => checkRecords(two, 0, two.length, 3, BYTES_MAX), AssertionError);
  assert.throws(() => checkRecords(two, 0, two.length - 1, 2, BYTES_MAX), AssertionError);
});
