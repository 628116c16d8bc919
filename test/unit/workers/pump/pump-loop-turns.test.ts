import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PumpBench } from '../../../support/pump-bench.ts';

const NOBODY = 99;
const FLOOD_COUNT = 10_000;

/** More commands than a turn takes, without an effect. */
function flood(bench: PumpBench): void {
  for (let i = 0; i < FLOOD_COUNT; i++) bench.ready(NOBODY, 1);
}

/** A bench with topics from 1 on, each with a channel and its consumer. */
function benchWithTopics(count: number): PumpBench {
  const bench = new PumpBench();
  for (let topic = 1; topic <= count; topic++) {
    bench.createTopic(topic, 'c');
    bench.subscribe(topic * 10, topic, 10);
  }
  return bench;
}

/** How many of the first consumers have got something. */
function servedOf(bench: PumpBench, count: number): number[] {
  return Array.from({ length: count }, (_, index) => bench.bodies(index + 1).length);
}

test('PumpLoop: a turn takes some of many commands, and publishes have their turn although more come', () => {
  const bench = benchWithTopics(1);
  flood(bench);
  bench.publish(1, ['a']);

  const work = bench.step();
  for (let turn = 0; turn < 4; turn++) {
    flood(bench);
    bench.step();
  }

  assert.ok(work > 0 && work < FLOOD_COUNT, `${work} commands in a turn`);
  assert.deepStrictEqual(bench.bodies(1), ['a']);
});

test('PumpLoop: a request behind many commands comes between the publishes before and after it', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.publish(1, ['before']);
  flood(bench);
  bench.control({ do: 'emptyChannel', topic: 1, channel: 10 });
  bench.publish(1, ['after']);
  bench.disk.opened(1);
  bench.settle();

  bench.subscribe(10, 7, 10);

  assert.deepStrictEqual(bench.bodies(7), ['after']);
});

test('PumpLoop: channels that are not reached in time come first in the next turn', () => {
  const bench = benchWithTopics(3);
  for (let topic = 1; topic <= 3; topic++) bench.publish(topic, ['a']);
  bench.tickMs = 1;
  const served: number[][] = [];

  for (let turn = 0; turn < 3; turn++) {
    bench.step();
    // The first one has more to do each time.
    bench.publish(1, ['more']);
    served.push(servedOf(bench, 3));
  }

  assert.deepStrictEqual(served, [
    [1, 0, 0],
    [1, 1, 0],
    [1, 1, 1],
  ]);
});

test('PumpLoop: topics that are not reached in time come first in the next turn', () => {
  const bench = new PumpBench();
  for (let topic = 1; topic <= 3; topic++) {
    bench.createTopic(topic, 'c');
    bench.control({ do: 'pauseTopic', topic, isPaused: true, isTold: true });
    bench.publish(topic, ['a']);
  }
  bench.settle();
  for (let topic = 1; topic <= 3; topic++) {
    bench.control({ do: 'pauseTopic', topic, isPaused: false, isTold: true });
  }
  bench.tickMs = 1;
  const depths: number[][] = [];

  for (let turn = 0; turn < 3; turn++) {
    bench.step();
    depths.push([...bench.loop.state.topics.values()].map(({ depth }) => depth));
  }

  assert.deepStrictEqual(depths, [
    [0, 1, 1],
    [0, 0, 1],
    [0, 0, 0],
  ]);
});

test('PumpLoop: publishes that take long are left to the next turn', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  const large = 'x'.repeat(70_000);
  for (let i = 0; i < 5; i++) bench.publish(1, [large]);
  bench.tickMs = 1;
  const counts: (number | undefined)[] = [];

  for (let turn = 0; turn < 3; turn++) {
    bench.step();
    counts.push(bench.loop.state.topics.get(1)?.messageCount);
  }

  assert.deepStrictEqual(counts, [2, 4, 5]);
});

test('PumpLoop: of many messages that are due at once, a turn takes some', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c#ephemeral');
  bench.publish(1, Array(5000).fill('a'), { deferMs: 10 });
  bench.settle();
  const channel = bench.loop.state.channels.get(10);
  assert.ok(channel !== undefined);
  const before = channel.deferredCount;
  bench.nowMs = 20;

  bench.step();
  const after = channel.deferredCount;
  bench.settle();

  assert.equal(before, 5000);
  assert.ok(after > 0 && after < before, `${after} are left`);
  assert.equal(channel.deferredCount, 0);
});

test('PumpLoop: messages that time out at once go back over several turns', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c#ephemeral');
  bench.subscribe(10, 7, 5000, 1000);
  bench.publish(1, Array(5000).fill('a'));
  bench.settle();
  const channel = bench.loop.state.channels.get(10);
  assert.ok(channel !== undefined);
  const before = channel.inFlightCount;
  bench.ready(7, 0);
  bench.nowMs = 2000;

  bench.step();
  const after = channel.inFlightCount;
  bench.settle();

  assert.equal(before, 5000);
  assert.ok(after > 0 && after < before, `${after} are left`);
  assert.deepStrictEqual([channel.inFlightCount, channel.tallies.timeoutCount], [0, 5000]);
});
