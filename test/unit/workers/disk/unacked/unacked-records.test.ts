import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StateList } from '../../../../../src/workers/disk/states/state-list.ts';
import { UnackedRecords } from '../../../../../src/workers/disk/unacked/unacked-records.ts';
import { freshSeed, seededRandom } from '../../../../support/seeded-random.ts';

/** Adds records of these sizes, one after the other, with one record of the queue passed before each. */
function fill(unacked: UnackedRecords, segment: number, ...sizes: readonly number[]): void {
  let position = 100 * segment;
  for (const [index, size] of sizes.entries()) {
    unacked.add(segment, position, size, 7, 10 * segment + index);
    position += size;
  }
}

function placeOf({ oldest }: UnackedRecords): string {
  return oldest === undefined ? 'none' : `${oldest.segment},${oldest.position}:${oldest.ordinal}`;
}

/** Positions of a segment's records that states are to be written for. */
function unwritten(unacked: UnackedRecords, segment: number): readonly number[] {
  const list = new StateList();
  const oldest = unacked.oldest ?? { segment: 0, position: 0 };
  unacked.listUnwritten(segment, oldest, list);
  unacked.listUnwrittenMoved(segment, oldest, list);
  return [...list.positions];
}

test('UnackedRecords: the oldest record is the first that is not finished, in whatever order they are', () => {
  const unacked = new UnackedRecords();
  fill(unacked, 1, 10, 20, 30);
  fill(unacked, 3, 5, 6);
  const places = [placeOf(unacked)];

  for (const number of [1, 0, 3, 2, 4]) {
    unacked.finish(number, 1);
    places.push(placeOf(unacked));
  }

  assert.deepEqual(places, ['1,100:10', '1,100:10', '1,130:12', '1,130:12', '3,305:31', 'none']);
  assert.deepEqual([unacked.count, unacked.bytes, unacked.next], [0, 0, 5]);
});

test('UnackedRecords: what was not handed out, or is finished already, is not finished', () => {
  const unacked = new UnackedRecords();
  assert.throws(() => unacked.finish(0, 1), /only what was handed out is finished/);
  fill(unacked, 1, 10, 10);

  assert.throws(() => unacked.finish(1, 2), /only what was handed out is finished/);
  assert.throws(() => unacked.finish(2, 1), /only what was handed out is finished/);
  assert.throws(() => unacked.finish(0xffffffff, 1), /only what was handed out is finished/);
  unacked.finish(1, 1);
  assert.throws(() => unacked.finish(1, 1), /a record is finished once/);
  assert.equal(unacked.count, 1);
});

test('UnackedRecords: records that were dropped need not be finished', () => {
  const unacked = new UnackedRecords();
  fill(unacked, 1, 10, 10);
  unacked.clear();
  fill(unacked, 2, 10);

  unacked.finish(0, 3);

  assert.deepEqual([unacked.count, unacked.get(1)], [0, undefined]);
});

test('UnackedRecords: only records behind the oldest are to be written, and once', () => {
  const unacked = new UnackedRecords();
  fill(unacked, 1, 10, 10, 10);
  fill(unacked, 2, 10, 10);

  unacked.finish(0, 1);
  unacked.finish(2, 2);
  const segments = unacked.unwrittenSegments({ segment: 1, position: 110 });
  const positions = [unwritten(unacked, 1), unwritten(unacked, 2)];
  unacked.onStatesWritten();

  assert.deepEqual(
    [segments, positions],
    [
      [1, 2],
      [[120], [200]],
    ],
  );
  assert.deepEqual([unwritten(unacked, 1), unwritten(unacked, 2)], [[], []]);
  assert.deepEqual(unacked.lastFinished, { segment: 2, position: 200 });
});

test('UnackedRecords: a moved record keeps its number and is finished where it is', () => {
  const unacked = new UnackedRecords();
  fill(unacked, 1, 10, 10);
  const [record] = unacked.unackedBefore({ segment: 2, position: 0 }, 1);
  unacked.move(record, { segment: 5, position: 70 }, 8);

  const places = [placeOf(unacked)];
  const ahead = unacked.movedAhead?.position;
  unacked.finish(1, 1);
  places.push(placeOf(unacked));
  const passed = unacked.passMovedUntil({ segment: 5, position: 80 }, 44);
  places.push(placeOf(unacked));
  const found = unacked.get(0);
  unacked.finish(0, 1);

  assert.deepEqual([places, ahead, passed], [['1,110:11', 'none', '5,70:44'], 70, 1]);
  assert.deepEqual([found?.segment, found?.position, found?.checksum], [5, 70, 8]);
  assert.deepEqual([unacked.count, unacked.bytes, placeOf(unacked)], [0, 0, 'none']);
});

test('UnackedRecords: a moved record that is finished is still to be passed, and to be written until then', () => {
  const unacked = new UnackedRecords();
  fill(unacked, 1, 10, 10);
  const [record] = unacked.unackedBefore({ segment: 2, position: 0 }, 1);
  unacked.move(record, { segment: 5, position: 70 }, 8);
  unacked.finish(0, 1);

  const positions = unwritten(unacked, 5);
  unacked.onStatesWritten();
  const ahead = [unacked.movedAhead?.position];
  unacked.passMovedUntil({ segment: 5, position: 80 }, 44);
  ahead.push(unacked.movedAhead?.position);

  assert.deepEqual([positions, unwritten(unacked, 5), ahead], [[70], [], [70, undefined]]);
});

interface Expected {
  segment: number;
  position: number;
  size: number;
}

test('UnackedRecords: behaves as a list does', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const unacked = new UnackedRecords();
  const model = new Map<number, Expected>();
  let segment = 0;
  let position = 0;
  let next = 0;
  for (let step = 0; step < 3000; step++) {
    for (let count = random(30); count > 0; count--) {
      if (random(40) === 0) {
        segment++;
        position = 0;
      }
      const size = 30 + random(100);
      // Some lie further on, as damaged and finished ones are passed.
      if (random(5) === 0) position += random(1000);
      unacked.add(segment, position, size, next % 1000, next);
      model.set(next, { segment, position, size });
      position += size;
      next++;
    }
    const numbers = [...model.keys()];
    for (let count = random(25 + model.size / 500); count > 0 && numbers.length > 0; count--) {
      const index = random(2) === 0 ? 0 : random(numbers.length);
      const [number] = numbers.splice(index, 1);
      unacked.finish(number, 1);
      model.delete(number);
    }
    if (random(20) === 0) unacked.onStatesWritten();
    const [first, oldest] = model.entries().next().value ?? [];
    assert.equal(unacked.count, model.size);
    const expected =
      oldest === undefined ? 'none' : `${oldest.segment},${oldest.position}:${first}`;
    assert.equal(placeOf(unacked), expected);
    if (numbers.length > 0) {
      const number = numbers[random(numbers.length)];
      const record = unacked.get(number);
      const { segment: where, position: at, size } = model.get(number) ?? assert.fail();
      assert.deepEqual(
        [record?.number, record?.segment, record?.position, record?.sizeBytes, record?.checksum],
        [number, where, at, size, number % 1000],
      );
    }
  }
  const bytes = [...model.values()].reduce((sum, { size }) => sum + size, 0);
  assert.equal(unacked.bytes, bytes);
  assert.equal(unacked.bytesBefore({ segment: segment + 1, position: 0 }), bytes);
});
