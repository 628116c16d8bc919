import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  ChannelCounters,
  ControlRequest,
  TopicCounters,
} from '../../../../src/shared/control.ts';
import { APPENDED, OPENED } from '../../../../src/workers/disk-records.ts';
import { record } from '../../../support/backend-bench.ts';
import { PumpBench, type PumpBenchOptions, UNIX_MS } from '../../../support/pump-bench.ts';
import { policyWith } from '../../../support/topic-policies.ts';

const SEGMENT_BYTES = 256 * 1024;

/** Files of a topic, then of its channels, in the order of their numbers. */
const [TOPIC, C, D] = [1, 2, 3];
/** The first channel of topic 2. */
const HOARD = 20;

/** Topic 1 with durable channels 10 and 11 as they are asked for, files open. `unread`: records in the topic's. */
function makeBench(
  options: Partial<PumpBenchOptions> = {},
  channels: readonly string[] = ['c'],
  unread = 0,
): PumpBench {
  const bench = new PumpBench(options);
  bench.createTopic(1, ...channels);
  const opened = bench.disk.take().map((request) => Number(request.split(' ')[1]));
  for (const queue of opened) bench.disk.opened(queue, queue === TOPIC ? unread : 0);
  return bench;
}

/** Lets the pump work. Returns what it asks of the disk. */
function settle(bench: PumpBench): string[] {
  bench.settle();
  return bench.disk.take();
}

function topicCounters(bench: PumpBench): TopicCounters {
  return bench.stats().topics[0].counters;
}

/** Those of all channels, in the order in which they were created. */
function channelCounters(bench: PumpBench): ChannelCounters[] {
  return bench.stats().channels.map(({ counters }) => counters);
}

function references(bench: PumpBench): number {
  return bench.loop.state.store.referenceCount;
}

function answers(bench: PumpBench): unknown[] {
  return bench.heard.filter((heard) => 'answer' in heard);
}

test('PumpLoop: what a topic has on disk is finished there when every channel has it on disk', () => {
  const bench = makeBench({}, ['c', 'd', 'e#ephemeral'], 2);
  const requests = [settle(bench)];
  bench.disk.records(TOPIC, [record('a'), record('b')], 0);
  requests.push(settle(bench).sort());
  bench.disk.appendedOk(D, 2);
  requests.push(settle(bench));
  bench.disk.appendedOk(C, 2);
  requests.push(settle(bench));

  assert.deepStrictEqual(requests, [
    ['READ 1'],
    ['APPEND 2 a b', 'APPEND 3 a b'],
    [],
    ['FINISH 1 0-1'],
  ]);
  // The ephemeral channel has them in memory.
  assert.equal(references(bench), 2);
  assert.deepStrictEqual(
    channelCounters(bench).map(({ depth }) => depth),
    [2, 2, 2],
  );
});

test('PumpLoop: without memory queues an ephemeral channel still hands a message over', () => {
  const bench = makeBench({ policy: { memQueueSize: 0 } }, ['c#ephemeral']);
  bench.publish(1, ['first', 'second']);
  bench.settle();

  assert.deepStrictEqual(channelCounters(bench)[0].depth, 1);
});

test('PumpLoop: what goes only to ephemeral channels is finished at once', () => {
  const bench = makeBench({}, ['c#ephemeral'], 1);
  bench.subscribe(10, 7, 1);
  settle(bench);
  bench.disk.records(TOPIC, [record('a')], 0);
  const requests = settle(bench);
  const [{ id, body, attempts }] = bench.got(7);
  bench.finish(7, id);
  requests.push(...settle(bench));

  assert.deepStrictEqual([body, attempts, requests], ['a', 2, ['FINISH 1 0']]);
  assert.equal(references(bench), 0);
});

test('PumpLoop: a due time goes with a message from the topic to its channels, until it has passed', () => {
  const bench = makeBench({}, ['c'], 3);
  bench.nowMs = 100;
  settle(bench);
  bench.disk.records(TOPIC, ['a', 'b', 'c'].map(record), 0, {
    dueTimes: [UNIX_MS + 100, UNIX_MS + 101, 0],
  });
  const [append] = settle(bench);

  assert.equal(append, `APPEND 2 a b@${UNIX_MS + 101} c`);
});

test('PumpLoop: a topic that is emptied meanwhile finishes nothing; its channels keep what they have', () => {
  const bench = makeBench({}, ['c'], 1);
  settle(bench);
  bench.disk.records(TOPIC, [record('a')], 0);
  settle(bench);
  bench.control({ do: 'emptyTopic', topic: 1 });
  const requests = settle(bench);
  bench.disk.appendedOk(C, 1);
  bench.disk.emptied(TOPIC);
  requests.push(...settle(bench));

  assert.deepStrictEqual(requests, ['EMPTY_QUEUE 1']);
  assert.deepStrictEqual([channelCounters(bench)[0].depth, references(bench)], [1, 0]);
});

for (const request of ['emptyChannel', 'deleteChannel'] as const) {
  const verb = request === 'emptyChannel' ? 'EMPTY_QUEUE' : 'DELETE';

  test(`PumpLoop: ${request} while a message is being written to the channel ends the matter, well or not`, () => {
    for (const isWritten of [true, false]) {
      const bench = makeBench({}, ['c', 'd'], 1);
      settle(bench);
      bench.disk.records(TOPIC, [record('a')], 0);
      settle(bench);
      bench.disk.appendedOk(D, 1);
      bench.control({ do: request, topic: 1, channel: 10 });
      const requests = settle(bench);
      if (isWritten) bench.disk.appendedOk(C, 1);
      else bench.disk.appendFailed(C, 'EIO');
      if (request === 'emptyChannel') bench.disk.emptied(C);
      else bench.disk.deleted(C);
      requests.push(...settle(bench));

      assert.deepStrictEqual(requests, [`${verb} 2`, 'FINISH 1 0']);
      assert.equal(references(bench), 0);
    }
  });

  test(`PumpLoop: ${request} drops what was not yet sent to the channel's disk, and finishes it in the topic's`, () => {
    const bench = makeBench({}, ['c', 'd'], 1);
    settle(bench);
    bench.disk.records(TOPIC, [record('a')], 0);
    settle(bench);
    bench.disk.appendedOk(D, 1);
    bench.disk.appendFailed(C, 'EIO');
    settle(bench);
    bench.control({ do: request, topic: 1, channel: 10 });

    assert.deepStrictEqual(settle(bench).sort(), [`${verb} 2`, 'FINISH 1 0'].sort());
    assert.equal(references(bench), 0);
  });
}

for (const error of [null, 'EIO']) {
  const what =
    error === null ? 'is finished in the topic when it is' : 'stays in the topic if it is not';
  test(`PumpLoop: with acknowledge=fsync, what goes to a channel ${what} on stable storage`, () => {
    const bench = makeBench({}, ['c'], 1);
    const policy = policyWith({ memQueueSize: 0, acknowledge: 'fsync' });
    bench.control({ do: 'setTopicPolicy', topics: [1], policy });
    settle(bench);
    bench.disk.records(TOPIC, [record('a')], 0);
    settle(bench);

    bench.disk.appendedOk(C, 1);
    const whenWritten = settle(bench);
    bench.disk.committed(1, error);
    const whenSynced = settle(bench);

    assert.deepStrictEqual(whenWritten, []);
    assert.deepStrictEqual(whenSynced, error === null ? ['FINISH 1 0'] : []);
    assert.equal(references(bench), 0);
  });
}

for (const error of [null, 'EIO']) {
  const outcome = error === null ? 'on stable storage' : 'known to be lost by a power loss';
  test(`PumpLoop: with acknowledge=fsync, publishes, duplicates and dead letters are answered when they are ${outcome}`, () => {
    const bench = makeBench({}, []);
    const policy = policyWith({ memQueueSize: 0, acknowledge: 'fsync', deduplicateMs: 1000 });
    bench.control({ do: 'setTopicPolicy', topics: [1], policy });
    bench.publish(1, ['a'], { token: 5 });
    bench.publish(1, ['a'], { token: 6 });
    bench.publish(1, ['a'], { token: 7, toDisk: 1 });
    const requests = settle(bench);

    bench.disk.appendedOk(TOPIC, 2);
    settle(bench);
    const whenWritten = answers(bench);
    bench.disk.committed(1, error);
    settle(bench);

    assert.deepStrictEqual(requests, ['APPEND 1 a a']);
    assert.deepStrictEqual(whenWritten, []);
    const answered = [5, 6, 7].map((answer) => ({ answer, error }));
    const byToken = Map.groupBy(answers(bench), (heard) => JSON.stringify(heard));
    assert.deepStrictEqual(
      [...byToken.keys()].sort(),
      answered.map((heard) => JSON.stringify(heard)),
    );
  });
}

test('PumpLoop: dead letters go directly to the files of the channels, and are safe when all have them', () => {
  const bench = makeBench({}, ['c', 'd', 'e#ephemeral']);
  bench.subscribe(10, 7, 2);
  bench.publish(1, ['a'], { token: 7, toDisk: 1 });
  const requests = settle(bench).sort();
  bench.disk.appendedOk(C, 1);
  bench.disk.records(C, [record('a')], 0);
  bench.settle();
  const early = answers(bench);
  bench.disk.appendedOk(D, 1);
  bench.settle();

  assert.deepStrictEqual(requests, ['APPEND 2 a', 'APPEND 3 a', 'READ 2']);
  assert.deepStrictEqual([early, answers(bench)], [[], [{ answer: 7, error: null }]]);
  assert.deepStrictEqual(bench.bodies(7), ['a']);
  assert.equal(references(bench), 2);
});

for (const [what, before] of [
  [
    'while the topic is paused',
    (bench: PumpBench) =>
      bench.control({ do: 'pauseTopic', topic: 1, isPaused: true, isTold: false }),
  ],
  ['behind what is in the topic', (bench: PumpBench) => bench.disk.opened(TOPIC, 1)],
] as const) {
  test(`PumpLoop: dead letters go to the files of the topic ${what}`, () => {
    const bench = new PumpBench();
    bench.createTopic(1, 'c');
    bench.disk.take();
    before(bench);
    bench.settle();
    bench.disk.take();
    bench.publish(1, ['a'], { token: 7, toDisk: 1 });

    assert.ok(settle(bench).includes('APPEND 1 a'));
  });
}

test('PumpLoop: a topic that is deleted meanwhile leaves nothing behind', () => {
  const bench = makeBench({}, ['c', 'd'], 2);
  settle(bench);
  bench.disk.records(TOPIC, [record('a'), record('b')], 0);
  settle(bench);
  bench.control({ do: 'deleteTopic', topic: 1 });
  const requests = settle(bench).sort();
  bench.disk.deleted(TOPIC);
  for (const queue of [C, D]) {
    bench.disk.appendedOk(queue, 2);
    bench.disk.deleted(queue);
  }
  const later = settle(bench);

  assert.deepStrictEqual([requests, later], [['DELETE 1', 'DELETE 2', 'DELETE 3'], []]);
  assert.deepStrictEqual([references(bench), bench.loop.state.backends.size], [0, 0]);
  assert.equal(bench.loop.nextDeadlineMs, Number.POSITIVE_INFINITY);
});

test('PumpLoop: close waits for what is on its way to a channel, and finishes it in the topic first', () => {
  const bench = makeBench({}, ['c'], 2);
  settle(bench);
  bench.disk.records(TOPIC, [record('a')], 1);
  const append = settle(bench);
  bench.control({ do: 'close' });
  const requests = [settle(bench)];
  bench.disk.appendFailed(C, 'disk full');
  requests.push(settle(bench));
  bench.nowMs = 1000;
  requests.push(settle(bench));
  bench.disk.appendedOk(C, 1);
  requests.push(settle(bench).sort());

  assert.deepStrictEqual(append, ['APPEND 2 a', 'READ 1']);
  assert.deepStrictEqual(requests, [[], [], ['APPEND 2 a'], ['CLOSE 1', 'CLOSE 2', 'FINISH 1 0']]);
  for (const queue of [TOPIC, C]) bench.disk.closed(queue);
  settle(bench);
  assert.deepStrictEqual([bench.loop.isDone, references(bench)], [true, 0]);
});

test('PumpLoop: a deferred publish is answered when it is on disk, and comes in its time', () => {
  const bench = makeBench({ policy: { memQueueSize: 0 } });
  bench.subscribe(10, 7, 1);
  bench.publish(1, ['a'], { token: 5, deferMs: 300 });
  const requests = settle(bench);
  const before = [
    answers(bench),
    channelCounters(bench)[0].depth,
    channelCounters(bench)[0].deferredCount,
  ];
  bench.disk.answer(APPENDED, C, 1, null, 1);
  requests.push(...settle(bench));
  const written = [
    answers(bench),
    channelCounters(bench)[0].depth,
    channelCounters(bench)[0].deferredCount,
  ];
  bench.disk.records(C, [record('a')], 0, { dueTimes: [UNIX_MS + 300] });
  requests.push(...settle(bench));
  const read = [
    channelCounters(bench)[0].depth,
    channelCounters(bench)[0].deferredCount,
    bench.bodies(7),
  ];
  bench.nowMs = 300;
  requests.push(...settle(bench));
  bench.finish(7, bench.got(7)[0].id);
  requests.push(...settle(bench));

  const answer = { answer: 5, error: null };
  assert.deepStrictEqual(requests, [`APPEND 2 a@${UNIX_MS + 300}`, 'READ 2', 'FINISH 2 0']);
  assert.deepStrictEqual(
    [before, written, read],
    [
      [[], 0, 1],
      [[answer], 0, 1],
      [0, 1, []],
    ],
  );
  assert.deepStrictEqual([bench.bodies(7), references(bench)], [['a'], 0]);
});

for (const setMs of [318, 3_600_000, -318, -3_600_000]) {
  test(`PumpLoop: a deferred message on disk does not come early when the wall clock is set by ${setMs} ms`, () => {
    const bench = makeBench({ policy: { memQueueSize: 0 } });
    bench.subscribe(10, 7, 1);
    bench.publish(1, ['a'], { deferMs: 300 });
    settle(bench);
    bench.disk.answer(APPENDED, C, 1, null, 1);
    settle(bench);
    bench.setMs = setMs;
    bench.disk.records(C, [record('a')], 0, { dueTimes: [UNIX_MS + 300] });
    const got: string[][] = [];
    for (const nowMs of [0, 299, 300, 300 + Math.max(0, -setMs)]) {
      bench.nowMs = nowMs;
      bench.settle();
      got.push(bench.bodies(7));
    }

    // The files may have it from before or after a clock was set back: the later moment counts.
    const isLate = setMs < 0;
    assert.deepStrictEqual(got, [[], [], isLate ? [] : ['a'], ['a']]);
  });
}

test('PumpLoop: a message that a topic keeps with its delay does not come early when the wall clock is set', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 0 } });
  bench.createTopic(1);
  bench.disk.take();
  bench.disk.opened(TOPIC);
  bench.publish(1, ['a'], { deferMs: 300 });
  const requests = settle(bench);
  bench.disk.answer(APPENDED, TOPIC, 1, null, 1);
  settle(bench);
  bench.setMs = 1000;
  bench.request({
    ...{ do: 'createChannel', topic: 1, channel: 10, name: 'c', isPaused: false },
    policy: bench.channelPolicy,
  });
  requests.push(...settle(bench));
  bench.disk.opened(C);
  requests.push(...settle(bench));
  bench.disk.records(TOPIC, [record('a')], 0, { dueTimes: [UNIX_MS + 300] });
  requests.push(...settle(bench));

  assert.deepStrictEqual(
    requests.filter((request) => request.startsWith('APPEND')),
    [`APPEND 1 a@${UNIX_MS + 300}`, `APPEND 2 a@${UNIX_MS + 300}`],
  );
});

test('PumpLoop: deferred messages of an earlier life are deferred again, with their attempts', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1);
  bench.disk.opened(TOPIC);
  bench.disk.answer(OPENED, C, 2, null, 1);
  bench.disk.take();
  const [read] = settle(bench);
  bench.disk.records(C, [record('later'), record('now')], 0, { dueTimes: [UNIX_MS + 50, 0] });
  settle(bench);
  const early = bench.bodies(7);
  bench.finish(7, bench.got(7)[0].id);
  bench.nowMs = 50;
  bench.settle();

  assert.deepStrictEqual([read, early, bench.bodies(7)], ['READ 2', ['now'], ['now', 'later']]);
  assert.deepStrictEqual(
    bench.got(7).map(({ attempts }) => attempts),
    [2, 2],
  );
});

/**
 * A pump whose memory is full of what another topic's consumer has in flight, and a consumer that has one message from
 * disk; one more is there.
 */
function makeFullBench(): PumpBench {
  // Three quarters are for all: three slabs and what is kept of two messages in flight.
  const bench = makeBench({ memoryBudgetBytes: 4 * SEGMENT_BYTES + 180 });
  const large = 'x'.repeat(200_000);
  bench.createTopic(2, 'hoard');
  bench.subscribe(HOARD, 9, 3);
  for (let count = 0; count < 3; count++) {
    bench.publish(2, [large]);
    bench.settle();
  }
  bench.publish(1, [large]);
  bench.subscribe(10, 7, 2);
  const requests = settle(bench).filter((request) => !request.startsWith('OPEN'));
  bench.disk.appendedOk(C, 1);
  requests.push(...settle(bench));
  bench.disk.records(C, [record('first')], 0);
  bench.publish(1, ['y'.repeat(200_000)]);
  requests.push(...settle(bench));
  bench.disk.appendedOk(C, 1);
  requests.push(...settle(bench));
  // All goes to disk, and from there as little as keeps things going.
  assert.deepEqual(requests, ['APPEND 2 200000', 'READ 2', 'APPEND 2 200000']);
  return bench;
}

test('PumpLoop: while memory is full a channel reads on when it has nothing else', () => {
  const bench = makeFullBench();
  bench.finish(7, bench.got(7)[0].id);

  assert.deepStrictEqual(settle(bench), ['FINISH 2 0', 'READ 2']);
});

test('PumpLoop: while memory is full a channel reads on for one consumer when another one has finished', () => {
  const bench = makeFullBench();
  bench.subscribe(10, 8, 1);
  bench.ready(7, 0);
  settle(bench);
  bench.finish(7, bench.got(7)[0].id);

  assert.deepStrictEqual(settle(bench), ['FINISH 2 0', 'READ 2']);
});

test('PumpLoop: a channel that had to wait for memory reads on as soon as there is some', () => {
  const bench = makeFullBench();
  bench.control({ do: 'emptyChannel', topic: 2, channel: HOARD });
  const requests = settle(bench);

  assert.deepStrictEqual(requests.sort(), ['EMPTY_QUEUE 4', 'READ 2']);
});

test('PumpLoop: a queue that had to wait for memory and is gone is not read', () => {
  const bench = makeFullBench();
  bench.control({ do: 'deleteChannel', topic: 1, channel: 10 });
  settle(bench);
  bench.disk.deleted(C);
  settle(bench);
  bench.control({ do: 'emptyChannel', topic: 2, channel: HOARD });

  assert.deepStrictEqual([settle(bench), references(bench)], [['EMPTY_QUEUE 4'], 0]);
});

test('PumpLoop: what is kept of deferred messages fills memory too: then files take them, ephemeral channels drop', () => {
  const bench = makeBench({ memoryBudgetBytes: 4 * SEGMENT_BYTES }, ['c', 'e#ephemeral']);
  const many = Array.from({ length: 4096 }, () => '');
  const deferred = (): number[] => channelCounters(bench).map(({ deferredCount }) => deferredCount);
  const counts: number[][] = [];
  const wereWritten: boolean[] = [];
  for (let round = 0; round < 2; round++) {
    bench.publish(1, many, { deferMs: 1000 });
    wereWritten.push(settle(bench).some((request) => request.startsWith('APPEND 2')));
    counts.push(deferred());
  }

  assert.deepStrictEqual(wereWritten, [false, true]);
  assert.deepStrictEqual(counts, [
    [4096, 4096],
    [8192, 5802],
  ]);
});

test('PumpLoop: a channel with many deferred messages gives way to others, and keeps the due times', () => {
  const bench = new PumpBench({ memoryBudgetBytes: 8 * SEGMENT_BYTES });
  bench.createTopic(1, 'c');
  bench.createTopic(2, 'd');
  const opened = bench.disk.take().map((request) => Number(request.split(' ')[1]));
  for (const queue of opened) bench.disk.opened(queue, 0);
  settle(bench);
  const body = 'x'.repeat(100_000);
  const due = `100000@${UNIX_MS + 5000}`;
  for (let count = 0; count < 8; count++) bench.publish(1, [body], { deferMs: 5000 });
  const alone = settle(bench);
  for (let count = 0; count < 6; count++) bench.publish(2, [body]);
  const evicted = settle(bench).filter((request) => request.startsWith(`APPEND ${opened[1]}`));
  const [giant, other] = channelCounters(bench);

  assert.deepStrictEqual(alone, []);
  assert.deepStrictEqual(evicted, [`APPEND ${opened[1]} ${due}`]);
  assert.deepStrictEqual([giant.deferredCount, other.depth], [8, 6]);
});

test('PumpLoop: a publish beyond the bound is refused whole, and nothing of it is counted', () => {
  const bound = { maxDepth: 3 };
  const bench = makeBench({ policy: bound }, ['c', 'd']);
  bench.subscribe(11, 8, 10);
  bench.publish(1, ['a', 'b'], { token: 1 });
  bench.publish(1, ['c', 'd'], { token: 2 });
  bench.publish(1, ['e'], { token: 3 });
  bench.settle();

  assert.deepStrictEqual(answers(bench), [
    { answer: 1, error: null },
    { answer: 2, error: 'channel "c" of topic "t1" is full, --max-depth=3' },
    { answer: 3, error: null },
  ]);
  assert.deepStrictEqual(
    [topicCounters(bench).messageCount, bench.bodies(8)],
    [3, ['a', 'b', 'e']],
  );
});

test('PumpLoop: a publication in parts is accepted or refused by the bound as a whole', () => {
  const bound = { maxDepth: 4 };
  const bench = makeBench({ policy: { memQueueSize: 10, ...bound } });
  bench.publish(1, ['a', 'b'], { token: 1, followingCount: 3, followingBytes: 15 });
  bench.publish(1, ['c', 'd'], { token: 2, first: 1, followingCount: 1, followingBytes: 5 });
  bench.publish(1, ['e'], { token: 3, first: 1 });
  bench.publish(1, ['f', 'g'], { token: 4, followingCount: 2, followingBytes: 10 });
  // Others may have a part of the room before the rest comes.
  bench.publish(1, ['h'], { token: 5 });
  bench.publish(1, ['i', 'j'], { token: 6, first: 4 });
  bench.publish(1, ['k'], { token: 7 });
  bench.settle();

  const full = 'channel "c" of topic "t1" is full, --max-depth=4';
  assert.deepStrictEqual(
    answers(bench),
    [full, full, full, null, null, null, full].map((error, index) => ({
      answer: index + 1,
      error,
    })),
  );
  assert.deepStrictEqual(
    [topicCounters(bench).messageCount, channelCounters(bench)[0].depth],
    [5, 5],
  );
});

test('PumpLoop: the bytes of all parts count for the bound', () => {
  const bound = { maxBytes: 100 };
  const bench = makeBench({ policy: { memQueueSize: 10, ...bound } });
  // Each has a size field and a header of 26 bytes.
  bench.publish(1, ['a'], { token: 1, followingCount: 3, followingBytes: 15 });
  bench.publish(1, ['b', 'c', 'd'], { token: 2, first: 1 });
  bench.publish(1, ['e'], { token: 3, followingCount: 2, followingBytes: 10 });
  bench.publish(1, ['f', 'g'], { token: 4, first: 3 });
  bench.settle();

  const full = 'channel "c" of topic "t1" is full, --max-bytes=100';
  assert.deepStrictEqual(
    answers(bench),
    [full, full, null, null].map((error, index) => ({ answer: index + 1, error })),
  );
});

test('PumpLoop: parts of a topic that is deleted meanwhile are refused', () => {
  const bound = { maxDepth: 4 };
  const bench = makeBench({ policy: { memQueueSize: 10, ...bound } });
  bench.publish(1, ['a'], { token: 1, followingCount: 1, followingBytes: 5 });
  bench.publish(1, ['b'], { token: 2, followingCount: 9, followingBytes: 45 });
  bench.settle();
  bench.control({ do: 'deleteTopic', topic: 1 });
  bench.publish(1, ['c'], { token: 3, first: 1 });
  bench.publish(1, ['d'], { token: 4, first: 2 });
  bench.settle();

  assert.deepStrictEqual(answers(bench).slice(2), [
    { answer: 3, error: 'exiting' },
    { answer: 4, error: 'exiting' },
  ]);
});

test('PumpLoop: the bound of a topic counts while its messages wait there', () => {
  const bound = { maxDepth: 1, maxBytes: 100 };
  const bench = makeBench({ policy: bound }, []);
  bench.publish(1, ['x'.repeat(71)], { token: 1 });
  bench.publish(1, ['a'], { token: 2 });
  bench.publish(1, ['b'], { token: 3 });
  bench.settle();

  assert.deepStrictEqual(answers(bench), [
    { answer: 1, error: 'topic "t1" is full, --max-bytes=100' },
    { answer: 2, error: null },
    { answer: 3, error: 'topic "t1" is full, --max-depth=1' },
  ]);
});

test('PumpLoop: with drop-oldest no publish is refused, and the statistics count what was dropped', () => {
  const bound = { maxDepth: 2, whenFull: 'drop-oldest' } as const;
  const bench = makeBench({ policy: { memQueueSize: 1, ...bound } });
  bench.publish(1, ['a', 'b', 'c', 'd'], { token: 1 });
  const requests = settle(bench);
  bench.disk.appendedOk(C, 3);
  requests.push(...settle(bench));
  bench.disk.records(C, ['b', 'c', 'd'].map(record), 0);
  requests.push(...settle(bench));
  bench.subscribe(10, 7, 10);
  bench.settle();

  assert.deepStrictEqual(requests, ['APPEND 2 b c d', 'READ 2', 'FINISH 2 0']);
  const { depth, droppedCount } = channelCounters(bench)[0];
  assert.deepStrictEqual([depth, droppedCount, topicCounters(bench).droppedCount], [0, 2, 0]);
  assert.deepStrictEqual(bench.bodies(7), ['c', 'd']);
  for (const { id } of bench.got(7)) bench.finish(7, id);
  assert.deepStrictEqual([settle(bench), references(bench)], [['FINISH 2 1-2'], 0]);
});

/** A pump whose disk answers nothing and has no room for more, and so many publishes of 20 kB that wait for it. */
function makeHungBench(waiting: number): PumpBench {
  const bench = new PumpBench({
    policy: { memQueueSize: 0 },
    requestBytes: 64 * 1024,
    publishBytes: 64 * 1024 * 1024,
  });
  bench.createTopic(1);
  for (let i = 0; i < waiting; i++) bench.publish(1, ['b'.repeat(20_000)], { token: i + 1 });
  bench.settle();
  return bench;
}

function createChannel({ channelPolicy: policy }: PumpBench): ControlRequest {
  return { do: 'createChannel', topic: 1, channel: 10, name: 'c', isPaused: false, policy };
}

test('PumpLoop: statistics are told, and requests carried out, while a disk hangs', () => {
  const bench = makeHungBench(100);

  const { depth } = topicCounters(bench);
  bench.publish(1, ['c'.repeat(20_000)], { token: 101 });
  bench.request(createChannel(bench));
  const after = topicCounters(bench);

  assert.equal(depth, 100);
  assert.deepStrictEqual([after.depth, channelCounters(bench).length], [101, 1]);
});

test('PumpLoop: what requests cost of memory while a disk hangs is bounded', () => {
  const bench = makeHungBench(10);
  for (let i = 0; i < 4000; i++) bench.publish(1, ['b'.repeat(20_000)], { token: 100 + i });
  const { depth } = topicCounters(bench);

  // What may be on its way to the disk, 32 MiB, and 32 MiB more; the rest waits, as does a request that must come behind it.
  const token = bench.control(createChannel(bench));
  bench.settle();

  assert.ok(depth > 3300 && depth < 3400, `${depth} were taken`);
  assert.equal(
    bench.heard.some((heard) => 'reply' in heard && heard.reply === token),
    false,
  );
});
