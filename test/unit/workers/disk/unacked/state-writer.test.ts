import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StateWriter } from '../../../../../src/workers/disk/unacked/state-writer.ts';
import { append, type DiskParts, makeParts, read } from '../../../../support/disk-parts.ts';
import { FaultInjector } from '../../../../support/fault-injector.ts';

const DUE_MS = 1_700_000_000_000;
/** Bytes of a record with a body of ten. */
const RECORD_BYTES = 40;
const START = { segment: 0, position: 0 };

/** A queue whose records with numbers 0 to 3 were handed out, two to a segment. */
function makeHandedOut(): DiskParts & { stateWriter: StateWriter } {
  const parts = makeParts(2 * RECORD_BYTES);
  const { states, unacked, context } = parts;
  append(parts, [1, '0123456789'], [2, '0123456789'], [3, '0123456789'], [4, '0123456789']);
  let count = 0;
  while (count < 4) count += read(parts)?.messages.length ?? 0;
  assert.equal(unacked.count, 4);
  return { ...parts, stateWriter: new StateWriter(states, unacked, context.log) };
}

/** The state of the record at a place, in words. */
function stateAt({ states }: DiskParts, segment: number, position: number): string {
  if (!states.find(segment, position)) return 'none';
  return states.state === 2 ? 'finished' : `attempts ${states.attempts}, due ${states.dueMs}`;
}

/** Writes fail until the returned injector heals. */
function failWrites({ disk }: DiskParts): FaultInjector {
  const faults = new FaultInjector(disk);
  faults.fail({ kind: 'EIO', calls: ['write'], after: 0, times: Number.POSITIVE_INFINITY });
  return faults;
}

test('StateWriter: the attempts and due time of an unacked record are written at once', () => {
  const parts = makeHandedOut();
  parts.stateWriter.update(2, 7, DUE_MS);

  assert.equal(stateAt(parts, 1, 0), `attempts 7, due ${DUE_MS}`);
  assert.equal(stateAt(parts, 0, 0), 'none');
});

test('StateWriter: a finished record has no state to update', () => {
  const parts = makeHandedOut();
  parts.unacked.finish(1, 1);
  parts.stateWriter.update(1, 7, DUE_MS);

  assert.equal(stateAt(parts, 0, RECORD_BYTES), 'none');
});

test('StateWriter: a sync writes what is finished behind the oldest unacked record', () => {
  const parts = makeHandedOut();
  parts.unacked.finish(1, 1);
  parts.unacked.finish(3, 1);
  parts.stateWriter.sync(START, 'required');

  assert.equal(stateAt(parts, 0, 0), 'none');
  assert.equal(stateAt(parts, 0, RECORD_BYTES), 'finished');
  assert.equal(stateAt(parts, 1, 0), 'none');
  assert.equal(stateAt(parts, 1, RECORD_BYTES), 'finished');
});

test('StateWriter: a sync writes a moved record at its new place too', () => {
  const parts = makeHandedOut();
  const record = parts.unacked.get(0);
  assert.ok(record !== undefined);
  parts.unacked.move(record, { segment: 5, position: 0 }, record.checksum);
  parts.unacked.finish(0, 1);
  parts.unacked.finish(1, 1);
  parts.stateWriter.sync(START, 'required');

  assert.equal(stateAt(parts, 0, RECORD_BYTES), 'finished');
  assert.equal(stateAt(parts, 5, 0), 'finished');
  assert.equal(stateAt(parts, 5, RECORD_BYTES), 'none');
});

test('StateWriter: a state is written once', () => {
  const parts = makeHandedOut();
  parts.unacked.finish(1, 1);
  parts.stateWriter.sync(START, 'required');
  let writes = 0;
  parts.disk.onCall = (call) => {
    if (call === 'write') writes++;
  };
  parts.stateWriter.sync(START, 'required');

  assert.equal(writes, 0);
});

test('StateWriter: states that cannot be written are kept, and the next sync writes them', () => {
  const parts = makeHandedOut();
  const faults = failWrites(parts);
  parts.stateWriter.update(0, 5, DUE_MS);
  parts.stateWriter.update(2, 6, 0);

  assert.deepStrictEqual(
    [0, 1, 2].map((number) => parts.stateWriter.unwrittenAttempts(number)),
    [5, undefined, 6],
  );
  assert.equal(parts.log.length, 1);
  assert.match(parts.log[0], /^failed to write the state of a record, trying again later - .*EIO/);

  faults.heal();
  parts.stateWriter.sync(START, 'required');
  assert.equal(stateAt(parts, 0, 0), `attempts 5, due ${DUE_MS}`);
  assert.equal(stateAt(parts, 1, 0), 'attempts 6, due 0');
  assert.equal(parts.stateWriter.unwrittenAttempts(0), undefined);
});

test('StateWriter: a later update replaces the one that failed', () => {
  const parts = makeHandedOut();
  const faults = failWrites(parts);
  parts.stateWriter.update(0, 5, DUE_MS);
  faults.heal();
  parts.stateWriter.update(0, 8, DUE_MS + 1);
  assert.equal(parts.stateWriter.unwrittenAttempts(0), undefined);
  parts.stateWriter.sync(START, 'required');

  assert.equal(stateAt(parts, 0, 0), `attempts 8, due ${DUE_MS + 1}`);
});

test('StateWriter: required states fail the sync, and it may be repeated', () => {
  const parts = makeHandedOut();
  const faults = failWrites(parts);
  parts.unacked.finish(1, 1);

  assert.throws(() => parts.stateWriter.sync(START, 'required'), /write segment .*notes/);
  faults.heal();
  parts.stateWriter.sync(START, 'required');
  assert.equal(stateAt(parts, 0, RECORD_BYTES), 'finished');
});

test('StateWriter: optional states that cannot be written are only logged', () => {
  const parts = makeHandedOut();
  failWrites(parts);
  parts.unacked.finish(1, 1);
  parts.stateWriter.sync(START, 'optional');

  assert.match(parts.log.at(-1) ?? '', /^due times and attempts are not all kept - .*EIO/);
});

test('StateWriter: nothing is kept of records that were removed', () => {
  const parts = makeHandedOut();
  const faults = failWrites(parts);
  parts.stateWriter.update(0, 5, DUE_MS);
  parts.stateWriter.clear();
  faults.heal();
  parts.stateWriter.sync(START, 'required');

  assert.equal(stateAt(parts, 0, 0), 'none');
});

test('StateWriter: a sync makes states durable', () => {
  const parts = makeHandedOut();
  parts.stateWriter.update(0, 5, DUE_MS);
  const synced: string[] = [];
  parts.disk.onCall = (call, path) => {
    if (call === 'sync') synced.push(path);
  };
  parts.stateWriter.sync(START, 'required');

  assert.ok(synced.some((path) => path.endsWith('000000.notes')));
});
