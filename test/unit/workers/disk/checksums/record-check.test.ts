import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChecksumWriter } from '../../../../../src/workers/disk/checksums/checksum-file.ts';
import { RecordCheck } from '../../../../../src/workers/disk/checksums/record-check.ts';
import { OpenFiles } from '../../../../../src/workers/disk/files/open-files.ts';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import { SidecarPatience } from '../../../../../src/workers/disk/files/sidecar-patience.ts';
import { dataViewOf, recordChecksum } from '../../../../../src/workers/disk/records/disk-record.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { DATA_PATH } from '../../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const FILES = new QueueFiles(DATA_PATH, 'q');
const SEGMENT = 1;
const RECORDS = ['one', 'second', '', 'the fourth'].map((body, index) => diskRecord(index, body));
const WHOLE = Buffer.concat(RECORDS);
const POSITIONS = [0, 33, 69, 99];

interface Bench {
  readonly disk: MemoryFileSystem;
  readonly check: RecordCheck;
  readonly log: string[];
}

/** A check of a segment that was written with these records, checksums of the first `count` of them, and has become `content`. */
function makeBench(content: Uint8Array = WHOLE, count = 4): Bench {
  const disk = new MemoryFileSystem(DATA_PATH);
  const openFiles = new OpenFiles(disk);
  const log: string[] = [];
  const source = {
    openFiles,
    files: FILES,
    recordBytesMax: 200,
    patience: new SidecarPatience(),
    log: (_: number, text: string): void => {
      log.push(text);
    },
  };
  const written = Buffer.concat(RECORDS.slice(0, count));
  new ChecksumWriter(source).add(SEGMENT, 0, written, 0, written.length);
  disk.put(FILES.segment(SEGMENT), content);
  return { disk, check: new RecordCheck(source), log };
}

function checkWhole({ check }: Bench, index: number, record = RECORDS[index]): string {
  const checksum = recordChecksum(record, dataViewOf(record), 0, record.length);
  return check.check(SEGMENT, POSITIONS[index], record, 0, checksum);
}

function checkFront({ check }: Bench, index: number, record = RECORDS[index]): string {
  return check.checkFront(SEGMENT, POSITIONS[index], record, 0);
}

test('RecordCheck: records as they were written are the same', () => {
  const bench = makeBench();

  const verdicts = RECORDS.map((_, index) => [checkFront(bench, index), checkWhole(bench, index)]);

  assert.deepStrictEqual(
    verdicts,
    RECORDS.map(() => ['same', 'same']),
  );
  assert.deepStrictEqual(bench.log, []);
});

test('RecordCheck: a change of any byte is damage, before the body it shows at once', () => {
  for (let index = 0; index < RECORDS.length; index++) {
    for (let at = 0; at < RECORDS[index].length; at++) {
      const bench = makeBench();
      const changed = Buffer.from(RECORDS[index]);
      changed[at] ^= 0x20;

      const verdicts = [checkFront(bench, index, changed), checkWhole(bench, index, changed)];

      assert.deepStrictEqual(verdicts, [at < 30 ? 'damaged' : 'same', 'damaged']);
      assert.equal(bench.check.size, RECORDS[index].length);
      assert.deepStrictEqual(bench.log, []);
    }
  }
});

test('RecordCheck: checksums of other records are given up for the segment, and that is said once', () => {
  const bench = makeBench();
  const foreign = diskRecord(77, 'of nsqd');

  const verdicts = [
    checkWhole(bench, 0),
    checkWhole(bench, 1, foreign),
    checkWhole(bench, 2),
    checkFront(bench, 3),
  ];

  assert.deepStrictEqual(verdicts, ['same', 'other', 'unknown', 'unknown']);
  assert.deepStrictEqual(bench.log, [
    'segment 1: its checksums belong to other records, continuing without',
  ]);
});

test('RecordCheck: bytes that are no record do not speak against the checksums', () => {
  const bench = makeBench();

  const verdicts = [checkFront(bench, 1, Buffer.alloc(30)), checkWhole(bench, 2)];

  assert.deepStrictEqual([verdicts, bench.log], [['other', 'same'], []]);
});

test('RecordCheck: records without an entry are unknown', () => {
  const bench = makeBench(WHOLE, 2);

  assert.deepStrictEqual(
    [checkWhole(bench, 2), checkFront(bench, 3), bench.log],
    ['unknown', 'unknown', []],
  );
});

test('RecordCheck: checksums that cannot be read are said once, and used when they can', () => {
  const bench = makeBench();
  bench.disk.onCall = (action, path) => {
    if (action === 'read') throw new SystemError('EIO', action, path);
  };
  const failing = [checkWhole(bench, 0), checkWhole(bench, 1)];
  bench.check.refresh();
  failing.push(checkWhole(bench, 2));
  bench.disk.onCall = () => undefined;
  bench.check.refresh();

  assert.deepStrictEqual(
    [failing, checkWhole(bench, 3)],
    [['unknown', 'unknown', 'unknown'], 'same'],
  );
  assert.equal(bench.log.length, 1);
});

test('RecordCheck: behind bytes that are no record it goes on with the next that the checksums know', () => {
  const content = Buffer.from(WHOLE);
  content.fill(0, 20, 75);
  const { check } = makeBench(content);

  const places = [0, 33, 69].map((position) => check.nextPlace(SEGMENT, position, WHOLE.length));

  assert.deepStrictEqual(places, [99, 99, 99]);
});

test('RecordCheck: behind the last record it knows it goes on with what looks like one', () => {
  const content = Buffer.from(WHOLE);
  content.fill(0, 33, 69);
  const { check } = makeBench(content, 2);

  assert.equal(check.nextPlace(SEGMENT, 33, WHOLE.length), 69);
});

test('RecordCheck: where checksums say nothing or nothing true, the segment ends', () => {
  const zeros = makeBench(Buffer.alloc(WHOLE.length));
  const others = makeBench(Buffer.concat(RECORDS.toReversed()));
  const none = makeBench(WHOLE, 0);

  const places = [zeros, others, none].map(({ check }) =>
    check.nextPlace(SEGMENT, 0, WHOLE.length),
  );

  assert.deepStrictEqual(places, [WHOLE.length, WHOLE.length, WHOLE.length]);
});

test('RecordCheck: where to go on is not decided while checksums or segment cannot be read', () => {
  const content = Buffer.from(WHOLE);
  content.fill(0, 0, 33);
  for (const part of ['.sums', '.dat']) {
    const bench = makeBench(content);
    bench.disk.onCall = (action, path) => {
      if (action === 'read' && path.endsWith(part)) throw new SystemError('EIO', action, path);
    };

    assert.throws(() => bench.check.nextPlace(SEGMENT, 0, WHOLE.length), /read segment/);
    bench.disk.onCall = () => undefined;
    assert.equal(bench.check.nextPlace(SEGMENT, 0, WHOLE.length), 33);
  }
});
