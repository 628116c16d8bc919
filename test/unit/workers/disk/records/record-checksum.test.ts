import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordChecksum } from '../../../../../src/workers/disk/records/disk-record.ts';
import { diskRecord } from '../../../../support/disk-files.ts';

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
