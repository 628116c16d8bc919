import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOUNDS_US, durationsOf, METER } from '../../../../src/shared/thread-meter.ts';
import { PumpMeter } from '../../../../src/workers/pump/pump-meter.ts';
import type { MessageStore } from '../../../../src/workers/pump/store/message-store.ts';
import { meteredThread } from '../../../support/metered-thread.ts';

const NOW_MS = 1_700_000_000_000;

/** A store that knows only when messages were published: so many ms ago, by position. */
function published(agesMs: readonly number[]): MessageStore {
  const reads: number[] = [];
  const store = {
    reads,
    timestampSeconds: (position: number) => {
      reads.push(position);
      return (NOW_MS - agesMs[position]) / 1000;
    },
  };
  return store as unknown as MessageStore & { reads: number[] };
}

function setUp() {
  const thread = meteredThread();
  let clockReads = 0;
  const meter = new PumpMeter(thread, () => {
    clockReads++;
    return NOW_MS;
  });
  const filled = (place: number): [boundMs: number, count: number][] => {
    const { counts } = durationsOf([thread.numbers], place);
    return counts.flatMap((count, at) => (count === 0 ? [] : [[BOUNDS_US[at] / 1000, count]]));
  };
  return { thread, meter, filled, clockReads: () => clockReads };
}

test('PumpMeter: a run whose messages were published together costs two timestamps', () => {
  const { meter, filled, clockReads } = setUp();
  const store = published([7.9, 7.9, 7.1, 7, 7]) as MessageStore & { reads: number[] };
  meter.startTurn(50, 0);
  meter.onSent(store, 0, 5, 5);
  meter.onSent(store, 4, 1, 1);

  assert.deepStrictEqual(filled(METER.publishToDeliver), [[10, 6]]);
  assert.deepStrictEqual(store.reads, [0, 4, 4]);
  assert.equal(clockReads(), 1);
});

test('PumpMeter: a run of several publishes counts message by message', () => {
  const { meter, filled } = setUp();
  meter.startTurn(50, 0);
  meter.onSent(published([900, 30, 29, 1.5]), 0, 4, 4);

  assert.deepStrictEqual(filled(METER.publishToDeliver), [
    [2, 1],
    [50, 2],
    [1000, 1],
  ]);
});

test('PumpMeter: what sampling leaves out is not counted', () => {
  const { meter, filled } = setUp();
  meter.startTurn(50, 0);
  meter.onSent(published([4, 4, 4]), 0, 3, 0);
  meter.onSent(published([4, 4, 4]), 0, 3, 2);

  assert.deepStrictEqual(filled(METER.publishToDeliver), [[5, 2]]);
});

test('PumpMeter: a finish counts from the delivery to the turn that takes it', () => {
  const { meter, filled } = setUp();
  meter.startTurn(1000, 0);
  meter.onFinished(1000);
  meter.onFinished(820);

  assert.deepStrictEqual(filled(METER.deliverToFinish), [
    [0.05, 1],
    [200, 1],
  ]);
});
