import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ENTRY_BYTES,
  entryChecksum,
  entryPosition,
  entrySize,
  samePartsOf,
  writeEntry,
} from '../../../../../src/workers/disk/checksums/checksum-file.ts';
import { dataViewOf, recordChecksum } from '../../../../../src/workers/disk/records/disk-record.ts';
import { diskRecord } from '../../../../support/disk-files.ts';

const POSITION = 3 * 2 ** 32 + 77;

function entryOf(record: Buffer, position = POSITION): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  writeEntry(entry, dataViewOf(entry), 0, record, dataViewOf(record), 0, position);
  return entry;
}

function partsOf(entry: Buffer, record: Buffer): number {
  return samePartsOf(entry, 0, record, dataViewOf(record), 0);
}

test('record checksums: an entry tells position, size and checksum of its record', () => {
  const record = diskRecord(5, 'a body');

  const entry = entryOf(record);

  assert.deepStrictEqual(
    [entryPosition(entry, dataViewOf(entry), 0), entrySize(entry, 0), entryChecksum(entry, 0)],
    [POSITION, record.length, recordChecksum(record, dataViewOf(record), 0, record.length)],
  );
  assert.equal(partsOf(entry, record), 2);
});

test('record checksums: zeros are no entry, and a changed byte of an entry is found', () => {
  const entry = entryOf(diskRecord(5, 'a body'));
  let undetected = 0;

  for (let index = 0; index < ENTRY_BYTES; index++) {
    for (const mask of [1, 0x80, 0xff]) {
      const changed = Buffer.from(entry);
      changed[index] ^= mask;
      if (entryPosition(changed, dataViewOf(changed), 0) !== undefined) undetected++;
    }
  }

  const zeros = Buffer.alloc(ENTRY_BYTES);
  assert.equal(entryPosition(zeros, dataViewOf(zeros), 0), undefined);
  assert.equal(undetected, 0);
});

test('record checksums: a change in one part of a record leaves the other, one in the body both', () => {
  const record = diskRecord(5, 'a body');
  const entry = entryOf(record);

  for (let index = 0; index < record.length; index++) {
    const changed = Buffer.from(record);
    changed[index] ^= 0x11;
    assert.equal(partsOf(entry, changed), index < 30 ? 1 : 2, `byte ${index}`);
  }
});

test('record checksums: another record has no part of it', () => {
  const entry = entryOf(diskRecord(5, 'a body'));

  assert.equal(partsOf(entry, diskRecord(6, 'a body')), 0);
});
