import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenFiles } from '../../../../../src/workers/disk/files/open-files.ts';
import { QueueFiles } from '../../../../../src/workers/disk/files/queue-files.ts';
import { SegmentIndex } from '../../../../../src/workers/disk/files/segment-index.ts';
import { SidecarPatience } from '../../../../../src/workers/disk/files/sidecar-patience.ts';
import {
  ENTRIES_OFFSET,
  writeDrop,
  writeHeader,
  writeRecords,
} from '../../../../../src/workers/disk/journal/journal-entry.ts';
import { recoverJournals } from '../../../../../src/workers/disk/journal/journal-recovery.ts';
import { dataViewOf, recordChecksum } from '../../../../../src/workers/disk/records/disk-record.ts';
import { RecordStates } from '../../../../../src/workers/disk/states/record-states.ts';
import { StateList } from '../../../../../src/workers/disk/states/state-list.ts';
import { diskRecord } from '../../../../support/disk-files.ts';
import { DATA_PATH } from '../../../../support/disk-queue-setup.ts';
import { MemoryFileSystem } from '../../../../support/memory-file-system.ts';
import { SystemError } from '../../../../support/system-error.ts';

const FILES = new QueueFiles(DATA_PATH, 'q');
const SIDECARS = FILES.sidecarDirectory;
const [FIRST, SECOND, THIRD] = [1, 2, 3].map((number) => diskRecord(number, 'body'));
const SIZE = FIRST.length;
const DUE_MS = 1_700_000_000_123;

type Entry = {
  readonly queue?: string;
  readonly segment?: number;
  readonly position: number;
  readonly records: Buffer;
  readonly dueTimes?: readonly number[];
};

/** A journal file; an entry that is only a name drops that queue. */
function journal(generation: number, ...entries: readonly (Entry | string)[]): Buffer {
  const bytes = Buffer.alloc(ENTRIES_OFFSET + 4096);
  writeHeader(bytes, generation);
  let at = ENTRIES_OFFSET;
  for (const entry of entries) {
    if (typeof entry === 'string') at = writeDrop(bytes, at, generation, entry);
    else {
      const { queue = 'q', segment = 0, position, records, dueTimes = [] } = entry;
      const source = { segment, position, source: records, start: 0, end: records.length };
      at = writeRecords(bytes, at, generation, queue, { ...source, dueTimes });
    }
  }
  return bytes.subarray(0, at);
}

/** A disk with a queue whose first segment has these bytes, and metadata that ends at `writePosition`. */
function makeDisk(segment: Buffer, writePosition: number): MemoryFileSystem {
  const disk = new MemoryFileSystem(DATA_PATH, SIDECARS);
  disk.put(FILES.segment(0), segment);
  disk.put(FILES.metadata, Buffer.from(`1\n0,0\n0,${writePosition}\n`));
  return disk;
}

function recover(disk: MemoryFileSystem): string[] {
  const log: string[] = [];
  recoverJournals({ fileSystem: disk, dataPath: DATA_PATH, log: (_, text) => log.push(text) });
  return log;
}

function statesOn(disk: MemoryFileSystem): RecordStates {
  return new RecordStates({
    ...{ queueName: 'q', files: FILES, fileSystem: disk, dataPath: DATA_PATH },
    openFiles: new OpenFiles(disk),
    index: new SegmentIndex(disk, DATA_PATH),
    patience: new SidecarPatience(),
    recordBytesMax: 1000,
    log: () => undefined,
  });
}

function checksumOf(record: Buffer): number {
  return recordChecksum(record, dataViewOf(record), 0, record.length);
}

test('recoverJournals: records behind the metadata are written again, durably, and the journals go', () => {
  const disk = makeDisk(FIRST, SIZE);
  const lost = Buffer.concat([SECOND, THIRD]);
  disk.put(`${SIDECARS}/journal.0.a`, journal(1, { position: SIZE, records: lost }));

  const log = recover(disk);

  const later = disk.afterPowerLoss(() => 0);
  assert.deepStrictEqual(later.content(FILES.segment(0)), Buffer.concat([FIRST, lost]));
  assert.deepStrictEqual(later.names(SIDECARS), []);
  assert.deepStrictEqual(log, [
    'DISKQUEUE(q): 2 records after the last sync were written again from the journal',
  ]);
});

test('recoverJournals: after a kill, when everything is there, nothing changes', () => {
  const whole = Buffer.concat([FIRST, SECOND]);
  const disk = makeDisk(whole, SIZE);
  disk.put(`${SIDECARS}/journal.0.a`, journal(1, { position: SIZE, records: SECOND }));
  disk.put(`${SIDECARS}/journal.1.b`, journal(1, { position: 0, records: FIRST }));

  recover(disk);

  assert.deepStrictEqual(disk.content(FILES.segment(0)), whole);
});

test('recoverJournals: where another program has written records, those of the journal go behind them', () => {
  const disk = makeDisk(Buffer.concat([THIRD, THIRD]), 2 * SIZE);
  const entry = { position: SIZE, records: SECOND };
  const more = { position: 2 * SIZE, records: FIRST };
  disk.put(`${SIDECARS}/journal.0.a`, journal(1, entry, more));

  recover(disk);

  assert.deepStrictEqual(
    disk.content(FILES.segment(0)),
    Buffer.concat([THIRD, THIRD, SECOND, FIRST]),
  );
});

test('recoverJournals: a segment that was removed is not made again', () => {
  const disk = makeDisk(FIRST, SIZE);
  disk.put(`${SIDECARS}/journal.0.a`, journal(1, { segment: 1, position: 0, records: SECOND }));

  recover(disk);

  assert.deepStrictEqual(disk.names(DATA_PATH).includes(FILES.segment(1)), false);
  assert.deepStrictEqual(disk.content(FILES.segment(0)), FIRST);
});

test('recoverJournals: what was dropped later is not written, in the order of generations', () => {
  const other = new QueueFiles(DATA_PATH, 'other');
  const disk = makeDisk(FIRST, SIZE);
  disk.put(other.segment(0), FIRST);
  const records = { position: SIZE, records: SECOND };
  // The newer journal has the name that comes first.
  disk.put(`${SIDECARS}/journal.0.b`, journal(1, records, { ...records, queue: 'other' }));
  disk.put(`${SIDECARS}/journal.0.a`, journal(2, 'q'));

  recover(disk);

  assert.deepStrictEqual(disk.content(FILES.segment(0)), FIRST);
  assert.deepStrictEqual(disk.content(other.segment(0)), Buffer.concat([FIRST, SECOND]));
});

test('recoverJournals: a due time is written where the record has no state, and not over a later one', () => {
  const disk = makeDisk(Buffer.concat([FIRST, SECOND]), 0);
  const finished = new StateList();
  finished.addFinished(0, checksumOf(FIRST));
  const before = statesOn(disk);
  before.write(0, finished);
  before.sync();
  const records = Buffer.concat([FIRST, SECOND, THIRD]);
  const dueTimes = [DUE_MS, DUE_MS, 0];
  disk.put(`${SIDECARS}/journal.0.a`, journal(1, { position: 0, records, dueTimes }));

  recover(disk);

  const states = statesOn(disk);
  const found = [0, SIZE, 2 * SIZE].map((position) =>
    states.find(0, position) ? states.dueMs : 'none',
  );
  assert.deepStrictEqual(found, [0, DUE_MS, 'none']);
});

test('recoverJournals: other files and journals without a header are no journals', () => {
  const disk = makeDisk(FIRST, SIZE);
  const bytes = journal(1, { position: SIZE, records: SECOND });
  disk.put(`${SIDECARS}/journal.0.c`, bytes);
  disk.put(`${SIDECARS}/journal.0.a`, bytes.subarray(0, 10));

  assert.deepStrictEqual(recover(disk), []);

  assert.deepStrictEqual(disk.content(FILES.segment(0)), FIRST);
  assert.ok(disk.names(SIDECARS).some((name) => name.endsWith('journal.0.c')));
});

test('recoverJournals: after any failing call it can be repeated, and loses nothing', () => {
  const whole = Buffer.concat([FIRST, SECOND, THIRD]);
  let failures = 0;
  for (let failing = 0; ; failing++) {
    const disk = makeDisk(FIRST, SIZE);
    const records = Buffer.concat([SECOND, THIRD]);
    disk.put(`${SIDECARS}/journal.0.a`, journal(1, { position: SIZE, records, dueTimes: [9, 9] }));
    let left = failing;
    disk.onCall = (action, path) => {
      if (left-- === 0) throw new SystemError('EIO', action, path);
    };
    let hasThrown = false;
    try {
      recover(disk);
    } catch {
      // The failing call; what it left is checked below.
      hasThrown = true;
    }
    const hasFailed = left < 0;
    disk.onCall = () => undefined;
    if (hasThrown) recover(disk);

    if (!hasThrown) assert.equal(disk.openCount, 0);
    assert.deepStrictEqual(disk.content(FILES.segment(0)), whole, `call ${failing}`);
    const states = statesOn(disk);
    assert.ok(states.find(0, SIZE) && states.dueMs === 9, `call ${failing}`);
    if (!hasFailed) break;
    failures++;
  }
  assert.ok(failures > 10, `${failures} calls have failed`);
});
