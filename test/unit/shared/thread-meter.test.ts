import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoardReader } from '../../../src/shared/ring/board.ts';
import { allocateMeter, METER, ThreadMeter } from '../../../src/shared/thread-meter.ts';

function setUp() {
  const memory = allocateMeter();
  let heapReads = 0;
  const readHeap = () => ({ usedBytes: 100 + heapReads++, limitBytes: 999 });
  const meter = new ThreadMeter(memory, readHeap, 5000);
  const reader = new BoardReader(memory);
  const shown = (place: number): number => reader.read()[place];
  return { meter, shown };
}

test('ThreadMeter: time that a thread was not parked is busy time', () => {
  const { meter, shown } = setUp();
  meter.onTurn(5010);
  meter.onTurn(5020);
  meter.onParked(30);
  meter.show(5100);

  assert.deepStrictEqual([shown(METER.turns), shown(METER.busyMs)], [2, 70]);
});

test('ThreadMeter: while there is work it shows its numbers four times a second', () => {
  const { meter, shown } = setUp();
  const seen: number[] = [];
  for (let nowMs = 5000; nowMs <= 5600; nowMs += 50) {
    meter.onTurn(nowMs);
    if (seen.at(-1) !== shown(METER.turns)) seen.push(shown(METER.turns));
  }

  assert.deepStrictEqual(seen, [0, 6, 11]);
});

test('ThreadMeter: the heap is read once a second', () => {
  const { meter, shown } = setUp();
  const seen = [5000, 5999, 6000, 6500].map((nowMs) => {
    meter.show(nowMs);
    return shown(METER.heapUsedBytes);
  });

  assert.deepStrictEqual(seen, [100, 100, 101, 101]);
  assert.equal(shown(METER.heapLimitBytes), 999);
});
