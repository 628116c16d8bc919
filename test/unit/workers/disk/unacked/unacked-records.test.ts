import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoteList } from '../../../../../src/workers/disk/states/state-list.ts';
import { HandedOut } from '../../../../../src/workers/disk/unacked/unacked-records.ts';
import { freshSeed, seededRandom } from '../../../../support/seeded-random.ts';

/** Adds records of these sizes, one after the other, with one record of the queue passed before each. */
function fill(handedOut: HandedOut, segment: number, ...sizes: readonly number[]): void {
  let position = 100 * segment;
  for (const [index, size] of sizes.entries()) {
    handedOut.add(segment, position, size, 7, 10 * segment + index);
    position += size;
  }
}

function placeOf({ oldest }: HandedOut): string {
  return oldest === undefined ? 'none' : `${oldest.segment},${oldest.position}:${oldest.ordinal}`;
}

/** Positions of a segment's records that notes are to be written for. */
function unnoted(handedOut: HandedOut, segment: number): readonly number[] {
  const list = new NoteList();
  const oldest = handedOut.oldest ?? { segment: 0, position: 0 };
  handedOut.listUnnoted(segment, oldest, list);
  handedOut.listUnnotedMoved(segment, oldest, list);
  return [...list.positions];
}

test('HandedOut: the oldest record is the first that is not finished, in whatever order they are', () => {
  const handedOut = new HandedOut();
  fill(handedOut, 1, 10, 20, 30);
  fill(handedOut, 3, 5, 6);
  const places = [placeOf(handedOut)];

  for (const number of [1, 0, 3, 2, 4]) {
    handedOut.finish(number, 1);
    places.push(placeOf(handedOut));
  }

  assert.deepEqual(places, ['1,100:10', '1,100:10', '1,130:12', '1,130:12', '3,305:31', 'none']);
  assert.deepEqual([handedOut.count, handedOut.bytes, handedOut.next], [0, 0, 5]);
});

test('HandedOut: what was not handed out, or is finished already, is not finished', () => {
  const handedOut = new HandedOut();
  assert.throws(() => handedOut.finish(0, 1), /only what was handed out is finished/);
  fill(handedOut, 1, 10, 10);

  assert.throws(() => handedOut.finish(1, 2), /only what was handed out is finished/);
  assert.throws(() => handedOut.finish(2, 1), /only what was handed out is finished/);
  assert.throws(() => handedOut.finish(0xffffffff, 1), /only what was handed out is finished/);
  handedOut.finish(1, 1);
  assert.throws(() => handedOut.finish(1, 1), /a record is finished once/);
  assert.equal(handedOut.count, 1);
});

test('HandedOut: records that were dropped need not be finished', () => {
  const handedOut = new HandedOut();
  fill(handedOut, 1, 10, 10);
  handedOut.clear();
  fill(handedOut, 2, 10);

  handedOut.finish(0, 3);

  assert.deepEqual([handedOut.count, handedOut.get(1)], [0, undefined]);
});

test('HandedOut: only records behind the oldest are to be noted, and once', () => {
  const handedOut = new HandedOut();
  fill(handedOut, 1, 10, 10, 10);
  fill(handedOut, 2, 10, 10);

  handedOut.finish(0, 1);
  handedOut.finish(2, 2);
  const segments = handedOut.unnotedSegments({ segment: 1, position: 110 });
  const positions = [unnoted(handedOut, 1), unnoted(handedOut, 2)];
  handedOut.onNoted();

  assert.deepEqual(
    [segments, positions],
    [
      [1, 2],
      [[120], [200]],
    ],
  );
  assert.deepEqual([unnoted(handedOut, 1), unnoted(handedOut, 2)], [[], []]);
  assert.deepEqual(handedOut.lastFinished, { segment: 2, position: 200 });
});

test('HandedOut: a moved record keeps its number and is finished where it is', () => {
  const handedOut = new HandedOut();
  fill(handedOut, 1, 10, 10);
  const [record] = handedOut.unfinishedBefore({ segment: 2, position: 0 }, 1);
  handedOut.move(record, { segment: 5, position: 70 }, 8);

  const places = [placeOf(handedOut)];
  const ahead = handedOut.movedAhead?.position;
  handedOut.finish(1, 1);
  places.push(placeOf(handedOut));
  const passed = handedOut.passMovedUntil({ segment: 5, position: 80 }, 44);
  places.push(placeOf(handedOut));
  const found = handedOut.get(0);
  handedOut.finish(0, 1);

  assert.deepEqual([places, ahead, passed], [['1,110:11', 'none', '5,70:44'], 70, 1]);
  assert.deepEqual([found?.segment, found?.position, found?.checksum], [5, 70, 8]);
  assert.deepEqual([handedOut.count, handedOut.bytes, placeOf(handedOut)], [0, 0, 'none']);
});

test('HandedOut: a moved record that is finished is still to be passed, and to be noted until then', () => {
  const handedOut = new HandedOut();
  fill(handedOut, 1, 10, 10);
  const [record] = handedOut.unfinishedBefore({ segment: 2, position: 0 }, 1);
  handedOut.move(record, { segment: 5, position: 70 }, 8);
  handedOut.finish(0, 1);

  const positions = unnoted(handedOut, 5);
  handedOut.onNoted();
  const ahead = [handedOut.movedAhead?.position];
  handedOut.passMovedUntil({ segment: 5, position: 80 }, 44);
  ahead.push(handedOut.movedAhead?.position);

  assert.deepEqual([positions, unnoted(handedOut, 5), ahead], [[70], [], [70, undefined]]);
});

interface Expected {
  segment: number;
  position: number;
  size: number;
}

test('HandedOut: behaves as a list does', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const handedOut = new HandedOut();
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
      handedOut.add(segment, position, size, next % 1000, next);
      model.set(next, { segment, position, size });
      position += size;
      next++;
    }
    const numbers = [...model.keys()];
    for (let count = random(25 + model.size / 500); count > 0 && numbers.length > 0; count--) {
      const index = random(2) === 0 ? 0 : random(numbers.length);
      const [number] = numbers.splice(index, 1);
      handedOut.finish(number, 1);
      model.delete(number);
    }
    if (random(20) === 0) handedOut.onNoted();
    const [first, oldest] = model.entries().next().value ?? [];
    assert.equal(handedOut.count, model.size);
    const expected =
      oldest === undefined ? 'none' : `${oldest.segment},${oldest.position}:${first}`;
    assert.equal(placeOf(handedOut), expected);
    if (numbers.length > 0) {
      const number = numbers[random(numbers.length)];
      const record = handedOut.get(number);
      const { segment: where, position: at, size } = model.get(number) ?? assert.fail();
      assert.deepEqual(
        [record?.number, record?.segment, record?.position, record?.sizeBytes, record?.checksum],
        [number, where, at, size, number % 1000],
      );
    }
  }
  const bytes = [...model.values()].reduce((sum, { size }) => sum + size, 0);
  assert.equal(handedOut.bytes, bytes);
  assert.equal(handedOut.bytesBefore({ segment: segment + 1, position: 0 }), bytes);
});
