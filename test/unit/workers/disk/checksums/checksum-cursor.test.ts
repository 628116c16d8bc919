import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ChecksumCursor,
  ChecksumWriter,
  ENTRY_BYTES,
} from '../../../../../src/workers/disk/checksums/checksum-file.ts';
import { OpenFiles } from '../../../../../src/workers/disk/files/open-files.ts';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { DATA_PATH } from '../../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const SEGMENT = 4;
const FILES = new QueueFiles(DATA_PATH, 'q');
const CHECKSUMS = FILES.checksums(SEGMENT);
/** Records of different lengths, so that nothing is found by arithmetic. */
const RECORDS = Array.from({ length: 5000 }, (_, index) =>
  diskRecord(index, 'x'.repeat((index * 7) % 23)),
);
const POSITIONS: number[] = [];
for (let at = 0, index = 0; index < RECORDS.length; at += RECORDS[index++].length) {
  POSITIONS.push(at);
}

/** A disk with the checksums of the first `count` records, or those of some of them, and how to look at it. */
function makeChecksums(count: number): {
  disk: MemoryFileSystem;
  openFiles: OpenFiles;
  log: string[];
} {
  const disk = new MemoryFileSystem(DATA_PATH);
  const openFiles = new OpenFiles(disk);
  const log: string[] = [];
  const writer = new ChecksumWriter({ openFiles, files: FILES, log: (_, text) => log.push(text) });
  const bytes = Buffer.concat(RECORDS.slice(0, count));
  if (count > 0) writer.add(SEGMENT, 0, bytes, 0, bytes.length);
  return { disk, openFiles, log };
}

/** Positions and sizes of the entries found for these positions. */
function seekAll(
  cursor: ChecksumCursor,
  positions: readonly number[],
): (readonly number[] | 'none')[] {
  return positions.map((position) =>
    cursor.seek(SEGMENT, position) ? [cursor.position, cursor.size] : 'none',
  );
}

test('ChecksumCursor: finds every entry one after the other, with few reads', () => {
  const { disk, openFiles, log } = makeChecksums(5000);
  const cursor = new ChecksumCursor(openFiles, FILES);
  let reads = 0;
  disk.onCall = (action) => {
    if (action === 'read') reads++;
  };

  const found = seekAll(cursor, POSITIONS);

  assert.deepStrictEqual(
    found,
    POSITIONS.map((position, index) => [position, RECORDS[index].length]),
  );
  assert.deepStrictEqual([reads, log], [Math.ceil((5000 * ENTRY_BYTES) / 16380), []]);
});

test('ChecksumCursor: finds entries in any order, and the next one where there is none', () => {
  const { openFiles } = makeChecksums(5000);
  const cursor = new ChecksumCursor(openFiles, FILES);

  for (let step = 0, index = 0; step < 300; step++, index = (index + 1237) % 4999) {
    assert.ok(cursor.seek(SEGMENT, POSITIONS[index]));
    assert.equal(cursor.position, POSITIONS[index]);
    assert.ok(cursor.seek(SEGMENT, POSITIONS[index] + 1));
    assert.equal(cursor.position, POSITIONS[index + 1]);
  }
  assert.equal(cursor.seek(SEGMENT, POSITIONS[4999] + 1), false);
});

test('ChecksumCursor: a far entry takes few reads', () => {
  const { disk, openFiles } = makeChecksums(5000);
  const cursor = new ChecksumCursor(openFiles, FILES);
  let reads = 0;
  disk.onCall = (action) => {
    if (action === 'read') reads++;
  };

  cursor.seek(SEGMENT, POSITIONS[4500]);

  assert.equal(cursor.position, POSITIONS[4500]);
  assert.ok(reads <= 6, `${reads} reads`);
});

test('ChecksumCursor: damaged entries are none, the others are found', () => {
  const { disk, openFiles } = makeChecksums(3000);
  const content = disk.content(CHECKSUMS);
  const damaged = [0, 1, 2, 7, 818, 819, 820, 1637, 1638, 2998];
  for (const index of damaged) content[index * ENTRY_BYTES + (index % ENTRY_BYTES)] ^= 0x40;
  disk.put(CHECKSUMS, content);
  openFiles.close(CHECKSUMS);
  const cursor = new ChecksumCursor(openFiles, FILES);

  const found: number[] = [];
  for (let index = 0; index < 3000; index++) {
    if (cursor.seek(SEGMENT, POSITIONS[index]) && cursor.position === POSITIONS[index]) {
      found.push(index);
    }
  }

  const whole = Array.from({ length: 3000 }, (_, index) => index);
  assert.deepStrictEqual(
    found,
    whole.filter((index) => !damaged.includes(index)),
  );
});

test('ChecksumCursor: missing, empty, torn and meaningless files have no entries or those that are whole', () => {
  const { disk, openFiles } = makeChecksums(3);
  const whole = disk.content(CHECKSUMS);
  const found: number[] = [];
  for (let size = 0; size <= whole.length; size++) {
    disk.put(CHECKSUMS, whole.subarray(0, size));
    openFiles.close(CHECKSUMS);
    const cursor = new ChecksumCursor(openFiles, FILES);
    const entries = seekAll(cursor, POSITIONS.slice(0, 3));
    found.push(entries.filter((entry) => entry !== 'none').length);
  }
  disk.put(CHECKSUMS, Buffer.alloc(200_000, 'not entries'));
  openFiles.close(CHECKSUMS);
  const inNoise = new ChecksumCursor(openFiles, FILES).seek(SEGMENT, 0);
  disk.delete(CHECKSUMS);
  openFiles.close(CHECKSUMS);
  const inNone = new ChecksumCursor(openFiles, FILES).seek(SEGMENT, 0);

  assert.deepStrictEqual(
    found,
    Array.from({ length: 61 }, (_, size) => Math.floor(size / ENTRY_BYTES)),
  );
  assert.deepStrictEqual([inNoise, inNone], [false, false]);
});

test('ChecksumCursor: entries that are written later are found after a refresh', () => {
  const { openFiles } = makeChecksums(2);
  const writer = new ChecksumWriter({
    openFiles,
    files: FILES,
    log: (_, text) => assert.fail(text),
  });
  const cursor = new ChecksumCursor(openFiles, FILES);
  const before = seekAll(cursor, POSITIONS.slice(0, 3));

  writer.add(SEGMENT, POSITIONS[2], RECORDS[2], 0, RECORDS[2].length);
  const stale = cursor.seek(SEGMENT, POSITIONS[2]);
  cursor.refresh();
  const fresh = cursor.seek(SEGMENT, POSITIONS[2]);

  assert.deepStrictEqual(before.at(-1), 'none');
  assert.deepStrictEqual([stale, fresh, cursor.position], [false, true, POSITIONS[2]]);
});

test('ChecksumCursor: two cursors do not get in each other’s way', () => {
  const { openFiles } = makeChecksums(2000);
  const first = new ChecksumCursor(openFiles, FILES);
  const second = new ChecksumCursor(openFiles, FILES);

  for (let index = 0; index < 2000; index++) {
    assert.ok(first.seek(SEGMENT, POSITIONS[index]));
    assert.deepStrictEqual([first.position, first.size], [POSITIONS[index], RECORDS[index].length]);
    assert.ok(second.seek(SEGMENT, POSITIONS[1999 - index]));
    assert.equal(second.position, POSITIONS[1999 - index]);
  }
});

test('ChecksumCursor: what cannot be read is an error, and is found when it can', () => {
  const { disk, openFiles } = makeChecksums(3);
  const cursor = new ChecksumCursor(openFiles, FILES);
  disk.onCall = (action, path) => {
    if (action === 'read') throw new SystemError('EIO', action, path);
  };

  assert.throws(() => cursor.seek(SEGMENT, POSITIONS[1]), /read segment/);
  disk.onCall = () => undefined;

  assert.ok(cursor.seek(SEGMENT, POSITIONS[1]));
});
