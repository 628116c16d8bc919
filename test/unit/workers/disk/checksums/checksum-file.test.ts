import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ChecksumCursor,
  ChecksumWriter,
  ENTRY_BYTES,
  entryChecksum,
  entryPosition,
  entrySize,
  samePartsOf,
  writeEntry,
} from '../../../../../src/workers/disk/checksums/checksum-file.ts';
import { OpenFiles } from '../../../../../src/workers/disk/files/open-files.ts';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import { dataViewOf, recordChecksum } from '../../../../../src/workers/disk/records/disk-record.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { DATA_PATH } from '../../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const FILES = new QueueFiles(DATA_PATH, 'q');

describe('an entry of a checksum file', () => {
  const POSITION = 3 * 2 ** 32 + 77;

  function entryOf(record: Buffer, position = POSITION): Buffer {
    const entry = Buffer.alloc(ENTRY_BYTES);
    writeEntry(entry, dataViewOf(entry), 0, record, dataViewOf(record), 0, position);
    return entry;
  }

  function partsOf(entry: Buffer, record: Buffer): number {
    return samePartsOf(entry, 0, record, dataViewOf(record), 0);
  }

  test('an entry tells position, size and checksum of its record', () => {
    const record = diskRecord(5, 'a body');

    const entry = entryOf(record);

    assert.deepStrictEqual(
      [entryPosition(entry, dataViewOf(entry), 0), entrySize(entry, 0), entryChecksum(entry, 0)],
      [POSITION, record.length, recordChecksum(record, dataViewOf(record), 0, record.length)],
    );
    assert.equal(partsOf(entry, record), 2);
  });

  test('zeros are no entry, and a changed byte of an entry is found', () => {
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

  test('a change in one part of a record leaves the other, one in the body both', () => {
    const record = diskRecord(5, 'a body');
    const entry = entryOf(record);

    for (let index = 0; index < record.length; index++) {
      const changed = Buffer.from(record);
      changed[index] ^= 0x11;
      assert.equal(partsOf(entry, changed), index < 30 ? 1 : 2, `byte ${index}`);
    }
  });

  test('another record has no part of it', () => {
    const entry = entryOf(diskRecord(5, 'a body'));

    assert.equal(partsOf(entry, diskRecord(6, 'a body')), 0);
  });
});

describe('ChecksumWriter', () => {
  const RECORDS = [1, 2, 3, 4, 5].map((number) => diskRecord(number, 'body'));
  const RECORD_BYTES = RECORDS[0].length;

  interface Bench {
    readonly disk: MemoryFileSystem;
    readonly openFiles: OpenFiles;
    readonly log: string[];
    readonly makeWriter: () => ChecksumWriter;
  }

  function makeBench(): Bench {
    const disk = new MemoryFileSystem(DATA_PATH);
    const openFiles = new OpenFiles(disk, 4);
    const log: string[] = [];
    const makeWriter = (): ChecksumWriter =>
      new ChecksumWriter({ openFiles, files: FILES, log: (_, text) => log.push(text) });
    return { disk, openFiles, log, makeWriter };
  }

  function add(writer: ChecksumWriter, segment: number, first: number, end: number): void {
    const bytes = Buffer.concat(RECORDS.slice(first, end));
    writer.add(segment, first * RECORD_BYTES, bytes, 0, bytes.length);
  }

  /** Indexes of the records that have an entry. */
  function entriesOf({ openFiles }: Bench, segment: number): number[] {
    const cursor = new ChecksumCursor(openFiles, FILES);
    return [...RECORDS.keys()].filter(
      (index) =>
        cursor.seek(segment, index * RECORD_BYTES) && cursor.position === index * RECORD_BYTES,
    );
  }

  test('a batch is one write, to a file that nothing syncs', () => {
    const bench = makeBench();
    const writer = bench.makeWriter();
    add(writer, 0, 0, 1);
    const calls: string[] = [];
    bench.disk.onCall = (action, path) => calls.push(`${action} ${path}`);

    add(writer, 0, 1, 4);

    assert.deepStrictEqual(calls, [`write ${FILES.checksums(0)}`]);
    assert.equal(bench.disk.content(FILES.checksums(0)).length, 4 * ENTRY_BYTES);
  });

  test('the directory is created with the first file', () => {
    const bench = makeBench();

    add(bench.makeWriter(), 0, 0, 1);

    assert.deepStrictEqual(bench.disk.names(FILES.sidecarDirectory), ['q.diskqueue.000000.sums']);
  });

  test('another writer goes on behind the entries that are there, over a torn one', () => {
    const bench = makeBench();
    add(bench.makeWriter(), 2, 0, 2);
    const torn = Buffer.concat([bench.disk.content(FILES.checksums(2)), Buffer.alloc(7, 1)]);
    bench.openFiles.close(FILES.checksums(2));
    bench.disk.put(FILES.checksums(2), torn);

    add(bench.makeWriter(), 2, 2, 4);

    assert.deepStrictEqual(entriesOf(bench, 2), [0, 1, 2, 3]);
  });

  test('records without entries between others leave a gap', () => {
    const bench = makeBench();
    add(bench.makeWriter(), 2, 0, 2);

    add(bench.makeWriter(), 2, 3, 5);

    assert.deepStrictEqual(entriesOf(bench, 2), [0, 1, 3, 4]);
  });

  test('entries for places that are written now were of something else', () => {
    const bench = makeBench();
    add(bench.makeWriter(), 2, 0, 4);
    add(bench.makeWriter(), 2, 1, 2);
    const continued = entriesOf(bench, 2);
    add(bench.makeWriter(), 2, 0, 1);
    const begun = entriesOf(bench, 2);

    assert.deepStrictEqual([continued, begun], [[1], [0]]);
  });

  test('what cannot be written is said once, and costs the checksums of that segment only', () => {
    const bench = makeBench();
    const writer = bench.makeWriter();
    add(writer, 0, 0, 2);
    bench.disk.onCall = (action, path) => {
      if (action === 'write') throw new SystemError('EIO', action, path);
    };
    add(writer, 0, 2, 3);
    bench.disk.onCall = () => undefined;
    add(writer, 0, 3, 4);
    add(writer, 1, 0, 1);

    assert.deepStrictEqual([entriesOf(bench, 0), entriesOf(bench, 1)], [[0, 1], [0]]);
    assert.deepStrictEqual(bench.log, [
      'failed to write checksums of segment 0, continuing without - write file q.diskqueue.000000.sums: ' +
        `EIO: write '${FILES.checksums(0)}'`,
    ]);
  });

  test('every failing call costs at most the checksums', () => {
    for (let failing = 0; failing < 20; failing++) {
      const bench = makeBench();
      let left = failing;
      bench.disk.onCall = (action, path) => {
        if (left-- === 0) throw new SystemError('EIO', action, path);
      };
      const writer = bench.makeWriter();
      add(writer, 0, 0, 2);
      add(writer, 1, 0, 2);
      add(writer, 0, 2, 4);
      bench.disk.onCall = () => undefined;

      assert.ok([4, 2, 0].includes(entriesOf(bench, 0).length), `call ${failing}`);
      assert.ok(bench.log.length <= 1);
    }
  });
});

describe('ChecksumCursor', () => {
  const SEGMENT = 4;
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
    const writer = new ChecksumWriter({
      openFiles,
      files: FILES,
      log: (_, text) => log.push(text),
    });
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

  test('finds every entry one after the other, with few reads', () => {
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

  test('finds entries in any order, and the next one where there is none', () => {
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

  test('a far entry takes few reads', () => {
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

  test('damaged entries are none, the others are found', () => {
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

  test('missing, empty, torn and meaningless files have no entries or those that are whole', () => {
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

  test('entries that are written later are found after a refresh', () => {
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

  test('two cursors do not get in each other’s way', () => {
    const { openFiles } = makeChecksums(2000);
    const first = new ChecksumCursor(openFiles, FILES);
    const second = new ChecksumCursor(openFiles, FILES);

    for (let index = 0; index < 2000; index++) {
      assert.ok(first.seek(SEGMENT, POSITIONS[index]));
      assert.deepStrictEqual(
        [first.position, first.size],
        [POSITIONS[index], RECORDS[index].length],
      );
      assert.ok(second.seek(SEGMENT, POSITIONS[1999 - index]));
      assert.equal(second.position, POSITIONS[1999 - index]);
    }
  });

  test('what cannot be read is an error, and is found when it can', () => {
    const { disk, openFiles } = makeChecksums(3);
    const cursor = new ChecksumCursor(openFiles, FILES);
    disk.onCall = (action, path) => {
      if (action === 'read') throw new SystemError('EIO', action, path);
    };

    assert.throws(() => cursor.seek(SEGMENT, POSITIONS[1]), /read segment/);
    disk.onCall = () => undefined;

    assert.ok(cursor.seek(SEGMENT, POSITIONS[1]));
  });
});
