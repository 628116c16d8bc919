import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChecksumCursor } from '../../../../../src/workers/disk/checksums/checksum-file.ts';
import { OpenFiles } from '../../../../../src/workers/disk/files/open-files.ts';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import { SegmentIndex } from '../../../../../src/workers/disk/files/segment-index.ts';
import { SidecarPatience } from '../../../../../src/workers/disk/files/sidecar-patience.ts';
import {
  type SegmentNaming,
  SegmentWriter,
  type SegmentWriterOptions,
} from '../../../../../src/workers/disk/segments/segment-writer.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { DATA_PATH } from '../../../../support/disk-queue-setup.ts';
import { FaultInjector } from '../../../../support/fault-injector.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';

const FILES = new QueueFiles(DATA_PATH, 'q');
/** Larger than a sector, so that records are lost one by one. */
const BODY = 'b'.repeat(600);
const RECORD_BYTES = 630;
const MEBIBYTE = 1024 * 1024;
/** There is no metadata. */
const NO_NAMES: SegmentNaming = {
  name: () => undefined,
  keep: () => undefined,
  takeBack: () => undefined,
};

interface Bench {
  readonly disk: MemoryFileSystem;
  readonly faults: FaultInjector;
  readonly openFiles: OpenFiles;
  readonly options: SegmentWriterOptions;
  readonly writer: SegmentWriter;
  readonly log: string[];
}

function makeBench(maxBytesPerFile = 1_000_000, openFilesMax = 256): Bench {
  const disk = new MemoryFileSystem(DATA_PATH);
  const faults = new FaultInjector(disk);
  const openFiles = new OpenFiles(disk, openFilesMax);
  const log: string[] = [];
  const options = {
    queueName: 'q',
    files: FILES,
    fileSystem: disk,
    openFiles,
    index: new SegmentIndex(disk, DATA_PATH),
    patience: new SidecarPatience(),
    dataPath: DATA_PATH,
    recordBytesMax: 1000,
    log: (_: number, text: string): void => {
      log.push(text);
    },
    maxBytesPerFile,
  };
  const writer = new SegmentWriter(options, 0, 0, [], NO_NAMES);
  return { disk, faults, openFiles, options, writer, log };
}

function records(...numbers: readonly number[]): Buffer {
  return Buffer.concat(numbers.map((number) => diskRecord(number, BODY)));
}

function append({ writer }: Bench, ...numbers: readonly number[]): void {
  const bytes = records(...numbers);
  writer.append(bytes, 0, bytes.length);
}

function failSyncs({ faults }: Bench): void {
  faults.fail({ kind: 'EIO', calls: ['sync'], after: 0, times: Number.POSITIVE_INFINITY });
}

/** A segment after a crash that loses all that it may lose. */
/** Puts the content into segment 0, which an earlier process has left. Returns how many bytes its sync writes. */
function bytesWrittenAgain(bench: Bench, content: Buffer): number {
  bench.openFiles.create(FILES.segment(0));
  bench.openFiles.write(FILES.segment(0), content, 0, content.length, 0);
  let count = 0;
  const write = bench.disk.write.bind(bench.disk);
  bench.disk.write = (handle, source, offset, length, position) => {
    count += length;
    write(handle, source, offset, length, position);
  };
  new SegmentWriter(bench.options, 1, 0, [{ segment: 0, position: 0 }], NO_NAMES).sync();
  return count;
}

function durableContent({ disk }: Bench, segment: number): Buffer | 'missing' {
  const crashed = disk.afterPowerLoss(() => 0);
  const path = FILES.segment(segment);
  return crashed.size(path) === 'missing' ? 'missing' : crashed.content(path);
}

test('SegmentWriter: after a failed sync appends are refused until one has written everything again', () => {
  const bench = makeBench();
  append(bench, 1);
  bench.writer.sync();
  append(bench, 2, 3);
  failSyncs(bench);
  assert.throws(() => bench.writer.sync(), /sync segment/);
  assert.throws(() => append(bench, 4), /write after a failed sync/);
  assert.throws(() => bench.writer.sync(), /sync segment/);
  bench.faults.heal();
  assert.throws(() => append(bench, 4), /write after a failed sync/);

  bench.writer.sync();
  const durable = durableContent(bench, 0);
  append(bench, 4);

  assert.deepStrictEqual(durable, records(1, 2, 3));
  assert.deepStrictEqual(bench.disk.content(FILES.segment(0)), records(1, 2, 3, 4));
  assert.equal(bench.writer.failure, undefined);
  assert.deepStrictEqual(bench.log, ['synced after a failure, records are accepted again']);
});

test('SegmentWriter: only what was not synced is written again, from the start of its page', () => {
  const bench = makeBench();
  append(bench, ...Array.from({ length: 20 }, (_, index) => index));
  bench.writer.sync();
  append(bench, 20, 21);
  failSyncs(bench);
  assert.throws(() => bench.writer.sync());
  bench.faults.heal();
  const calls: string[] = [];
  bench.disk.onCall = (action) => calls.push(action);

  bench.writer.sync();

  assert.equal(calls.filter((call) => call === 'write').length, 1);
  assert.ok(bench.disk.content(FILES.segment(0)).equals(records(...Array(22).keys())));
});

test('SegmentWriter: a sync that fails where a segment is left undoes the append, and is tried again', () => {
  const bench = makeBench(3 * RECORD_BYTES);
  append(bench, 1, 2);
  bench.writer.sync();
  failSyncs(bench);
  assert.throws(() => append(bench, 3, 4), /sync segment/);
  assert.throws(() => append(bench, 3, 4), /write after a failed sync/);
  bench.faults.heal();

  bench.writer.sync();
  append(bench, 3, 4);
  bench.writer.sync();

  assert.deepStrictEqual(durableContent(bench, 0), records(1, 2, 3));
  assert.deepStrictEqual(durableContent(bench, 1), records(4));
});

test('SegmentWriter: what is undone stays so when the power fails after the next process has begun', () => {
  const bench = makeBench(3 * RECORD_BYTES);
  append(bench, 1, 2);
  bench.writer.sync();
  // The first segment takes one record and is synced, the second takes three, and the third cannot be created.
  bench.faults.fail({ kind: 'ENOSPC', calls: ['create'], after: 1, times: 1 });
  assert.throws(() => append(bench, 3, 4, 5, 6, 7), /create segment/);

  const everything = bench.disk.afterPowerLoss((count) => count - 1);
  const nothing = bench.disk.afterPowerLoss(() => 0);

  for (const disk of [everything, nothing]) {
    assert.deepStrictEqual(disk.names(DATA_PATH), ['q.diskqueue.000000.dat']);
    assert.deepStrictEqual(disk.content(FILES.segment(0)), records(1, 2));
  }
});

test('SegmentWriter: a sync that fails when a file is closed to make room counts as one', () => {
  const bench = makeBench(1_000_000, 1);
  failSyncs(bench);
  append(bench, 1, 2);
  bench.faults.heal();

  assert.throws(() => bench.writer.sync(), /close segment/);
  bench.writer.sync();

  assert.deepStrictEqual(durableContent(bench, 0), records(1, 2));
});

test('SegmentWriter: a crash at any call of the second try leaves what was durable before', () => {
  for (let at = 0, isDone = false; !isDone; at++) {
    const bench = makeBench();
    append(bench, 1);
    bench.writer.sync();
    append(bench, 2);
    failSyncs(bench);
    assert.throws(() => bench.writer.sync());
    bench.faults.fail({ kind: 'EIO', after: at, times: 1 });

    let isSynced = true;
    try {
      bench.writer.sync();
    } catch {
      // The sync is one that the test lets fail.
      isSynced = false;
    }
    isDone = bench.faults.failedCount < 2;
    const durable = durableContent(bench, 0);
    const expected = isSynced ? records(1, 2) : records(1);
    assert.ok(durable !== 'missing' && durable.subarray(0, expected.length).equals(expected));
    assert.equal(bench.writer.failure === undefined, isSynced);

    bench.faults.heal();
    bench.writer.sync();
    assert.deepStrictEqual(durableContent(bench, 0), records(1, 2));
  }
});

test('SegmentWriter: what is not read back as it was written is said, and kept as it is', () => {
  const bench = makeBench();
  append(bench, 1, 2, 3);
  failSyncs(bench);
  assert.throws(() => bench.writer.sync());
  bench.faults.heal();
  const handle = bench.disk.openForWriting(FILES.segment(0));
  assert.ok(handle !== 'missing');
  bench.disk.write(handle, Buffer.from('X'), 0, 1, RECORD_BYTES + 100);

  bench.writer.sync();

  assert.deepStrictEqual(bench.log, [
    `segment 0: the record at ${RECORD_BYTES} was not read back as it was written`,
    'synced after a failure, records are accepted again',
  ]);
  append(bench, 4);
  assert.equal(bench.disk.content(FILES.segment(0)).length, 4 * RECORD_BYTES);
});

test('SegmentWriter: when bytes are gone after a failed sync, writing continues in a new segment', () => {
  const bench = makeBench();
  append(bench, 1, 2);
  failSyncs(bench);
  assert.throws(() => bench.writer.sync());
  bench.faults.heal();
  const handle = bench.disk.openForWriting(FILES.segment(0));
  assert.ok(handle !== 'missing');
  bench.disk.truncate(handle, RECORD_BYTES + 5);

  bench.writer.sync();
  append(bench, 3);

  assert.deepStrictEqual(bench.disk.content(FILES.segment(1)), records(3));
  assert.equal(bench.log.length, 3, bench.log.join('\n'));
});

test('SegmentWriter: what a life has left whose last sync failed is written again by the next', () => {
  const bench = makeBench();
  append(bench, 1);
  bench.writer.sync();
  append(bench, 2, 3);
  failSyncs(bench);
  assert.throws(() => bench.writer.sync());
  bench.faults.heal();
  const found = [{ segment: 0, position: RECORD_BYTES }];

  const next = new SegmentWriter(bench.options, 1, 0, found, NO_NAMES);
  next.sync();

  assert.deepStrictEqual(durableContent(bench, 0), records(1, 2, 3));
  assert.deepStrictEqual(bench.log, []);
});

test('SegmentWriter: a hole behind what a life has left is not filled', () => {
  const bench = makeBench();
  const content = Buffer.concat([records(1, 2), Buffer.alloc(8 * MEBIBYTE)]);
  const written = bytesWrittenAgain(bench, content);

  // The chunk with the records, and one that is longer than a record.
  assert.equal(written, 2 * MEBIBYTE);
  assert.deepStrictEqual(bench.disk.content(FILES.segment(0)), content);
  assert.deepStrictEqual(bench.log, [
    `segment 0: only zeros from ${MEBIBYTE} on, they are not synced`,
  ]);
});

test('SegmentWriter: a long body of zeros that a life has left is written again', () => {
  const bench = makeBench();
  const body = Buffer.alloc(3 * MEBIBYTE);
  const content = Buffer.concat([records(1), body, records(2), body, records(3)]);
  const options = { ...bench.options, recordBytesMax: 4 * MEBIBYTE };
  const written = bytesWrittenAgain({ ...bench, options }, content);

  assert.equal(written, content.length);
  assert.deepStrictEqual(durableContent(bench, 0), content);
  assert.deepStrictEqual(bench.log, []);
});

test('SegmentWriter: a restart after the queue was emptied forgets the failure', () => {
  const bench = makeBench();
  append(bench, 1);
  failSyncs(bench);
  assert.throws(() => bench.writer.sync());
  bench.faults.heal();
  bench.openFiles.remove(FILES.segment(0));

  bench.writer.restart();
  append(bench, 2);

  assert.deepStrictEqual(bench.disk.content(FILES.segment(1)), records(2));
});

test('SegmentWriter: every record of an append that was kept has an entry among the checksums, no other', () => {
  const bench = makeBench(3 * RECORD_BYTES);
  append(bench, 1, 2, 3, 4, 5);
  bench.faults.fail({ kind: 'ENOSPC', calls: ['create'], after: 0, times: 1 });
  assert.throws(() => append(bench, 6, 7));
  append(bench, 8, 9);

  const cursor = new ChecksumCursor(bench.openFiles, FILES);
  const found: number[][] = [];
  for (const segment of [0, 1, 2]) {
    const positions: number[] = [];
    let next = 0;
    while (cursor.seek(segment, next)) {
      positions.push(cursor.position / RECORD_BYTES);
      next = cursor.position + 1;
    }
    found.push(positions);
  }
  assert.deepStrictEqual(found, [[0, 1, 2], [0, 1, 2], [0]]);
});

test('SegmentWriter: an append is one write to its segment and one to its checksums', () => {
  const bench = makeBench();
  append(bench, 1);
  const calls: string[] = [];
  bench.disk.onCall = (action, path) => {
    if (action === 'write') calls.push(path);
  };

  append(bench, 2, 3, 4);

  assert.deepStrictEqual(calls, [FILES.segment(0), FILES.checksums(0)]);
});

test('SegmentWriter: where a file may not grow any more writing continues in a new one', () => {
  const bench = makeBench();
  append(bench, 1, 2);
  bench.faults.fail({ kind: 'EFBIG', calls: ['write'], after: 0, times: 1 });

  assert.throws(() => append(bench, 3), /write segment/);
  append(bench, 3);

  assert.deepStrictEqual([bench.writer.segment, bench.writer.position], [1, RECORD_BYTES]);
  assert.equal(bench.openFiles.size(FILES.segment(0)), 2 * RECORD_BYTES);
});
