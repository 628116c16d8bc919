import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RECORD_BYTES_MIN } from '../../../../../src/workers/disk/records/disk-record.ts';
import { RecordStates } from '../../../../../src/workers/disk/states/record-states.ts';
import { StateList } from '../../../../../src/workers/disk/states/state-list.ts';
import {
  STATE_FINISHED,
  STATE_UNACKED,
} from '../../../../../src/workers/disk/states/state-slots.ts';
import { FILES, makeContext } from '../../../../support/disk-parts.ts';
import { SystemError } from '../../../../support/system-error.ts';

type State = { readonly state: number; readonly attempts: number; readonly dueMs: number };

/** A list of states with these positions; `attempts` undefined for a finished record. */
function listOf(
  states: readonly (readonly [position: number, attempts?: number | undefined, dueMs?: number])[],
) {
  const list = new StateList();
  for (const [position, attempts, dueMs = 0] of states) {
    if (attempts === undefined) list.addFinished(position, position);
    else list.addUnacked(position, attempts, dueMs, position);
  }
  return list;
}

function stateAt(states: RecordStates, segment: number, position: number): State | null {
  if (!states.find(segment, position)) return null;
  assert.equal(states.checksum, position);
  return { state: states.state, attempts: states.attempts, dueMs: states.dueMs };
}

test('RecordStates: a state is found as it was written, by this process and the next', () => {
  const { context, disk } = makeContext();
  const states = new RecordStates(context);
  states.write(2, listOf([[0], [90, 7, 1_700_000_000_000]]));
  const next = new RecordStates(makeContext(disk).context);

  for (const reader of [states, next]) {
    assert.deepStrictEqual(stateAt(reader, 2, 0), {
      state: STATE_FINISHED,
      attempts: 0,
      dueMs: 0,
    });
    assert.deepStrictEqual(stateAt(reader, 2, 90), {
      state: STATE_UNACKED,
      attempts: 7,
      dueMs: 1_700_000_000_000,
    });
    assert.deepStrictEqual([stateAt(reader, 2, 30), stateAt(reader, 3, 0)], [null, null]);
  }
});

test('RecordStates: behave as a map does', () => {
  const write = fc.record({
    kind: fc.constant('write' as const),
    segment: fc.integer({ min: 0, max: 2 }),
    slots: fc.uniqueArray(fc.integer({ min: 0, max: 800 }), { minLength: 1, maxLength: 12 }),
    attempts: fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined }),
    dueMs: fc.constantFrom(0, 1_700_000_000_000),
  });
  const cut = fc.record({
    kind: fc.constant('cut' as const),
    segment: fc.integer({ min: 0, max: 2 }),
    slot: fc.integer({ min: 0, max: 800 }),
  });
  const remove = fc.record({
    kind: fc.constant('remove' as const),
    segment: fc.integer({ min: 0, max: 2 }),
  });
  const steps = fc.array(fc.oneof({ weight: 6, arbitrary: write }, cut, remove), { maxLength: 15 });
  fc.assert(
    fc.property(steps, (all) => {
      const states = new RecordStates(makeContext().context);
      const model = [0, 1, 2].map(() => new Map<number, State>());
      for (const step of all) {
        const known = model[step.segment];
        if (step.kind === 'remove') {
          states.remove(step.segment);
          known.clear();
        } else if (step.kind === 'cut') {
          states.cut(step.segment, step.slot * RECORD_BYTES_MIN);
          for (const slot of known.keys()) if (slot >= step.slot) known.delete(slot);
        } else {
          const { slots, attempts, dueMs } = step;
          const sorted = slots.toSorted((a, b) => a - b);
          const isFinished = attempts === undefined;
          const value = isFinished
            ? { state: STATE_FINISHED, attempts: 0, dueMs: 0 }
            : { state: STATE_UNACKED, attempts, dueMs };
          const entries = sorted.map((slot) => [slot * RECORD_BYTES_MIN, attempts, dueMs] as const);
          states.write(step.segment, listOf(entries));
          for (const slot of sorted) known.set(slot, value);
        }
        const found = new Map<number, State>();
        for (let slot = 0; slot <= 800; slot++) {
          const state = stateAt(states, step.segment, slot * RECORD_BYTES_MIN);
          if (state !== null) found.set(slot, state);
        }
        const entries = [...known].sort(([a], [b]) => a - b);
        assert.deepStrictEqual([...found], entries);
        const { finished, deferred } = states.count(step.segment, 0, Number.POSITIVE_INFINITY);
        assert.equal(finished, entries.filter(([, one]) => one.state === STATE_FINISHED).length);
        assert.equal(deferred, entries.filter(([, one]) => one.dueMs > 0).length);
      }
    }),
    { numRuns: 20 },
  );
});

test('RecordStates: counts only between the positions, and names the last finished record', () => {
  const states = new RecordStates(makeContext().context);
  states.write(0, listOf([[0], [30], [60, 1, 5], [120], [3000]]));

  const counts = states.count(0, 30, 150);

  assert.deepStrictEqual(counts, { finished: 2, deferred: 1, lastFinished: 149 });
});

test('RecordStates: a power loss keeps what was synced', () => {
  const { context, disk } = makeContext();
  const states = new RecordStates(context);
  states.write(1, listOf([[60]]));
  states.sync();
  states.write(1, listOf([[90]]));

  const after = new RecordStates(makeContext(disk.afterPowerLoss(() => 0)).context);

  assert.notEqual(stateAt(after, 1, 60), null);
});

test('RecordStates: after a sync that failed, the next one writes the states again before it', () => {
  const { context, disk } = makeContext();
  const states = new RecordStates(context);
  states.write(0, listOf([[30, 4, 5]]));
  disk.onCall = (call, path) => {
    if (call === 'sync' && path === FILES.states(0)) throw new SystemError('EIO', call, path);
  };
  assert.throws(() => states.sync(), /000000\.notes/);
  const calls: string[] = [];
  disk.onCall = (call, path) => {
    if (path === FILES.states(0) && call !== 'read') calls.push(call);
  };

  states.sync();
  states.sync();

  const after = new RecordStates(makeContext(disk.afterPowerLoss(() => 0)).context);
  assert.deepStrictEqual(calls, ['write', 'sync']);
  assert.deepStrictEqual(stateAt(after, 0, 30), { state: STATE_UNACKED, attempts: 4, dueMs: 5 });
});

test('RecordStates: nearby slots are written with one call, distant ones each with its own', () => {
  const { context, disk } = makeContext();
  const states = new RecordStates(context);
  const writes: number[] = [];
  const writesOf = (...positions: readonly number[]): void => {
    let count = 0;
    disk.onCall = (call) => {
      if (call === 'write') count++;
    };
    states.write(0, listOf(positions.map((position) => [position] as const)));
    writes.push(count);
  };

  writesOf(0, 30, 300);
  writesOf(0, 3_000_000);

  assert.deepStrictEqual(writes, [1, 2]);
});

test('RecordStates: a failed write throws, and may be repeated', () => {
  const { context, disk } = makeContext();
  const states = new RecordStates(context);
  disk.onCall = (call, path) => {
    if (call === 'write') throw new SystemError('EIO', call, path);
  };
  assert.throws(() => states.write(0, listOf([[30]])), /write segment q\.diskqueue\.000000\.notes/);
  disk.onCall = () => undefined;

  states.write(0, listOf([[30]]));

  assert.equal(stateAt(states, 0, 30)?.state, STATE_FINISHED);
});

test('RecordStates: a damaged slot is no state; those beside it are kept', () => {
  const { context, disk } = makeContext();
  const states = new RecordStates(context);
  states.write(0, listOf([[0], [30], [60]]));
  const bytes = disk.content(FILES.states(0));
  bytes[16 + 12] ^= 0xff;
  disk.put(FILES.states(0), bytes);
  const next = new RecordStates(makeContext(disk).context);

  const found = [0, 30, 60].map((position) => stateAt(next, 0, position) !== null);

  assert.deepStrictEqual(found, [true, false, true]);
});

test('RecordStates: the states of a removed segment are gone, with their file', () => {
  const { context, disk } = makeContext();
  const states = new RecordStates(context);
  states.write(0, listOf([[0]]));

  states.remove(0);

  assert.deepStrictEqual([states.isEmpty, states.has(0)], [true, false]);
  assert.throws(() => disk.content(FILES.states(0)), /ENOENT/);
});
