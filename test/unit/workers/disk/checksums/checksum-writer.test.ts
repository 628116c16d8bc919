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

const FILES = new QueueFiles(DATA_PATH, 'q');
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

test('ChecksumWriter: a batch is one write, to a file that nothing syncs', () => {
  const bench = makeBench();
  const writer = bench.makeWriter();
  add(writer, 0, 0, 1);
  const calls: string[] = [];
  bench.disk.onCall = (action, path) => calls.push(`${action} ${path}`);

  add(writer, 0, 1, 4);

  assert.deepStrictEqual(calls, [`write ${FILES.checksums(0)}`]);
  assert.equal(bench.disk.content(FILES.checksums(0)).length, 4 * ENTRY_BYTES);
});

test('ChecksumWriter: the directory is created with the first file', () => {
  const bench = makeBench();

  add(bench.makeWriter(), 0, 0, 1);

  assert.deepStrictEqual(bench.disk.names(FILES.sidecarDirectory), ['q.diskqueue.000000.sums']);
});

test('ChecksumWriter: another writer goes on behind the entries that are there, over a torn one', () => {
  const bench = makeBench();
  add(bench.makeWriter(), 2, 0, 2);
  const torn = Buffer.concat([bench.disk.content(FILES.checksums(2)), Buffer.alloc(7, 1)]);
  bench.openFiles.close(FILES.checksums(2));
  bench.disk.put(FILES.checksums(2), torn);

  add(bench.makeWriter(), 2, 2, 4);

  assert.deepStrictEqual(entriesOf(bench, 2), [0, 1, 2, 3]);
});

test('ChecksumWriter: records without entries between others leave a gap', () => {
  const bench = makeBench();
  add(bench.makeWriter(), 2, 0, 2);

  add(bench.makeWriter(), 2, 3, 5);

  assert.deepStrictEqual(entriesOf(bench, 2), [0, 1, 3, 4]);
});

test('ChecksumWriter: entries for places that are written now were of something else', () => {
  const bench = makeBench();
  add(bench.makeWriter(), 2, 0, 4);
  add(bench.makeWriter(), 2, 1, 2);
  const continued = entriesOf(bench, 2);
  add(bench.makeWriter(), 2, 0, 1);
  const begun = entriesOf(bench, 2);

  assert.deepStrictEqual([continued, begun], [[1], [0]]);
});

test('ChecksumWriter: what cannot be written is said once, and costs the checksums of that segment only', () => {
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

test('ChecksumWriter: every failing call costs at most the checksums', () => {
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
