import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionError } from '../../../../../src/shared/assert.ts';
import {
  checkRecords,
  hasMessageId,
  recordChecksum,
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

test('recordChecksum: every change of one byte is found', () => {
  for (const bodyBytes of [0, 1, 2, 3, 4, 5, 6, 7, 8, 100]) {
    const record = diskRecord(7, 'b'.repeat(bodyBytes));
    const checksum = checksumOf(record);
    for (let index = 0; index < record.length; index++) {
      for (let mask = 1; mask < 256; mask++) {
        record[index] ^= mask;
        assert.notEqual(checksumOf(record), checksum, `byte ${index} of ${record.length}, ${mask}`);
        record[index] ^= mask;
      }
    }
  }
});

test('recordChecksum: the same record has the same checksum wherever it lies', () => {
  const record = diskRecord(3, 'somewhere');
  const bytes = Buffer.alloc(200, 0xaa);

  const found = new Set<number>();
  for (let start = 0; start < 100; start++) {
    bytes.fill(start);
    record.copy(bytes, start);
    found.add(recordChecksum(bytes, viewOf(bytes), start, start + record.length));
  }

  assert.deepStrictEqual([...found], [checksumOf(record)]);
});

test('recordChecksum: it is an unsigned number of 32 bits, and zeros of different lengths differ', () => {
  const found = new Set<number>();
  for (let length = 0; length < 2000; length++) found.add(checksumOf(Buffer.alloc(length)));

  assert.equal(found.size, 2000);
  for (const checksum of found) assert.ok(Number.isInteger(checksum) && checksum >= 0);
  assert.ok(Math.max(...found) < 2 ** 32);
});

test('recordChecksum: swapped words, bytes and halves are found', () => {
  const record = diskRecord(0x1234, 'abcdefghijklmnopqrstuvwxyz0123456789');
  const checksum = checksumOf(record);

  for (const width of [1, 2, 4, 8, 16]) {
    for (let at = 0; at + 2 * width <= record.length; at++) {
      const swapped = Buffer.from(record);
      record.copy(swapped, at, at + width, at + 2 * width);
      record.copy(swapped, at + width, at, at + width);
      if (swapped.equals(record)) continue;
      assert.notEqual(checksumOf(swapped), checksum, `${width} bytes at ${at}`);
    }
  }
});

function checksumOf(bytes: Buffer): number {
  return recordChecksum(bytes, viewOf(bytes), 0, bytes.length);
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
