import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type RecordAppend,
  RecordSafety,
  RecordWriter,
} from '../../../../src/workers/disk/record-writer.ts';
import { RecordStates } from '../../../../src/workers/disk/states/record-states.ts';
import { diskRecord } from '../../../support/disk-files.ts';
import { checksumOf, type DiskParts, FILES, makeParts } from '../../../support/disk-parts.ts';
import { FaultInjector } from '../../../support/fault-injector.ts';

const DUE_MS = 1_700_000_000_000;
const RECORD_BYTES = 40;
/** Two records of that size. */
const TWO_RECORDS = 2 * RECORD_BYTES;

/** Records with these numbers, which are their attempts too. */
function recordsOf(...numbers: readonly number[]): Buffer {
  const records = numbers.map((number) => diskRecord(number, '0123456789'));
  assert.ok(records.every(({ length }) => length === RECORD_BYTES));
  return Buffer.concat(records);
}

function append(
  { writer }: DiskParts,
  numbers: readonly number[],
  dueTimes?: readonly number[],
): RecordAppend {
  const bytes = recordsOf(...numbers);
  return writer.append(bytes, 0, bytes.length, dueTimes);
}

/** The state of the record at a place, in words. */
function stateAt({ states }: DiskParts, segment: number, position: number): string {
  if (!states.find(segment, position)) return 'none';
  return `attempts ${states.attempts}, due ${states.dueMs}, checksum ${states.checksum}`;
}

/** Calls that change files from now on, with the last part of the file's name. */
function recordCalls({ disk }: DiskParts): string[] {
  const calls: string[] = [];
  const endings: Readonly<Record<string, string>> = {
    [FILES.segment(0)]: 'segment 0',
    [FILES.segment(1)]: 'segment 1',
    [FILES.states(0)]: 'states 0',
    [FILES.states(1)]: 'states 1',
  };
  disk.onCall = (call, path) => {
    if (call !== 'write' && call !== 'sync' && call !== 'truncate') return;
    if (path in endings) calls.push(`${call} ${endings[path]}`);
  };
  return calls;
}

function safetyOf(parts: DiskParts, hasLooseRecords: boolean): RecordSafety {
  const { segments, writer, states } = parts;
  return new RecordSafety(
    { queueName: 'orders', writer: segments, recordWriter: writer, states },
    hasLooseRecords,
  );
}

test('RecordWriter: only records with a due time get a state, which has their attempts and checksum', () => {
  const parts = makeParts();
  const { runs, deferred } = append(parts, [300, 2, 3], [DUE_MS, 0, DUE_MS + 5]);

  assert.equal(deferred, 2);
  assert.deepStrictEqual(runs, [{ segment: 0, position: 0, start: 0, end: 3 * RECORD_BYTES }]);
  assert.equal(
    stateAt(parts, 0, 0),
    `attempts 300, due ${DUE_MS}, checksum ${checksumOf(recordsOf(300))}`,
  );
  assert.equal(stateAt(parts, 0, RECORD_BYTES), 'none');
  assert.equal(
    stateAt(parts, 0, TWO_RECORDS),
    `attempts 3, due ${DUE_MS + 5}, checksum ${checksumOf(recordsOf(3))}`,
  );
});

test('RecordWriter: without due times there are no states', () => {
  const parts = makeParts();

  assert.equal(append(parts, [1, 2]).deferred, 0);
  assert.equal(parts.states.isEmpty, true);
});

test('RecordWriter: an append may be a part of its bytes', () => {
  const parts = makeParts();
  const bytes = recordsOf(1, 2, 3);
  parts.writer.append(bytes, RECORD_BYTES, TWO_RECORDS, [DUE_MS]);

  assert.deepStrictEqual(parts.disk.content(FILES.segment(0)), recordsOf(2));
  assert.match(stateAt(parts, 0, 0), /^attempts 2,/);
});

test('RecordWriter: each record keeps its own due time when the append goes on in new segments', () => {
  const parts = makeParts(TWO_RECORDS);
  const { runs, deferred } = append(
    parts,
    [1, 2, 3, 4, 5],
    [0, DUE_MS + 2, DUE_MS + 3, 0, DUE_MS + 5],
  );

  assert.deepStrictEqual(
    runs.map(({ segment, position }) => [segment, position]),
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
  );
  assert.equal(deferred, 3);
  assert.match(stateAt(parts, 0, RECORD_BYTES), /^attempts 2, due 1700000000002,/);
  assert.match(stateAt(parts, 1, 0), /^attempts 3, due 1700000000003,/);
  assert.equal(stateAt(parts, 1, RECORD_BYTES), 'none');
  assert.match(stateAt(parts, 2, 0), /^attempts 5, due 1700000000005,/);
});

test('RecordWriter: a state is written before its record', () => {
  const parts = makeParts();
  const calls = recordCalls(parts);
  append(parts, [1], [DUE_MS]);

  assert.deepStrictEqual(calls, ['write states 0', 'write segment 0']);
});

test('RecordWriter: the state of a moved record is durable before its record is written', () => {
  const parts = makeParts();
  const calls = recordCalls(parts);
  const bytes = recordsOf(1);
  parts.writer.appendMoved(bytes, bytes.length, [DUE_MS]);

  assert.deepStrictEqual(calls, ['write states 0', 'sync states 0', 'write segment 0']);
});

test('RecordWriter: a new segment does not inherit the states of an earlier one with its number', () => {
  const parts = makeParts();
  const list = parts.states.startList();
  list.addUnacked(0, 9, DUE_MS, 1);
  parts.states.write(0, list);
  append(parts, [1]);

  assert.equal(parts.states.has(0), false);
});

test('RecordWriter: a failed append leaves neither records nor states', () => {
  const parts = makeParts(TWO_RECORDS);
  append(parts, [1], [DUE_MS]);
  const faults = new FaultInjector(parts.disk);
  // States of both segments and the record of the old one are written, the record of the new one is not.
  faults.fail({ kind: 'ENOSPC', calls: ['write'], after: 3, times: 1 });

  assert.throws(() => append(parts, [2, 3], [DUE_MS, DUE_MS]), /write segment .*000001/);
  assert.deepStrictEqual(parts.disk.content(FILES.segment(0)), recordsOf(1));
  assert.match(stateAt(parts, 0, 0), /^attempts 1,/);
  assert.equal(stateAt(parts, 0, RECORD_BYTES), 'none');
  assert.equal(parts.disk.names('/data').includes(FILES.segment(1)), false);
});

test('RecordWriter: what could not be undone at once is undone before the next append', () => {
  const parts = makeParts();
  append(parts, [1], [DUE_MS]);
  const faults = new FaultInjector(parts.disk);
  // The state is written. The record is not, and the files cannot be cut either.
  faults.fail({ kind: 'EIO', calls: ['write', 'truncate'], after: 1, times: 2 });
  assert.throws(() => append(parts, [2], [DUE_MS]), /write segment/);
  assert.match(stateAt(parts, 0, RECORD_BYTES), /^attempts 2,/);

  faults.heal();
  append(parts, [3]);

  assert.deepStrictEqual(parts.disk.content(FILES.segment(0)), recordsOf(1, 3));
  assert.equal(stateAt(parts, 0, RECORD_BYTES), 'none');
});

test('RecordWriter: a log line tells that an append is not undone yet', () => {
  const parts = makeParts();
  append(parts, [1]);
  const faults = new FaultInjector(parts.disk);
  faults.fail({ kind: 'EIO', calls: ['write', 'truncate'], after: 0, times: 2 });
  assert.throws(() => append(parts, [2]), /write segment/);
  faults.fail({ kind: 'EIO', calls: ['truncate'], after: 0, times: 1 });
  parts.writer.tryTidy();

  assert.match(parts.log.at(-1) ?? '', /^failed to undo an append, trying again later - /);
  faults.heal();
  parts.writer.tidy();
  assert.deepStrictEqual(parts.disk.content(FILES.segment(0)), recordsOf(1));
});

test('RecordWriter: the queues of a thread share a list, and none writes states of another', () => {
  const parts = makeParts();
  const states = new RecordStates(parts.context);
  assert.equal(states.startList(), parts.states.startList());

  append(parts, [1, 2], [DUE_MS, DUE_MS]);
  const list = states.startList();

  assert.deepStrictEqual(list.positions, []);
  const other = makeParts();
  const writer = new RecordWriter(other.segments, other.states, other.context.log);
  const bytes = recordsOf(1);
  assert.equal(writer.append(bytes, 0, bytes.length, [0]).deferred, 0);
});

test('RecordSafety: records that wait for the next sync are loose until they are synced', () => {
  const safety = safetyOf(makeParts(), false);
  safety.onAppend('journal');
  assert.equal(safety.hasLooseRecords, false);

  safety.onAppend('next sync');
  assert.equal(safety.hasLooseRecords, true);
  safety.syncRecords();
  assert.equal(safety.hasLooseRecords, false);
});

test('RecordSafety: what an earlier process left may be loose from the start', () => {
  assert.equal(safetyOf(makeParts(), true).hasLooseRecords, true);
});

test('RecordSafety: states are synced before records, and only if they may be loose', () => {
  const parts = makeParts();
  const safety = safetyOf(parts, false);
  append(parts, [1], [DUE_MS]);
  safety.onAppend('next sync');
  const calls = recordCalls(parts);
  safety.syncRecords();
  assert.deepStrictEqual(calls, ['sync states 0', 'sync segment 0']);

  append(parts, [2], [DUE_MS]);
  calls.length = 0;
  safety.syncRecords();
  assert.deepStrictEqual(calls, ['sync segment 0']);
});

test('RecordSafety: durable segments alone leave states loose', () => {
  const parts = makeParts();
  const safety = safetyOf(parts, false);
  append(parts, [1], [DUE_MS]);
  safety.loosen();
  safety.onSegmentsSynced();
  assert.equal(safety.hasLooseRecords, false);
  const calls = recordCalls(parts);
  safety.syncRecords();
  assert.equal(calls[0], 'sync states 0');

  append(parts, [2], [DUE_MS]);
  safety.loosen();
  safety.onSynced();
  assert.equal(safety.hasLooseRecords, false);
  calls.length = 0;
  safety.syncRecords();
  assert.deepStrictEqual(calls, ['sync segment 0']);
});

test('RecordSafety: a failed sync names the queue, and records stay loose', () => {
  const parts = makeParts();
  const safety = safetyOf(parts, false);
  append(parts, [1]);
  safety.loosen();
  new FaultInjector(parts.disk).fail({ kind: 'EIO', calls: ['sync'], after: 0, times: 1 });

  assert.throws(() => safety.syncRecords(), /sync queue "?orders/);
  assert.equal(safety.hasLooseRecords, true);
});

test('RecordSafety: names of segments are new until their directory is synced', () => {
  const parts = makeParts();
  const safety = safetyOf(parts, false);
  append(parts, [1]);
  assert.equal(safety.hasNewNames, true);

  safety.onNamesSynced();
  assert.equal(safety.hasNewNames, false);
});
