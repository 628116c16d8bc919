import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CREDIT } from '../../../../src/shared/records.ts';
import { durationsOf, METER } from '../../../../src/shared/thread-meter.ts';
import { PumpBench } from '../../../support/pump-bench.ts';

function answers(bench: PumpBench): unknown[] {
  return bench.heard.filter((heard) => 'answer' in heard);
}

test('PumpLoop: what is published reaches a consumer of every channel', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c', 'd');
  bench.subscribe(10, 7, 10);
  bench.subscribe(11, 8, 10);
  bench.publish(1, ['a', 'b']);
  bench.settle();

  const ids = bench.got(7).map(({ id }) => id);

  assert.deepStrictEqual(
    [bench.bodies(7), bench.bodies(8)],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  );
  assert.deepStrictEqual(
    bench.got(8).map(({ id }) => id),
    ids,
  );
});

test('PumpLoop: FIN, REQ and TOUCH are carried out, and refused with their reason', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 3);
  bench.subscribe(10, 8, 0);
  bench.publish(1, ['a', 'b', 'c']);
  bench.settle();
  const [a, b, c] = bench.got(7).map(({ id }) => id);
  bench.touch(7, c);
  bench.finish(7, a, a, b);
  bench.finish(8, c);
  bench.requeue(7, c, 0);
  bench.requeue(7, b, 0);
  bench.touch(7, a);
  // A consumer that has gone has nothing to answer.
  bench.finish(99, a);
  bench.requeue(99, a, 0);
  bench.touch(99, a);
  bench.ready(99, 1);
  bench.credit(99, 1);

  const heard = bench.settle();

  assert.deepStrictEqual(
    heard.filter((what) => 'refused' in what),
    [
      { refused: a, consumer: 7, command: 'FIN', reason: 'not found' },
      { refused: c, consumer: 8, command: 'FIN', reason: 'not owner' },
      { refused: b, consumer: 7, command: 'REQ', reason: 'not found' },
      { refused: a, consumer: 7, command: 'TOUCH', reason: 'not found' },
    ],
  );
  assert.deepStrictEqual(
    bench.got(7).map(({ body, attempts }) => `${body} ${attempts}`),
    ['a 1', 'b 1', 'c 1', 'c 2'],
  );
});

test('PumpLoop: a barrier is answered behind what came before it', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1);
  bench.finish(7, '00000000000000aa');
  bench.barrier(77);

  const heard = bench.settle();

  assert.deepStrictEqual(heard.at(-1), { answer: 77, error: null });
  assert.equal(heard.length, 2);
});

test('PumpLoop: a publish that fits memory is answered at once, one for the disk when it is there', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 2 } });
  bench.createTopic(1);
  bench.publish(1, ['a'], { token: 1 });
  bench.publish(1, ['b', 'c'], { token: 2 });
  bench.publish(1, ['d'], { token: 3 });
  bench.settle();
  const before = answers(bench);
  bench.disk.take();
  bench.disk.opened(1);
  bench.disk.appendFailed(1, 'disk full');
  bench.settle();

  assert.deepStrictEqual(before, [{ answer: 1, error: null }]);
  assert.deepStrictEqual(answers(bench).slice(1), [
    { answer: 2, error: 'disk full' },
    { answer: 3, error: 'disk full' },
  ]);
  const events = bench.heard.filter((heard) => 'event' in heard);
  assert.deepStrictEqual(events, [{ event: 'backend', topic: 1, error: 'disk full' }]);
  // Of a publish that was refused nothing is counted.
  assert.equal(bench.stats().topics[0].counters.messageCount, 1);
});

test('PumpLoop: health of a topic is that of all of its queues', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 0 } });
  bench.createTopic(1, 'c', 'd');
  bench.settle();
  for (const queue of [1, 2, 3]) bench.disk.opened(queue);
  bench.publish(1, ['a']);
  bench.settle();
  bench.disk.take();
  bench.disk.appendFailed(2, 'EIO');
  bench.disk.appendFailed(3, 'ENOSPC');
  bench.settle();
  for (const queue of [2, 3]) {
    bench.nowMs += 1000;
    bench.settle();
    bench.disk.take();
    bench.disk.appendedOk(queue, 1);
  }
  bench.settle();

  const errors = bench.heard.flatMap((heard) =>
    'event' in heard && heard.event === 'backend' ? [heard.error] : [],
  );

  assert.deepStrictEqual(errors, ['EIO', 'ENOSPC', 'ENOSPC', null]);
});

test('PumpLoop: what the disk thread has to say is told to main', () => {
  const bench = new PumpBench();
  for (const level of [2, 3, 4]) bench.disk.status(level, `level ${level}`);

  assert.deepStrictEqual(bench.settle(), [
    { event: 'log', level: 'info', text: 'level 2' },
    { event: 'log', level: 'warn', text: 'level 3' },
    { event: 'log', level: 'error', text: 'level 4' },
  ]);
});

test('PumpLoop: a control request takes effect between the publishes before and after it', () => {
  const bench = new PumpBench();
  bench.createTopic(1);
  bench.publish(1, ['dropped']);
  bench.control({ do: 'emptyTopic', topic: 1 });
  bench.control({
    do: 'createChannel',
    topic: 1,
    channel: 10,
    name: 'c',
    isPaused: false,
    policy: bench.channelPolicy,
  });
  bench.publish(1, ['for the channel']);
  bench.control({ do: 'pauseTopic', topic: 1, isPaused: true, isTold: true });
  bench.publish(1, ['waits']);
  bench.settle();

  const { topics, channels } = bench.stats();

  const { messageCount, depth } = topics[0].counters;
  assert.deepStrictEqual([messageCount, depth, channels[0].counters.messageCount], [3, 1, 1]);
});

test('PumpLoop: a control request waits for more publishes than one turn takes', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.createTopic(2);
  for (let i = 0; i < 30; i++) assert.equal(bench.publish(1, ['x'.repeat(100_000)]), true);
  bench.control({ do: 'deleteTopic', topic: 2 });
  bench.publish(2, ['too late'], { token: 1 });

  bench.step();

  assert.equal(bench.stats().topics[0].counters.messageCount, 30);
  assert.deepStrictEqual(answers(bench), [{ answer: 1, error: 'exiting' }]);
});

test('PumpLoop: what is published behind a request that was not seen yet is not taken before it', () => {
  const bench = new PumpBench();
  bench.createTopic(1);
  bench.publish(1, ['first']);
  bench.control({ do: 'stats', topics: [1], channels: [], consumers: [] });
  // Main goes on while the pump is in its turn: as soon as the request's record has been looked at.
  let isInterrupted = false;
  const { load } = Atomics;
  let looks = 0;
  Object.assign(Atomics, {
    load: (words: Int32Array, index: number) => {
      const value = load(words, index);
      looks++;
      // The first look is at the publish ring, the second at the command ring.
      if (looks === 2 && !isInterrupted) {
        isInterrupted = true;
        const name = 'u';
        bench.publish(1, ['second']);
        bench.control({
          do: 'createTopic',
          topic: 2,
          name,
          isPaused: false,
          isStarted: true,
          isReplicated: false,
          policy: bench.topicPolicy,
        });
        bench.publish(2, ['for the new topic'], { token: 5 });
      }
      return value;
    },
  });
  try {
    bench.step();
  } finally {
    Object.assign(Atomics, { load });
  }
  bench.settle();

  assert.deepStrictEqual([isInterrupted, answers(bench)], [true, [{ answer: 5, error: null }]]);
});

test('PumpLoop: takes a bounded amount of publishes in a turn, and FINs before them', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  for (let i = 0; i < 30; i++) bench.publish(1, ['x'.repeat(100_000)]);
  bench.barrier(9);

  bench.step();

  const { messageCount } = bench.loop.state.topics.get(1) ?? assert.fail();
  assert.deepStrictEqual([messageCount, answers(bench)], [11, [{ answer: 9, error: null }]]);
});

/** What is on its way to the disk holds a topic from 200 kB on, and everything from 800 kB on. */
const BACKLOG = { holdBytes: 200_000, crowdedBytes: 400_000, fullBytes: 800_000 };

/** Has the disk write everything that there is to write. */
function writeAll(bench: PumpBench): void {
  for (let turn = 0; turn < 100; turn++) {
    bench.settle();
    for (const request of bench.disk.take()) {
      const [name, queue] = request.split(' ');
      if (name === 'OPEN') bench.disk.opened(Number(queue));
      if (name === 'APPEND') bench.disk.appendedOk(Number(queue), 0);
      if (name === 'DELETE') bench.disk.deleted(Number(queue));
    }
  }
}

function holds(bench: PumpBench): string[] {
  return bench.heard.flatMap((heard) => {
    if (!('hold' in heard)) return [];
    return [`${heard.isHeld ? 'hold' : 'release'} ${heard.hold}`];
  });
}

test('PumpLoop: takes no publishes while far too much is on its way to the disk, but FINs; then goes on by itself', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 0 }, backlogBounds: BACKLOG });
  bench.createTopic(1);
  bench.createTopic(2, 'c#ephemeral');
  let published = 0;
  while (published < 40 && bench.publish(1, ['x'.repeat(80_000)])) published++;
  bench.settle();
  const { messageCount } = bench.loop.state.topics.get(1) ?? assert.fail();
  bench.barrier(9);
  bench.settle();
  const whileFull = answers(bench);
  const idle = bench.step();
  writeAll(bench);

  assert.deepStrictEqual([whileFull, idle], [[{ answer: 9, error: null }], 0]);
  assert.equal(messageCount, 10);
  assert.equal(bench.disk.appended.length, 40);
});

test('PumpLoop: has main hold a topic that has much on its way to the disk, and takes what is for others', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 0 }, backlogBounds: BACKLOG });
  bench.createTopic(1);
  bench.createTopic(2);
  for (let count = 0; count < 3; count++) bench.publish(1, ['x'.repeat(80_000)]);
  bench.publish(2, ['small']);
  bench.settle();
  const before = holds(bench);
  const { messageCount } = bench.loop.state.topics.get(2) ?? assert.fail();
  writeAll(bench);

  assert.deepStrictEqual([before, messageCount], [['hold 1'], 1]);
  assert.deepStrictEqual(holds(bench), ['hold 1', 'release 1']);
});

test('PumpLoop: takes small publishes beside eight topics whose large messages wait for a slow disk', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 0 } });
  const giants = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const topic of [...giants, 9]) bench.createTopic(topic);
  for (const topic of [...giants, ...giants]) {
    assert.ok(bench.publish(topic, ['x'.repeat(1_000_000)]));
    bench.settle();
  }
  bench.publish(9, ['small']);
  bench.settle();

  const { messageCount } = bench.loop.state.topics.get(9) ?? assert.fail();
  assert.equal(messageCount, 1);
  assert.deepStrictEqual(
    holds(bench).sort(),
    giants.map((topic) => `hold ${topic}`),
  );
});

test('PumpLoop: a topic that is held is deleted without waiting for what it has on its way to the disk, and let go', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 0 }, backlogBounds: BACKLOG });
  bench.createTopic(1);
  for (let i = 0; i < 40; i++) bench.publish(1, ['x'.repeat(80_000)]);
  bench.settle();
  const token = bench.control({ do: 'deleteTopic', topic: 1 });
  const isReplied = (): boolean =>
    bench.heard.some((heard) => 'reply' in heard && heard.reply === token);
  bench.settle();
  const before = [holds(bench), isReplied(), bench.loop.state.topics.size];
  writeAll(bench);

  assert.deepStrictEqual(before, [['hold 1'], false, 0]);
  assert.deepStrictEqual([holds(bench), isReplied()], [['hold 1', 'release 1'], true]);
});

test('PumpLoop: takes no commands while their answers find no room, and loses none', () => {
  const bench = new PumpBench({ deliverBytes: 4096 });
  for (let token = 1; token <= 2000; token++) bench.barrier(token);
  const seen: number[] = [];
  bench.loop.step(0);
  const afterOne = bench.main.take().length;
  for (let turn = 0; turn < 200; turn++) {
    bench.step();
    seen.push(
      ...bench.heard.splice(0).flatMap((heard) => ('answer' in heard ? [heard.answer] : [])),
    );
  }

  assert.ok(afterOne < 300, `${afterOne}`);
  assert.deepStrictEqual(
    seen,
    Array.from({ length: 2000 - afterOne }, (_, i) => afterOne + 1 + i),
  );
});

test('PumpLoop: deliveries are seen at the end of the turn, also when main waits for room', () => {
  const bench = new PumpBench({ publishBytes: 64 * 1024, commandBytes: 64 * 1024 });
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 10);
  // Main has found the command ring full, and waits for its room.
  while (bench.commands.hasRoomFor(1024)) bench.credit(99, 1);
  bench.publish(1, ['a']);

  bench.step();

  assert.deepStrictEqual(bench.bodies(7), ['a']);
});

test('PumpLoop: a message in flight or deferred wants a turn at its time', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 10, 200);
  const none = bench.loop.nextDeadlineMs;
  bench.publish(1, ['a']);
  bench.publish(1, ['b'], { deferMs: 50 });
  bench.settle();
  const deadlines = [bench.loop.nextDeadlineMs];
  bench.nowMs = 50;
  bench.settle();
  deadlines.push(bench.loop.nextDeadlineMs);

  assert.deepStrictEqual([none, deadlines], [Number.POSITIVE_INFINITY, [50, 200]]);
  assert.deepStrictEqual(bench.bodies(7), ['a', 'b']);
});

test('PumpLoop: a consumer that takes nothing from its socket gets no more than its window', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1000);
  for (let i = 0; i < 30; i++) bench.publish(1, ['x'.repeat(100_000)]);
  bench.settle();
  const stopped = bench.got(7).length;
  bench.credit(7, 300_000);
  bench.settle();

  assert.deepStrictEqual([stopped, bench.got(7).length], [11, 14]);
});

test('PumpLoop: a full deliver ring loses nothing, whatever its size', () => {
  const bench = new PumpBench({ deliverBytes: 256 * 1024 });
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1000);
  const sent = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(30_000, 'x'));
  for (const body of sent) bench.publish(1, [body]);
  bench.settle();

  assert.deepStrictEqual(bench.bodies(7), sent);
});

test('PumpLoop: a channel with much to send leaves room in the deliver ring to others, and goes on later', () => {
  const bench = new PumpBench({ deliverBytes: 4 * 1024 * 1024 });
  bench.createTopic(1, 'giant');
  bench.createTopic(2, 'small');
  for (const consumer of [1, 2, 3, 4]) bench.subscribe(10, consumer, 0);
  bench.subscribe(20, 7, 1000);
  for (let i = 0; i < 36; i++) {
    bench.publish(1, [`${i}`.padEnd(100_000, 'x')]);
    bench.loop.step(0);
  }
  for (const consumer of [1, 2, 3, 4]) bench.ready(consumer, 1000);
  bench.publish(2, ['small']);
  bench.loop.step(0);
  const giants = (): number => [1, 2, 3, 4].flatMap((consumer) => bench.got(consumer)).length;
  bench.heard.push(...bench.main.take());
  const before = [giants(), bench.bodies(7)];
  bench.settle();

  // 1 MiB, and the one with which it is more.
  assert.deepStrictEqual([before, giants()], [[11, ['small']], 36]);
});

test('PumpLoop: a request that main never sends is a bug', () => {
  const bench = new PumpBench();
  bench.command(CREDIT + 100, 1);

  assert.throws(() => bench.step(), /main sends no other commands/);
});

test('PumpLoop: each message is where it belongs, whatever the order of requests and publishes', () => {
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.constant('publish' as const) },
    { weight: 2, arbitrary: fc.constant('pause' as const) },
    { weight: 2, arbitrary: fc.constant('resume' as const) },
    { weight: 2, arbitrary: fc.constant('channel' as const) },
    { weight: 2, arbitrary: fc.constant('step' as const) },
    { weight: 1, arbitrary: fc.constant('burst' as const) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const bench = new PumpBench();
      bench.createTopic(1);
      /** What each channel must get: all that was published while the topic has gone on, and what had waited. */
      const expected = new Map<number, string[]>();
      let waiting: string[] = [];
      let isPaused = false;
      let next = 0;
      const publish = (body: string): void => {
        bench.publish(1, [body]);
        waiting.push(body);
        if (isPaused || expected.size === 0) return;
        for (const bodies of expected.values()) bodies.push(...waiting);
        waiting = [];
      };
      for (const what of actions) {
        if (what === 'publish') publish(`${next++}`);
        else if (what === 'burst') {
          for (let i = 0; i < 13; i++) publish(`${next++}`.padEnd(100_000, 'x'));
        } else if (what === 'step') bench.step();
        else if (what === 'channel') {
          // Messages that wait are handed on at the end of a turn, so the order is exact for settled ones.
          bench.settle();
          const channel = 10 + expected.size;
          const name = `c${channel}`;
          bench.control({
            do: 'createChannel',
            topic: 1,
            channel,
            name,
            isPaused: false,
            policy: bench.channelPolicy,
          });
          const subscription = { topic: 1, channel, consumer: channel, msgTimeoutMs: 60_000 };
          bench.control({ do: 'subscribe', ...subscription, sampleRate: 0, locality: 'global' });
          bench.ready(channel, 10_000);
          bench.credit(channel, 1e9);
          expected.set(channel, []);
          bench.settle();
          if (!isPaused) for (const bodies of expected.values()) bodies.push(...waiting);
          if (!isPaused) waiting = [];
        } else {
          isPaused = what === 'pause';
          bench.control({ do: 'pauseTopic', topic: 1, isPaused, isTold: true });
          if (!isPaused && expected.size > 0) {
            bench.settle();
            for (const bodies of expected.values()) bodies.push(...waiting);
            waiting = [];
          }
        }
      }
      bench.settle();
      for (const [channel, bodies] of expected) {
        assert.deepEqual(new Set(bench.bodies(channel)), new Set(bodies));
        assert.equal(bench.bodies(channel).length, bodies.length);
      }
    }),
    { numRuns: 40 },
  );
});

test('PumpLoop: a delay counts from when it is taken, not from when the turn began', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1, 1);
  bench.settle();
  bench.turnMs = 5;
  bench.publish(1, ['later'], { deferMs: 100 });
  bench.settle();

  bench.nowMs += 104;
  bench.settle();
  const early = bench.got(7);
  bench.nowMs += 1;
  bench.settle();

  assert.deepStrictEqual([early.length, bench.got(7).map(({ body }) => body)], [0, ['later']]);
});

test('PumpLoop: counts commands, and the times from publish to delivery and from there to finish', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 10);
  bench.publish(1, ['a', 'b', 'c']);
  bench.settle();
  const [a, b, c] = bench.got(7).map(({ id }) => id);
  bench.nowMs += 40;
  bench.finish(7, a, b);
  bench.requeue(7, c, 60_000);
  bench.settle();

  const { numbers } = bench.thread;
  const counted = [METER.readies, METER.finishes, METER.requeues, METER.touches];
  assert.deepStrictEqual(
    counted.map((place) => numbers[place]),
    [1, 2, 1, 0],
  );
  assert.equal(durationsOf([numbers], METER.deliverToFinish).sumMs, 80);
  assert.ok(numbers[METER.messageBytes] > 0);
});

test('PumpLoop: tells of timeouts, channel by channel, while that is wanted', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c', 'd');
  bench.subscribe(10, 7, 10, 100);
  bench.subscribe(11, 8, 10, 100);
  bench.publish(1, ['a', 'b']);
  bench.settle();
  const timeouts = (): unknown[] => {
    bench.nowMs += 100;
    return bench.settle().filter((heard) => 'event' in heard && heard.event === 'timeouts');
  };
  const before = timeouts();
  bench.request({ do: 'reportTimeouts', isWanted: true });
  const wanted = timeouts();
  bench.request({ do: 'reportTimeouts', isWanted: false });

  assert.deepStrictEqual(
    [before, wanted, timeouts()],
    [
      [],
      [
        { event: 'timeouts', channel: 10, count: 2 },
        { event: 'timeouts', channel: 11, count: 2 },
      ],
      [],
    ],
  );
});
