import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newChannelTallies, newTopicTallies } from '../../../../src/shared/control.ts';
import { PumpBench, UNIX_MS } from '../../../support/pump-bench.ts';

/** Answers every request of the disk queues, as if the disk were empty and fast. */
function serve(bench: PumpBench): string[] {
  const requests: string[] = [];
  for (let turn = 0; turn < 20; turn++) {
    bench.settle();
    const taken = bench.disk.take();
    requests.push(...taken);
    for (const request of taken) {
      const [what, queue] = request.split(' ');
      const number = Number(queue);
      if (what === 'OPEN') bench.disk.opened(number);
      if (what === 'APPEND') bench.disk.appendedOk(number, 1);
      if (what === 'EMPTY_QUEUE') bench.disk.emptied(number);
      if (what === 'CLOSE') bench.disk.closed(number);
      if (what === 'DELETE') bench.disk.deleted(number);
    }
  }
  return requests;
}

/** Whether a request with this token was replied to, and how. */
function replyTo(bench: PumpBench, token: number): string | null | undefined {
  const reply = bench.heard.find((heard) => 'reply' in heard && heard.reply === token);
  return reply !== undefined && 'reply' in reply ? reply.error : undefined;
}

test('PumpControl: a topic and a channel open their disk queues by name', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c', 'd#ephemeral');

  assert.deepStrictEqual(bench.disk.take(), ['OPEN 1 t1', 'OPEN 2 t1:c']);
});

test('PumpControl: a request in pieces is carried out when it is whole', () => {
  const bench = new PumpBench();
  const name = 'n'.repeat(64);
  bench.control(
    {
      do: 'createTopic',
      topic: 1,
      name,
      isPaused: false,
      isStarted: true,
      isReplicated: false,
      policy: bench.topicPolicy,
    },
    10,
  );
  bench.settle();

  assert.deepStrictEqual(bench.disk.take(), [`OPEN 1 ${name}`]);
});

test('PumpControl: a topic that is not started keeps what is published until it is', () => {
  const bench = new PumpBench();
  bench.request({
    do: 'createTopic',
    topic: 1,
    name: 't',
    isPaused: false,
    isStarted: false,
    isReplicated: false,
    policy: bench.topicPolicy,
  });
  bench.request({
    do: 'createChannel',
    topic: 1,
    channel: 10,
    name: 'c',
    isPaused: false,
    policy: bench.channelPolicy,
  });
  bench.subscribe(10, 7, 10);
  bench.publish(1, ['a']);
  bench.settle();
  const before = bench.bodies(7);
  bench.request({ do: 'startTopic', topic: 1 });

  assert.deepStrictEqual([before, bench.bodies(7)], [[], ['a']]);
});

test('PumpControl: a paused topic keeps what is published until it goes on', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 10);
  bench.request({ do: 'pauseTopic', topic: 1, isPaused: true, isTold: true });
  bench.publish(1, ['a']);
  bench.settle();
  const before = bench.bodies(7);
  bench.request({ do: 'pauseTopic', topic: 1, isPaused: false, isTold: true });

  assert.deepStrictEqual([before, bench.bodies(7)], [[], ['a']]);
});

test('PumpControl: a paused channel keeps its messages, other channels go on', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c', 'd');
  bench.subscribe(10, 7, 10);
  bench.subscribe(11, 8, 10);
  bench.request({ do: 'pauseChannel', topic: 1, channel: 10, isPaused: true, isTold: true });
  bench.publish(1, ['a']);
  bench.settle();
  const before = [bench.bodies(7), bench.bodies(8)];
  bench.request({ do: 'pauseChannel', topic: 1, channel: 10, isPaused: false, isTold: true });

  assert.deepStrictEqual([before, bench.bodies(7)], [[[], ['a']], ['a']]);
});

test('PumpControl: emptying a topic leaves its channels alone, and waits for the files', () => {
  const bench = new PumpBench();
  bench.createTopic(1);
  bench.publish(1, ['a', 'b']);
  serve(bench);
  const token = bench.control({ do: 'emptyTopic', topic: 1 });
  bench.settle();
  const before = replyTo(bench, token);
  const requests = serve(bench);
  bench.request({
    do: 'createChannel',
    topic: 1,
    channel: 10,
    name: 'c',
    isPaused: false,
    policy: bench.channelPolicy,
  });
  bench.publish(1, ['c']);
  bench.subscribe(10, 7, 10);

  assert.deepStrictEqual([before, requests], [undefined, ['EMPTY_QUEUE 1']]);
  assert.deepStrictEqual([replyTo(bench, token), bench.bodies(7)], [null, ['c']]);
});

test('PumpControl: emptying a channel drops what is in flight; FIN of it fails, RDY goes on', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1);
  bench.publish(1, ['a', 'b']);
  serve(bench);
  const [{ id }] = bench.got(7);
  bench.control({ do: 'emptyChannel', topic: 1, channel: 10 });
  bench.finish(7, id);
  bench.publish(1, ['c']);

  serve(bench);

  assert.deepStrictEqual(bench.bodies(7), ['a', 'c']);
  assert.deepStrictEqual(
    bench.heard.filter((heard) => 'refused' in heard),
    [{ refused: id, consumer: 7, command: 'FIN', reason: 'not found' }],
  );
  assert.deepStrictEqual(bench.stats().channels[0].counters.inFlightCount, 1);
});

test('PumpControl: deleting a channel ends its consumers, and its files', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1);
  bench.publish(1, ['a', 'b']);
  serve(bench);
  const token = bench.control({ do: 'deleteChannel', topic: 1, channel: 10 });
  bench.finish(7, bench.got(7)[0].id);
  bench.ready(7, 100);

  const requests = serve(bench);

  assert.deepStrictEqual([requests, replyTo(bench, token)], [['DELETE 2'], null]);
  assert.deepStrictEqual([bench.stats().channels, bench.bodies(7)], [[], ['a']]);
  assert.equal(bench.loop.state.inFlight.count, 0);
});

test('PumpControl: deleting a topic waits for all of its queues, and tells of what went wrong', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c', 'd');
  serve(bench);
  const token = bench.control({ do: 'deleteTopic', topic: 1 });
  bench.settle();
  const requests = bench.disk.take();
  bench.disk.deleted(2, 'unlink: EIO');
  bench.disk.deleted(3);
  bench.settle();
  const before = replyTo(bench, token);
  bench.disk.deleted(1);
  bench.settle();

  assert.deepStrictEqual(requests.sort(), ['DELETE 1', 'DELETE 2', 'DELETE 3']);
  assert.deepStrictEqual([before, replyTo(bench, token)], [undefined, 'unlink: EIO']);
});

test('PumpControl: a topic with many channels is deleted over several turns, and gone at once', () => {
  const bench = new PumpBench();
  const names = Array.from({ length: 1000 }, (_, index) => `c${index}#ephemeral`);
  bench.createTopic(1, ...names);
  bench.disk.opened(1);
  bench.settle();
  const token = bench.control({ do: 'deleteTopic', topic: 1 });
  bench.publish(1, ['a'], { token: 5 });

  bench.step();

  const { topics, channels } = bench.loop.state;
  const left = channels.size;
  assert.ok(left > 0 && left < 1000, `${left} channels are left`);
  assert.equal(topics.size, 0);
  assert.deepStrictEqual(bench.heard.at(-1), { answer: 5, error: 'exiting' });
  bench.settle();
  assert.equal(channels.size, 0);
  bench.disk.deleted(1);
  bench.settle();
  assert.equal(replyTo(bench, token), null);
});

test('PumpControl: the files of a deleted topic go before one of its name is created', () => {
  const bench = new PumpBench();
  const names = Array.from({ length: 1000 }, (_, index) => `c${index}`);
  bench.createTopic(1, ...names);
  bench.disk.take();
  bench.control({ do: 'deleteTopic', topic: 1 });
  const policy = bench.topicPolicy;
  const created = {
    topic: 9,
    name: 't1',
    isPaused: false,
    isStarted: true,
    isReplicated: false,
    policy,
  };

  bench.control({ do: 'createTopic', ...created });
  bench.settle();

  const requests = bench.disk.take();
  assert.equal(requests.length, 1002);
  assert.deepStrictEqual(
    requests.slice(0, -1).map((text) => text.split(' ')[0]),
    Array(1001).fill('DELETE'),
  );
  assert.match(requests[1001], /^OPEN \d+ t1$/);
});

test('PumpControl: the latencies of many channels are read over several turns', () => {
  const bench = new PumpBench({ percentiles: [1] });
  const numbers = Array.from({ length: 200 }, (_, index) => 10 + index);
  bench.createTopic(1, ...numbers.map((number) => `c${number}#ephemeral`));
  for (const number of numbers) bench.subscribe(number, 1000 + number, 1);
  bench.publish(1, ['a']);
  bench.settle();
  for (const number of numbers) {
    bench.finish(1000 + number, ...bench.got(1000 + number).map(({ id }) => id));
  }
  bench.settle();
  const token = bench.control({ do: 'stats', topics: [1], channels: [], consumers: [] });

  bench.step();
  const early = bench.heard.some((heard) => 'reply' in heard && heard.reply === token);
  bench.settle();

  const reply = bench.heard.find((heard) => 'reply' in heard && heard.reply === token);
  assert.equal(early, false);
  assert.ok(reply !== undefined && 'counts' in reply);
  assert.equal(reply.counts?.topics[0].latency?.count, 200);
});

test('PumpControl: the end waits for no turn of a deletion', () => {
  const bench = new PumpBench();
  bench.createTopic(1, ...Array.from({ length: 1000 }, (_, index) => `c${index}#ephemeral`));
  bench.control({ do: 'deleteTopic', topic: 1 });
  bench.control({ do: 'close' });

  bench.step();

  assert.equal(bench.loop.state.channels.size, 0);
});

test('PumpControl: what is published to a topic that was deleted is answered with exiting', () => {
  const bench = new PumpBench();
  bench.createTopic(1);
  bench.control({ do: 'deleteTopic', topic: 1 });
  bench.publish(1, ['a']);
  bench.publish(1, ['b'], { token: 5 });

  const heard = bench.settle();

  assert.deepStrictEqual(heard, [{ answer: 5, error: 'exiting' }]);
});

test('PumpControl: a consumer gets nothing after CLS, and may still answer', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1);
  bench.publish(1, ['a', 'b']);
  bench.settle();
  bench.request({ do: 'stopConsumer', consumer: 7 });
  bench.finish(7, bench.got(7)[0].id);
  bench.settle();

  const { consumers } = bench.stats();

  assert.deepStrictEqual(bench.bodies(7), ['a']);
  assert.deepStrictEqual(consumers, [
    {
      number: 7,
      counters: {
        readyCount: 0,
        inFlightCount: 0,
        messageCount: 1,
        finishCount: 1,
        requeueCount: 0,
      },
    },
  ]);
});

test('PumpControl: what a consumer that left had in flight comes again after its timeout', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c');
  bench.subscribe(10, 7, 1, 100);
  bench.publish(1, ['a']);
  bench.settle();
  bench.request({ do: 'unsubscribe', consumer: 7 });
  bench.request({ do: 'unsubscribe', consumer: 7 });
  bench.subscribe(10, 8, 1);
  const deadlineMs = bench.loop.nextDeadlineMs;
  bench.nowMs = 100;
  bench.settle();

  assert.deepStrictEqual([deadlineMs, bench.got(8).map(({ attempts }) => attempts)], [100, [2]]);
});

test('PumpControl: counters are of what was asked for, as far as it is there', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 3 } });
  bench.createTopic(1, 'c');
  bench.createTopic(2);
  bench.subscribe(10, 7, 2, 100);
  bench.publish(1, ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'], { deferMs: 0 });
  bench.publish(1, ['later'], { deferMs: 500 });
  bench.publish(2, ['xyz']);
  bench.settle();
  bench.requeue(7, bench.got(7)[0].id, 1000);
  bench.settle();

  const all = bench.stats();
  const some = bench.request({
    do: 'stats',
    topics: [2, 99],
    channels: [99, 10],
    consumers: [99],
  });

  const first = {
    number: 1,
    counters: {
      depth: 0,
      backendDepth: 0,
      messageCount: 7,
      ...newTopicTallies(),
      messageBytes: 17,
      droppedCount: 0,
      expiredCount: 0,
      deadLetterCount: 0,
      deduplicatedCount: 0,
    },
    latency: null,
  };
  const second = {
    number: 2,
    counters: {
      depth: 1,
      backendDepth: 0,
      messageCount: 1,
      ...newTopicTallies(),
      messageBytes: 3,
      droppedCount: 0,
      expiredCount: 0,
      deadLetterCount: 0,
      deduplicatedCount: 0,
    },
    latency: null,
  };
  const channel = {
    number: 10,
    counters: {
      depth: 3,
      backendDepth: 3,
      inFlightCount: 2,
      deferredCount: 2,
      messageCount: 7,
      ...newChannelTallies(),
      requeueCount: 1,
      droppedCount: 0,
      expiredCount: 0,
      deadLetterCount: 0,
      exhaustedCount: 0,
      throttledCount: 0,
      takenCounts: { zone: 0, region: 0, global: 3 },
    },
    latency: null,
  };
  assert.deepStrictEqual([all.topics, all.channels], [[first, second], [channel]]);
  assert.deepStrictEqual('counts' in some && some.counts, {
    topics: [second],
    channels: [channel],
    consumers: [],
  });
});

test('PumpControl: settle is replied to when the disks have answered everything', () => {
  const bench = new PumpBench({ policy: { memQueueSize: 0 } });
  bench.createTopic(1);
  bench.publish(1, ['a']);
  const token = bench.control({ do: 'settle' });
  const replies: unknown[] = [];
  bench.settle();
  replies.push(replyTo(bench, token));
  bench.disk.opened(1);
  bench.settle();
  replies.push(replyTo(bench, token));
  bench.disk.appendedOk(1, 1);
  bench.settle();

  replies.push(replyTo(bench, token));

  assert.deepStrictEqual(replies, [undefined, undefined, null]);
});

test('PumpControl: naming what does not exist is a bug', () => {
  for (const request of [
    { do: 'emptyTopic', topic: 9 } as const,
    { do: 'emptyChannel', topic: 9, channel: 90 } as const,
  ]) {
    const bench = new PumpBench();
    bench.control(request);

    assert.throws(() => bench.step(), /main names only/);
  }
});

test('PumpControl: close puts everything on disk, ends the disk thread, replies, and is done', () => {
  const bench = new PumpBench();
  bench.createTopic(1, 'c', 'd#ephemeral');
  bench.createTopic(2);
  bench.subscribe(10, 7, 1);
  bench.publish(1, ['a', 'b']);
  bench.publish(1, ['deferred'], { deferMs: 1000 });
  bench.publish(2, ['c']);
  serve(bench);
  const token = bench.control({ do: 'close' });

  const requests = serve(bench);

  assert.deepStrictEqual(requests, [
    `APPEND 2 a deferred@${UNIX_MS + 1000} b`,
    'CLOSE 1',
    'APPEND 3 c',
    'CLOSE 2',
    'CLOSE 3',
    'END',
  ]);
  assert.deepStrictEqual(
    bench.disk.appended.map(({ body, attempts }) => `${body} ${attempts}`),
    ['a 1', 'deferred 0', 'b 0', 'c 0'],
  );
  assert.deepStrictEqual([replyTo(bench, token), bench.loop.isDone], [null, true]);
});

test('PumpControl: close waits for a queue that cannot be closed yet', () => {
  const bench = new PumpBench();
  bench.createTopic(1);
  serve(bench);
  const token = bench.control({ do: 'close' });
  bench.settle();
  bench.disk.take();
  bench.disk.closed(1, 'sync t1: EIO');
  bench.settle();
  const wasDone = bench.loop.isDone;
  bench.nowMs += 1000;
  serve(bench);

  assert.deepStrictEqual([wasDone, replyTo(bench, token), bench.loop.isDone], [false, null, true]);
});
