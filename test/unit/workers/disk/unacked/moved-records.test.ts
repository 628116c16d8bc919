import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBefore, type QueuePlace } from '../../../../../src/workers/disk/files/queue-place.ts';
import { StateList } from '../../../../../src/workers/disk/states/state-list.ts';
import { MovedRecords } from '../../../../../src/workers/disk/unacked/moved-records.ts';
import { freshSeed, seededRandom } from '../../../../support/seeded-random.ts';

const CHECKSUM = 7;
const START: QueuePlace = { segment: 0, position: 0 };

/** A moved record, as a list keeps it. */
type Moved = QueuePlace & {
  number: number;
  size: number;
  isPassed: boolean;
  isFinished: boolean;
  isWritten: boolean;
};

/** The positions of a segment that wait for a state. */
function unwrittenOf(moved: MovedRecords, oldest: QueuePlace): string[] {
  return moved.unwrittenSegments(oldest).flatMap((segment) => {
    const list = new StateList();
    moved.listUnwritten(segment, oldest, list);
    return list.positions.map((position) => `${segment},${position}`);
  });
}

function placeOf(record: QueuePlace | undefined): string {
  return record === undefined ? 'none' : `${record.segment},${record.position}`;
}

/** Everything that can be asked, in words. */
function describe(moved: MovedRecords, at: QueuePlace): object {
  return {
    count: moved.unacked,
    bytes: moved.unackedBytes,
    ahead: placeOf(moved.nextAhead),
    oldest: placeOf(moved.oldest),
    before: moved.unackedBefore(at).map(placeOf),
    unwritten: unwrittenOf(moved, at),
  };
}

function describeModel(all: readonly Moved[], at: QueuePlace): object {
  const open = all.filter(({ isFinished }) => !isFinished);
  return {
    count: open.length,
    bytes: open.reduce((sum, { size }) => sum + size, 0),
    ahead: placeOf(all.find(({ isPassed }) => !isPassed)),
    oldest: placeOf(open.find(({ isPassed }) => isPassed)),
    before: open.filter((record) => isBefore(record, at)).map(placeOf),
    unwritten: all
      .filter((record) => record.isFinished && !record.isWritten && !isBefore(record, at))
      .map(placeOf),
  };
}

test('MovedRecords: behave as a list does', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const moved = new MovedRecords();
  const model: Moved[] = [];
  let end: QueuePlace = { segment: 1, position: 0 };
  let ordinal = 0;
  for (let step = 0; step < 4000; step++) {
    const kind = random(10);
    if (kind < 3) {
      if (random(15) === 0) end = { segment: end.segment + 1, position: 0 };
      const size = 30 + random(100);
      moved.add(step, end, size, CHECKSUM);
      const facts = { number: step, size, isPassed: false, isFinished: false, isWritten: false };
      model.push({ ...end, ...facts });
      end = { ...end, position: end.position + size + random(50) };
    } else if (kind < 6) {
      const open = model.filter(({ isFinished }) => !isFinished);
      if (open.length === 0) continue;
      const chosen = open[random(open.length)];
      const record = moved.get(chosen.number);
      assert.equal(placeOf(record), placeOf(chosen));
      if (record !== undefined) moved.finish(record);
      chosen.isFinished = true;
    } else if (kind < 9) {
      const next = model.findIndex(({ isPassed }) => !isPassed);
      if (next === -1) continue;
      const until = model[Math.min(model.length - 1, next + random(4))];
      const passed = moved.passUntil(until, ++ordinal);
      const expected = model.filter((it) => !it.isPassed && isBefore(it, until));
      for (const record of expected) record.isPassed = true;
      assert.equal(passed, expected.length);
    } else if (random(4) === 0) {
      moved.onStatesWritten();
      for (const record of model) record.isWritten ||= record.isFinished;
      // what is finished and behind the reader is forgotten
      const kept = model.filter(({ isFinished, isPassed }) => !isFinished || !isPassed);
      model.splice(0, model.length, ...kept);
      assert.equal(moved.isEmpty, model.length === 0);
    }

    const at = model.length === 0 ? START : model[random(model.length)];
    assert.deepStrictEqual(describe(moved, at), describeModel(model, at), `step ${step}`);
  }
});

test('MovedRecords: a record keeps how many the reader had passed before it', () => {
  const moved = new MovedRecords();
  moved.add(1, { segment: 3, position: 0 }, 50, CHECKSUM);
  moved.add(2, { segment: 3, position: 50 }, 50, CHECKSUM);

  moved.passUntil({ segment: 3, position: 50 }, 12);
  moved.passUntil({ segment: 4, position: 0 }, 15);

  assert.deepStrictEqual([moved.get(1)?.ordinal, moved.get(2)?.ordinal], [12, 15]);
});
