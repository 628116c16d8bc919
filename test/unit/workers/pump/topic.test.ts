import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageIdFactory } from '../../../../src/shared/message-id.ts';
import { Receipt } from '../../../../src/workers/pump/backend/append-lane.ts';
import { TopicBacklog, WriteBacklog } from '../../../../src/workers/pump/backend/write-backlog.ts';
import { type FanOutBounds, FanOutBudget } from '../../../../src/workers/pump/fan-out.ts';
import { Topic } from '../../../../src/workers/pump/topic.ts';
import { ChannelBench, UNIX_MS } from '../../../support/channel-bench.ts';
import { publishedBytes } from '../../../support/message-bytes.ts';
import { bodiesIn, ListBackend, putInStore, undeliveredOf } from '../../../support/pump-parts.ts';
import { policyWith } from '../../../support/topic-policies.ts';

/** A topic with one channel, and both of their backends. */
class Play {
  readonly bench: ChannelBench;
  readonly backend: ListBackend;
  readonly topic: Topic;
  /** How often the topic has asked for its turn. */
  waitingCount = 0;
  readonly budget: FanOutBudget;

  constructor(
    topicMemory = 1000,
    channelMemory = 1000,
    budgetBytes = Number.POSITIVE_INFINITY,
    bounds?: FanOutBounds,
  ) {
    this.budget = new FanOutBudget(bounds);
    this.bench = new ChannelBench({ memoryMax: channelMemory, budgetBytes });
    const { store } = this.bench;
    this.backend = new ListBackend(store);
    this.topic = new Topic({
      title: 'topic "t"',
      store,
      backend: this.backend,
      memoryMax: topicMemory,
      number: 1,
      name: 't',
      isPaused: false,
      isStarted: true,
      replication: null,
      backlog: new TopicBacklog(new WriteBacklog(), () => undefined),
      ids: new MessageIdFactory(1),
      wallClock: this.bench.wallClock,
      budget: this.budget,
      onWaiting: () => {
        this.waitingCount++;
      },
      timers: this.bench.timers,
      deadLetters: this.bench.deadLetters,
      undelivered: undeliveredOf(store),
      policy: policyWith(),
    });
  }

  addChannel(): this {
    this.topic.addChannel(5, this.bench.channel);
    return this;
  }

  publish(bodies: readonly string[], deferMs = 0, receipt: Receipt | null = null): void {
    const bytes = publishedBytes(bodies);
    const time = { timestampHigh: 395_812_451, timestampLow: 1_000_000 };
    const publication = { bytes, at: 0, count: bodies.length, deferMs, ...time, isToDisk: false };
    this.topic.publish(publication, this.bench.nowMs, receipt);
  }

  /** Has messages on the topic's disk, and fetched. */
  fetched(...bodies: readonly string[]): void {
    for (const body of bodies) {
      this.backend.put(putInStore(this.bench.store, [body]), 1, 0, 0, null);
      this.backend.read();
    }
  }

  finishes(): string[] {
    return this.backend.log.filter((what) => what.startsWith('finish'));
  }
}

test('Topic: without a channel messages wait, and the first channel gets them all', () => {
  const play = new Play();
  play.publish(['a', 'b']);
  const before = [play.topic.isFlowing, play.topic.drain(10, 0), play.topic.queue.depth];
  play.addChannel();

  const drained = play.topic.drain(10, 0);

  assert.deepStrictEqual([before, drained, play.bench.channel.queue.depth], [[false, 0, 2], 2, 2]);
});

test('Topic: counts what is published, bodies only', () => {
  const play = new Play();
  play.publish(['a', 'bcd', '']);
  const counted = [play.topic.messageCount, play.topic.tallies.messageBytes];
  play.topic.unpublish(3, 4);

  assert.deepStrictEqual(
    [counted, play.topic.messageCount, play.topic.tallies.messageBytes],
    [[3, 4], 0, 0],
  );
});

test('Topic: every channel has a reference of its own', () => {
  const play = new Play().addChannel();
  // The same channel under a second number stands for two channels.
  play.topic.addChannel(6, play.bench.channel);
  play.publish(['a']);
  const { queue } = play.bench.channel;
  queue.look();
  const { position } = queue;
  play.bench.store.release(position, 1);

  const bodies = bodiesIn(play.bench.store, position, 1);

  play.bench.store.release(position, 1);
  assert.deepStrictEqual([bodies, queue.depth], [['a'], 2]);
  assert.throws(() => play.bench.store.release(position, 1), /released once for each reference/);
});

test('Topic: what overflows is on disk before its publisher is told, and keeps when it is due', () => {
  const play = new Play(1);
  const settled: (string | null)[] = [];
  const receipt = new Receipt(true, ({ error }) => settled.push(error));
  play.publish(['a', 'b', 'c'], 500, receipt);
  receipt.seal();
  const [{ count }] = play.backend.receipts;
  const before = settled.length;

  receipt.settle(count, null);

  const due = UNIX_MS + 500;
  assert.deepStrictEqual([count, before, settled], [2, 0, [null]]);
  assert.deepStrictEqual(play.backend.puts, [`b 0 ${due}`, `c 0 ${due}`]);
});

test('Topic: a delay starts when the message reaches a channel', () => {
  const play = new Play().addChannel();
  play.topic.isPaused = true;
  play.publish(['a'], 500);
  play.bench.advance(400);
  play.topic.isPaused = false;
  play.topic.drain(10, play.bench.nowMs);
  play.bench.advance(499);
  const early = play.bench.channel.queue.depth;
  play.bench.advance(1);

  assert.deepStrictEqual([early, play.bench.channel.queue.depth], [0, 1]);
});

test('Topic: drains up to its limit', () => {
  const play = new Play();
  play.publish(['a', 'b', 'c', 'd', 'e']);
  play.addChannel();

  const drained = [play.topic.drain(2, 0), play.topic.drain(2, 0), play.topic.drain(2, 0)];

  assert.deepStrictEqual(drained, [2, 2, 1]);
});

test("Topic: what was read from its files goes to the channels' files, whatever room memory has", () => {
  const play = new Play().addChannel();
  play.fetched('a', 'b');
  play.topic.drain(10, 0);

  assert.deepStrictEqual(play.bench.backend.puts, ['a 0 0', 'b 0 0']);
  assert.deepStrictEqual([play.finishes(), play.bench.channel.messageCount], [[], 2]);
  assert.deepStrictEqual([play.topic.depth, play.topic.transfers.count], [0, 2]);
});

test('Topic: a record is finished when the files of every channel have the message', () => {
  const play = new Play(1000, 0).addChannel();
  // The same channel under a second number stands for two channels.
  play.topic.addChannel(6, play.bench.channel);
  play.fetched('a');
  play.topic.drain(1, 0);
  play.fetched('b');
  play.topic.drain(1, 0);
  const [a, a2, b, b2] = play.bench.backend.receipts;
  const steps: string[][] = [];
  for (const { receipt } of [b, a, b2, a2]) {
    receipt.settle(1, null);
    steps.push(play.finishes());
  }
  play.bench.backend.forget();

  assert.deepStrictEqual(steps, [[], [], ['finish 1'], ['finish 1', 'finish 0']]);
  assert.deepStrictEqual([play.topic.transfers.count, play.bench.store.referenceCount], [0, 0]);
});

test('Topic: what was on its way when the topic was emptied is not finished in the empty files', () => {
  const play = new Play(1000, 0).addChannel();
  play.fetched('a');
  play.topic.drain(10, 0);
  play.topic.empty(() => undefined);

  play.bench.backend.receipts[0].receipt.settle(1, null);
  play.bench.backend.forget();

  assert.deepStrictEqual([play.finishes(), play.topic.transfers.count], [[], 0]);
  assert.equal(play.bench.store.referenceCount, 0);
});

test('Topic: its files are closed once the channels have written what was read from them', () => {
  const play = new Play(1000, 0).addChannel();
  play.fetched('a', 'b');
  play.topic.drain(1, 0);
  play.topic.close(() => undefined);
  const before = [play.topic.drain(10, 0), play.backend.log.includes('close')];

  play.bench.backend.receipts[0].receipt.settle(1, null);

  assert.deepStrictEqual(before, [0, false]);
  assert.deepStrictEqual(play.backend.log.slice(-2), ['finish 0', 'close']);
});

test('Topic: a close keeps what waits in memory, with the delays from now on', () => {
  const play = new Play();
  play.publish(['a']);
  play.publish(['b'], 500);
  play.bench.advance(100);
  play.topic.close(() => undefined);
  play.backend.forget();

  assert.deepStrictEqual(play.backend.puts, ['a 0 0', `b 0 ${UNIX_MS + 600}`]);
  assert.equal(play.bench.store.referenceCount, 0);
});

test('Topic: goes on reading when memory is full only while nothing is on its way', () => {
  const play = new Play(1000, 0, 0).addChannel();
  const steps = [play.topic.mayRead];
  play.fetched('a');
  play.topic.drain(10, 0);
  steps.push(play.topic.mayRead);
  play.bench.backend.receipts[0].receipt.settle(1, null);

  steps.push(play.topic.mayRead);

  assert.deepStrictEqual(steps, [true, false, true]);
});

test('Topic: reads on after a transfer only for channels, and only when all that it read is on its way', () => {
  const play = new Play(1000, 0).addChannel();
  play.fetched('a', 'b');
  play.topic.drain(1, 0);
  play.backend.put(putInStore(play.bench.store, ['c']), 1, 0, 0, null);
  play.bench.backend.receipts[0].receipt.settle(1, null);
  const demands = (): number => play.backend.log.filter((what) => what === 'demand').length;
  const steps = [demands()];
  play.topic.drain(1, 0);
  play.topic.isPaused = true;
  play.bench.backend.receipts[1].receipt.settle(1, null);
  steps.push(demands());

  assert.deepStrictEqual(steps, [0, 0]);
});

/** A topic with this many channels, of which two get a run at once and three are served in a turn. */
class ManyChannels {
  readonly bench = new ChannelBench({ memoryMax: 1000 });
  readonly budget = new FanOutBudget({ atOnce: 2, perTurn: 3 });
  readonly topic: Topic;
  readonly holding = { isHeld: false };
  readonly backend = new ListBackend(this.bench.store);
  /** What each channel got, by its number. */
  readonly got: [channel: number, bodies: string[], dueMs: number][] = [];
  waitingCount = 0;

  constructor(channels: number) {
    const { store } = this.bench;
    const backlog = new TopicBacklog(new WriteBacklog(), () => undefined);
    Object.defineProperty(backlog, 'isHeld', { get: () => this.holding.isHeld });
    this.topic = new Topic({
      title: 'topic "t"',
      store,
      backend: this.backend,
      memoryMax: 1000,
      number: 1,
      name: 't',
      isPaused: false,
      isStarted: true,
      replication: null,
      backlog,
      ids: new MessageIdFactory(1),
      wallClock: this.bench.wallClock,
      budget: this.budget,
      onWaiting: () => {
        this.waitingCount++;
      },
      timers: this.bench.timers,
      deadLetters: this.bench.deadLetters,
      undelivered: undeliveredOf(store),
      policy: policyWith(),
    });
    for (let number = 1; number <= channels; number++) this.addChannel(number);
  }

  addChannel(number: number): void {
    const { store } = this.bench;
    const take = (position: number, count: number, dueMs: number): void => {
      this.got.push([number, bodiesIn(store, position, count), dueMs]);
      store.release(position, count);
    };
    const channel = Object.create(this.bench.channel, {
      number: { value: number },
      put: { value: (position: number, count: number) => take(position, count, 0) },
      putDeferred: { value: take },
    });
    this.topic.addChannel(number, channel);
  }

  publish(bodies: readonly string[], deferMs = 0, receipt: Receipt | null = null): void {
    const bytes = publishedBytes(bodies);
    const time = { timestampHigh: 395_812_451, timestampLow: 1_000_000 };
    const publication = { bytes, at: 0, count: bodies.length, deferMs, ...time, isToDisk: false };
    this.topic.publish(publication, 0, receipt);
  }

  /** A turn of the pump at this time. Returns the channels that got something in it. */
  turn(nowMs = 0): number[] {
    const before = this.got.length;
    this.budget.renew();
    this.topic.drain(100, nowMs);
    return this.got.slice(before).map(([number]) => number);
  }
}

test('Topic: a run goes to many channels in several turns, and what is behind it waits for it', () => {
  const play = new ManyChannels(7);
  play.publish(['a', 'b']);
  play.publish(['c']);
  const before = [play.got.map(([number]) => number), play.topic.depth, play.topic.isInterrupted];

  const turns = [play.turn(), play.turn(), play.turn(), play.turn(), play.turn()];

  assert.deepStrictEqual(before, [[1, 2, 3], 1, true]);
  // The rest of a turn is for the next run.
  assert.deepStrictEqual(turns, [[4, 5, 6], [7, 1, 2], [3, 4, 5], [6, 7], []]);
  const bodies = play.got.map(([, texts]) => texts.join());
  assert.deepStrictEqual(bodies, [...Array(7).fill('a,b'), ...Array(7).fill('c')]);
  assert.deepStrictEqual([play.topic.isInterrupted, play.bench.store.referenceCount], [false, 0]);
});

test('Topic: deferred messages in its files are asked for after a turn that was used up', () => {
  const play = new ManyChannels(3);
  play.budget.left = 0;
  const before = play.topic.isInterrupted;
  play.backend.deferredCount = 1;

  const after = play.topic.isInterrupted;
  play.turn();

  assert.deepStrictEqual([before, after, play.topic.isInterrupted], [false, true, false]);
});

test('Topic: channels that come or go meanwhile get nothing, and the others one copy each', () => {
  const play = new ManyChannels(8);
  play.publish(['a']);

  play.topic.removeChannel(2);
  play.topic.removeChannel(4);
  play.topic.removeChannel(8);
  play.addChannel(9);
  play.turn();
  play.turn();

  assert.deepStrictEqual(
    play.got.map(([number]) => number),
    [1, 2, 3, 5, 6, 7],
  );
  assert.deepStrictEqual([play.topic.isHandingOver, play.bench.store.referenceCount], [false, 0]);
});

test('Topic: a run stops while the topic has much on its way to the disk', () => {
  const play = new ManyChannels(5);
  play.holding.isHeld = true;
  play.publish(['a']);
  const held = [play.got.length, play.turn(), play.topic.isInterrupted];

  play.holding.isHeld = false;

  assert.deepStrictEqual(held, [1, [], false]);
  assert.deepStrictEqual([play.turn(), play.turn()], [[2, 3, 4], [5]]);
});

test('Topic: a publisher that waits is told when all channels have what it has sent', () => {
  const play = new ManyChannels(5);
  const settled: (string | null)[] = [];
  const receipt = new Receipt(true, ({ error }) => settled.push(error));
  play.publish(['a'], 0, receipt);
  receipt.seal();
  const before = settled.length;

  play.turn();

  assert.deepStrictEqual([before, settled], [0, [null]]);
});

test('Topic: a delay that is over on the way is over', () => {
  const play = new ManyChannels(7);
  play.publish(['a'], 500);

  play.turn(499);
  play.turn(500);

  assert.deepStrictEqual(
    play.got.map(([, , dueMs]) => dueMs),
    [500, 500, 500, 500, 500, 500, 0],
  );
});

test('Topic: at its end all channels get what is on its way, and nobody when they are deleted', () => {
  const closing = new ManyChannels(9);
  closing.publish(['a'], 500);
  closing.holding.isHeld = true;
  const deleting = new ManyChannels(9);
  deleting.publish(['a']);

  closing.topic.finishFanOut();
  deleting.topic.dropFanOut();

  assert.deepStrictEqual(
    closing.got.map(([number, , dueMs]) => [number, dueMs]),
    Array.from({ length: 9 }, (_, index) => [index + 1, 500]),
  );
  assert.equal(deleting.got.length, 3);
  for (const { bench, topic } of [closing, deleting]) {
    assert.deepStrictEqual([topic.isHandingOver, bench.store.referenceCount], [false, 0]);
  }
});

test('Topic: what is on its way counts for the bounds of the channels', () => {
  const play = new ManyChannels(5);
  play.bench.channel.queue.refusalOf = (count, bytes) => `${count} ${bytes}`;
  const before = play.topic.refusalOf(1, 30);

  play.publish(['a', 'b']);
  play.publish(['c']);

  // A record has a size and a header of 26 bytes.
  assert.deepStrictEqual([before, play.topic.refusalOf(1, 30)], ['1 30', `4 ${30 + 2 * 31}`]);
});
