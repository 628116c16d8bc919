import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandedOut } from '../../../../src/workers/disk/handed-out.ts';

function fill(handedOut: HandedOut, segment: number, ...sizes: readonly number[]): void {
  handedOut.startRun(segment, 100 * segment);
  for (const size of sizes) handedOut.add(size);
  handedOut.endRun();
}

/** The run moves on, so what it says is written down at once. */
function placeOf({ oldest }: HandedOut): string {
  return oldest === undefined ? 'none' : `${oldest.segment},${oldest.position}`;
}

test('HandedOut: the oldest record moves with releases, within runs and over them', () => {
  const handedOut = new HandedOut();
  fill(handedOut, 1, 10, 20, 30);
  fill(handedOut, 2);
  fill(handedOut, 3, 5, 6);
  const places = [placeOf(handedOut)];

  for (const count of [2, 1, 1, 1]) {
    handedOut.release(count);
    places.push(placeOf(handedOut));
  }

  assert.deepEqual(places, ['1,100', '1,130', '3,300', '3,305', 'none']);
});

test('HandedOut: more cannot be released than there are', () => {
  const handedOut = new HandedOut();
  fill(handedOut, 1, 10);

  assert.throws(() => handedOut.release(2), /only what was read is released/);
  assert.equal(handedOut.count, 1);
});

test('HandedOut: grows and wraps without mixing sizes up', () => {
  const handedOut = new HandedOut();
  const expected: number[] = [];
  let position = 0;
  let start = 0;
  handedOut.startRun(0, 0);
  for (let round = 1; round <= 500; round++) {
    for (let index = 0; index < 7; index++) {
      expected.push(round * 10 + index);
      handedOut.add(round * 10 + index);
      position += round * 10 + index;
    }
    const count = round % 11 > 5 ? 9 : 3;
    handedOut.release(count);
    start += expected.splice(0, count).reduce((sum, size) => sum + size, 0);
    assert.deepEqual([handedOut.count, handedOut.oldest?.position], [expected.length, start]);
  }
  assert.ok(start < position);
});
