import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopicStatistics } from '../../../../src/main/stats/stats.ts';
import { creationRefusal, Drain } from '../../../../src/main/topics/drain.ts';
import { journalLogger } from '../../../support/journal.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import {
  brokerStatistics,
  channelStatistics,
  topicStatistics,
} from '../../../support/statistics.ts';

const EMPTY = { depth: 0, backendDepth: 0, inFlightCount: 0, deferredCount: 0 };

function setUp({ timeoutMs = 0 } = {}) {
  const clock = new ManualClock();
  const { logger, log } = journalLogger();
  const topics = { drainRefusal: null as string | null };
  const state = { statistics: [] as TopicStatistics[], unregistered: 0 };
  const drain = new Drain({
    topics,
    stats: async () => brokerStatistics(state.statistics),
    unregister: () => {
      state.unregistered++;
    },
    timeoutMs,
    clock,
    logger,
  });
  let outcome: string | undefined;
  void drain.over.then((text) => {
    outcome = text;
  });
  /** Lets it look this many times. */
  const look = async (times: number): Promise<void> => {
    for (let count = 0; count < times; count++) {
      await settle();
      clock.advance(1000);
    }
    await settle();
  };
  return { clock, log, topics, state, drain, look, outcome: () => outcome };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await undefined;
}

test('Drain: refuses publishes and unregisters at once, and only once', async () => {
  const { topics, state, drain } = setUp();
  const before = [topics.drainRefusal, drain.progress];
  drain.begin();
  drain.begin();

  assert.deepStrictEqual(before, [null, null]);
  assert.equal(topics.drainRefusal, 'the broker is draining');
  assert.deepStrictEqual([drain.progress, state.unregistered], [{ messages: null }, 1]);
});

test('Drain: counts what waits, is in flight and is deferred, and is over when nothing is', async () => {
  const { state, drain, look, log, outcome } = setUp();
  const channels = [channelStatistics({ depth: 2, inFlightCount: 3, deferredCount: 4 })];
  state.statistics = [topicStatistics({ depth: 1, channels })];
  drain.begin();
  await look(0);
  const first = drain.progress;
  state.statistics = [topicStatistics({ ...EMPTY, channels: [channelStatistics(EMPTY)] })];
  await look(1);
  const isOverAfterOne = outcome();
  await look(1);

  assert.deepStrictEqual(first, { messages: 10 });
  assert.equal(isOverAfterOne, undefined);
  assert.equal(outcome(), 'the queues are empty');
  assert.deepStrictEqual(log.lines, [
    'INFO: draining: publishes are refused, consumers continue',
    'INFO: draining: 10 messages are left',
  ]);
});

test('Drain: looks again soon where nothing is left, and less and less often where something is', async () => {
  const { clock, state, drain, outcome } = setUp();
  const looks: number[] = [];
  const startMs = clock.monotonicMs();
  Object.defineProperty(state, 'statistics', {
    get: () => {
      const ms = clock.monotonicMs() - startMs;
      looks.push(ms);
      return ms < 2000 ? [topicStatistics({ depth: 1 })] : [];
    },
  });

  drain.begin();
  while (outcome() === undefined) {
    await settle();
    clock.advance(50);
  }

  assert.deepStrictEqual(looks, [0, 200, 600, 1400, 2400, 2500]);
});

test('Drain: is over after its time, whatever is left', async () => {
  const { state, drain, look, outcome } = setUp({ timeoutMs: 5000 });
  state.statistics = [topicStatistics({ depth: 7 })];
  drain.begin();
  await look(4);
  const before = outcome();
  await look(1);

  assert.equal(before, undefined);
  assert.equal(outcome(), 'the drain has taken 5000 ms, 7 messages are left');
});

test('Drain: the log says every ten seconds what is left', async () => {
  const { state, drain, look, log } = setUp();
  state.statistics = [topicStatistics({ depth: 7 })];
  drain.begin();
  await look(25);

  assert.equal(log.matching(/7 messages are left/).length, 3);
});

test('creationRefusal: only of what is not there, and only while the broker drains', () => {
  const known = { channels: new Map([['c', 0]]) };
  const get = (name: string) => (name === 't' ? known : undefined);
  const ask = (drainRefusal: string | null) =>
    [
      ['t', null],
      ['t', 'c'],
      ['t', 'd'],
      ['u', null],
      ['u', 'c'],
    ].map(([topic, channel]) =>
      creationRefusal({ drainRefusal, get }, topic ?? '', channel ?? null),
    );

  assert.deepStrictEqual(ask(null), [null, null, null, null, null]);
  assert.deepStrictEqual(ask('x'), [null, null, 'x', 'x', 'x']);
});

test('Drain: stops looking when the broker ends', async () => {
  const { clock, drain, state, look, outcome } = setUp({ timeoutMs: 60_000 });
  state.statistics = [topicStatistics({ ...EMPTY, depth: 1 })];
  drain.begin();
  await look(1);

  drain.stop();
  await settle();

  assert.deepStrictEqual([outcome(), clock.timerCount], ['the broker is ending', 0]);
});
