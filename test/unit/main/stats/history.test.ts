import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from '../../../../src/main/stats/history.ts';
import { HistorySampler } from '../../../../src/main/stats/history-sampler.ts';
import { decodeSmall, encodeSmall, NO_NUMBER } from '../../../../src/main/stats/small-number.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import {
  brokerStatistics,
  channelStatistics,
  topicStatistics,
} from '../../../support/statistics.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

const INTERVAL_MS = 45_000;
const MIB = 1024 * 1024;

function pointOf(taken: number) {
  return { taken, gone: taken / 2, depth: taken, inFlight: taken / 10, deferred: taken * 2 };
}

/** Records the same for each name, as many intervals as there are counters. */
function record(history: History, names: readonly string[], taken: readonly number[]): void {
  for (const count of taken) {
    history.begin(1_700_000_000_000, INTERVAL_MS);
    for (const name of names) history.add(name, pointOf(count));
    history.end();
  }
}

test('small numbers: exact where they are small, and near where they are large', () => {
  const random = seededRandom(7);
  assert.deepEqual([0, 1, 31, 0.5, 1 / 64].map(encodeSmall).map(decodeSmall), [
    0,
    1,
    31,
    0.5,
    1 / 64,
  ]);
  assert.equal(decodeSmall(NO_NUMBER), null);
  for (let run = 0; run < 2000; run++) {
    const value = 2 ** (random(34_000) / 1000);
    const error = Math.abs((decodeSmall(encodeSmall(value)) ?? 0) - value) / value;
    assert.ok(error <= 1 / 128 && (value < 32 || error <= 1 / 4096), `${value}: ${error}`);
  }
  assert.ok(encodeSmall(Number.MAX_SAFE_INTEGER) < NO_NUMBER);
});

test('History: rates are differences of counters, and the first point has none', () => {
  const history = new History();
  record(history, ['orders'], [150, 600, 600]);

  assert.deepEqual(history.read('orders'), {
    endMs: 1_700_000_000_000,
    intervalMs: INTERVAL_MS,
    in: [null, 10, 0],
    out: [null, 5, 0],
    depth: [150, 600, 600],
    inFlight: [15, 60, 60],
    deferred: [300, 1200, 1200],
  });
  assert.equal(history.read('other'), null);
});

test('History: a counter that begins again counts from zero', () => {
  const history = new History();
  record(history, ['orders'], [3000, 90]);

  assert.deepEqual(history.read('orders')?.in, [null, 2]);
  assert.deepEqual(history.read('orders')?.out, [null, 0]);
});

test('History: keeps the last hour', () => {
  const history = new History();
  record(
    history,
    ['orders'],
    Array.from({ length: 300 }, (_, at) => at),
  );

  const { depth = [] } = history.read('orders') ?? {};

  assert.deepEqual(
    depth,
    Array.from({ length: 80 }, (_, at) => 220 + at).map((value) => decodeSmall(encodeSmall(value))),
  );
});

test('History: what is gone gives its track to what comes', () => {
  const history = new History(64);
  const names = (from: number): string[] => Array.from({ length: 64 }, (_, at) => `t${from + at}`);
  record(history, names(0), [1, 2]);
  // In the first interval all tracks are still those of what has gone meanwhile.
  record(history, names(64), [1, 1, 46]);

  assert.equal(history.read('t0'), null);
  assert.deepEqual(history.read('t64')?.in, [null, null, null, null, 1]);
  assert.equal(history.leftOutCount, 0);
});

test('History: at the bound, what has messages gets the track of what was idle for longest', () => {
  const history = new History(2);
  for (let interval = 0; interval < 26; interval++) {
    history.begin(0, INTERVAL_MS);
    history.add('busy', pointOf(interval));
    history.add('idle', pointOf(5));
    history.add('empty', pointOf(0));
    if (interval > 20) history.add('new', pointOf(1));
    history.end();
  }

  assert.deepEqual(
    ['busy', 'idle', 'empty', 'new'].map((name) => history.read(name) !== null),
    [true, false, false, true],
  );
  assert.equal(history.leftOutCount, 2);
});

test('History: 1,000 channels take less than a MiB', () => {
  const history = new History();
  record(
    history,
    Array.from({ length: 1000 }, (_, at) => `topic-${at}:channel`),
    [1],
  );

  // Names, and their places in the map, take another 100 bytes each.
  assert.ok(history.trackBytes + 1000 * 100 < MIB, `${history.trackBytes}`);
});

test('HistorySampler: records topics, channels and all of them together', async () => {
  const clock = new ManualClock();
  let messageCount = 0;
  const sampler = new HistorySampler({
    stats: async () => {
      messageCount += 450;
      const one = { messageCount, depth: 10, inFlightCount: 4, deferredCount: 6 };
      const channels = ['a', 'b'].map((name) => channelStatistics({ ...one, name }));
      return brokerStatistics([topicStatistics({ name: 't', messageCount, depth: 1, channels })]);
    },
    clock,
    guard: strictGuard(),
  });
  for (let interval = 0; interval < 3; interval++) {
    clock.advance(INTERVAL_MS);
    await sampler.sample();
  }

  const rows = ['t:a', 't', ''].map((name) => {
    const history = sampler.history.read(name);
    assert.ok(history !== null);
    const { in: taken, out, depth, inFlight, deferred } = history;
    return [taken, out, depth, inFlight, deferred].map((numbers) => numbers.at(-1));
  });
  assert.deepEqual(rows, [
    [10, 10, 10, 4, 6],
    [10, 20, 21, 8, 12],
    [10, 20, 21, 8, 12],
  ]);
});

test('HistorySampler: samples by itself until it is stopped', async () => {
  const clock = new ManualClock();
  let count = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const sampler = new HistorySampler({
    stats: async () => {
      if (++count === 2) resolve();
      return brokerStatistics([]);
    },
    clock,
    guard: strictGuard(),
  });
  sampler.start();
  clock.advance(INTERVAL_MS);
  while (clock.timerCount === 0) await new Promise((next) => setImmediate(next));
  clock.advance(INTERVAL_MS);
  await promise;
  while (clock.timerCount === 0) await new Promise((next) => setImmediate(next));
  sampler.stop();

  assert.equal(clock.timerCount, 0);
  assert.equal(count, 2);
});
