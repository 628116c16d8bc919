import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CountedChannel,
  type CountedTopic,
  goneFrom,
  LiveRows,
  type LiveSnapshot,
} from '../../../../src/daemon/page/live-rows.ts';

function channel(name: string, counts: Partial<CountedChannel> = {}): CountedChannel {
  return {
    name,
    isPaused: false,
    ...{ messageCount: 0, depth: 0, backendDepth: 0, inFlightCount: 0 },
    ...{ deferredCount: 0, clientCount: 0 },
    ...counts,
  };
}

function topic(
  name: string,
  messageCount: number,
  channels: readonly CountedChannel[] = [],
): CountedTopic {
  return { name, isPaused: false, messageCount, depth: 0, backendDepth: 0, channels };
}

/** Rates of all rows, by name. */
function rates({ topics, channels }: LiveSnapshot): Record<string, [number | null, number | null]> {
  const named = (row: LiveSnapshot['topics'][0]) =>
    row.topic === row.name ? row.name : `${row.topic}:${row.name}`;
  return Object.fromEntries([...topics, ...channels].map((row) => [named(row), [row.in, row.out]]));
}

test('LiveRows: the first snapshot has no rates, the next those of the time between', async () => {
  const rows = new LiveRows();
  const first = await rows.take([topic('t', 100, [channel('c', { messageCount: 100 })])], 1000);
  const counts = { messageCount: 160, depth: 10 };

  const second = await rows.take([topic('t', 160, [channel('c', counts)])], 3000);

  assert.deepStrictEqual(rates(first), { t: [null, null], 't:c': [null, null] });
  assert.deepStrictEqual(rates(second), { t: [30, 25], 't:c': [30, 25] });
});

test('LiveRows: topics and channels that come and go do not disturb the rates of others', async () => {
  const rows = new LiveRows();
  await rows.take([topic('a', 5), topic('b', 10, [channel('x'), channel('z')]), topic('d', 0)], 0);
  const channels = [channel('y'), channel('z', { messageCount: 4, depth: 4 })];

  const snapshot = await rows.take([topic('b', 20, channels), topic('c', 9), topic('d', 1)], 1000);

  assert.deepStrictEqual(rates(snapshot), {
    b: [10, 0],
    c: [null, null],
    d: [1, 0],
    'b:y': [null, null],
    'b:z': [4, 0],
  });
});

test('LiveRows: a counter that restarts is no negative rate', async () => {
  const rows = new LiveRows();
  await rows.take([topic('t', 100)], 0);

  assert.deepStrictEqual(rates(await rows.take([topic('t', 3)], 1000)), { t: [0, 0] });
});

test('LiveRows: after reset there are no rates; after rest they count from then', async () => {
  const rows = new LiveRows();
  await rows.take([topic('t', 0)], 0);
  rows.rest(9000);
  const rested = await rows.take([topic('t', 5)], 10_000);
  rows.reset();
  const reset = await rows.take([topic('t', 10)], 11_000);

  assert.deepStrictEqual([rates(rested), rates(reset)], [{ t: [5, 0] }, { t: [null, null] }]);
});

test('LiveRows: a topic has the messages of its channels, the totals those of all topics', async () => {
  const counts = { depth: 2, backendDepth: 1, inFlightCount: 3, deferredCount: 4, clientCount: 5 };
  const one = { ...topic('t', 0, [channel('c', counts), channel('d', counts)]), depth: 10 };

  const { topics, totals } = await new LiveRows().take([one, { ...one, name: 'u' }], 0);

  const sums = { queued: 14, onDisk: 2, inFlight: 6, deferred: 8, channels: 2, consumers: 10 };
  const { queued, onDisk, inFlight, deferred, channels, consumers } = topics[0];
  assert.deepStrictEqual({ queued, onDisk, inFlight, deferred, channels, consumers }, sums);
  const doubled = Object.entries(sums).map(([name, value]) => [name, 2 * value]);
  assert.deepStrictEqual(totals, {
    topics: 2,
    in: null,
    out: null,
    ...Object.fromEntries(doubled),
  });
});

test('LiveRows: without topics the rates are known', async () => {
  const { totals } = await new LiveRows().take([], 0);

  assert.deepStrictEqual([totals.in, totals.out], [0, 0]);
});

test('goneFrom: what is queued, deferred or in flight is not gone', () => {
  const counts = { messageCount: 20, depth: 5, inFlightCount: 3, deferredCount: 2 };

  assert.equal(goneFrom(channel('c', counts)), 10);
});
