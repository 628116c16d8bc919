import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt } from '../../../../src/workers/pump/backend/receipt.ts';
import { TopicBacklog, WriteBacklog } from '../../../../src/workers/pump/backend/write-backlog.ts';
import { MessageIdFactory } from '../../../../src/workers/pump/message-id-factory.ts';
import { Topic } from '../../../../src/workers/pump/topic.ts';
import { ChannelBench, UNIX_MS } from '../../../support/channel-bench.ts';
import { publishedBytes } from '../../../support/message-bytes.ts';
import { bodiesIn, ListBackend, putInStore } from '../../../support/pump-parts.ts';

/** A topic with one channel, and both of their backends. */
class Play {
  readonly bench: ChannelBench;
  readonly backend: ListBackend;
  readonly topic: Topic;

  constructor(topicMemory = 1000, channelMemory = 1000, budgetBytes = Number.POSITIVE_INFINITY) {
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
      backlog: new TopicBacklog(new WriteBacklog(), () => undefined),
      ids: new MessageIdFactory(1),
      wallClock: this.bench.wallClock,
    });
  }

  addChannel(): this {
    this.topic.channels.set(5, this.bench.channel);
    return this;
  }

  publish(bodies: readonly string[], deferMs = 0, receipt: Receipt | null = null): void {
    const bytes = publishedBytes(bodies);
    const time = { timestampHigh: 395_812_451, timestampLow: 1_000_000 };
    const publication = { bytes, at: 0, count: bodies.length, deferMs, ...time };
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
  const counted = [play.topic.messageCount, play.topic.messageBytes];
  play.topic.unpublish(3, 4);

  assert.deepStrictEqual(
    [counted, play.topic.messageCount, play.topic.messageBytes],
    [[3, 4], 0, 0],
  );
});

test('Topic: every channel has a reference of its own', () => {
  const play = new Play().addChannel();
  // The same channel under a second number stands for two channels.
  play.topic.channels.set(6, play.bench.channel);
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
  assert.deepStrictEqual([play.topic.depth, play.topic.transferCount], [0, 2]);
});

test('Topic: a record is finished when the files of every channel have the message', () => {
  const play = new Play(1000, 0).addChannel();
  // The same channel under a second number stands for two channels.
  play.topic.channels.set(6, play.bench.channel);
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
  assert.deepStrictEqual([play.topic.transferCount, play.bench.store.referenceCount], [0, 0]);
});

test('Topic: what was on its way when the topic was emptied is not finished in the empty files', () => {
  const play = new Play(1000, 0).addChannel();
  play.fetched('a');
  play.topic.drain(10, 0);
  play.topic.empty(() => undefined);

  play.bench.backend.receipts[0].receipt.settle(1, null);
  play.bench.backend.forget();

  assert.deepStrictEqual([play.finishes(), play.topic.transferCount], [[], 0]);
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
