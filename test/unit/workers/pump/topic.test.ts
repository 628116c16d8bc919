import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageIdFactory } from '../../../../src/workers/pump/message-id-factory.ts';
import { Receipt } from '../../../../src/workers/pump/receipt.ts';
import { Topic } from '../../../../src/workers/pump/topic.ts';
import { ChannelBench } from '../../../support/channel-bench.ts';
import { publishedBytes } from '../../../support/message-bytes.ts';
import { bodiesIn, ListBackend, putInStore } from '../../../support/pump-parts.ts';

/** A topic with one channel, and both of their backends. */
class Play {
  readonly bench: ChannelBench;
  readonly backend: ListBackend;
  readonly topic: Topic;

  constructor(topicMemory = 1000, channelMemory = 1000) {
    this.bench = new ChannelBench({ memoryMax: channelMemory });
    const { store } = this.bench;
    this.backend = new ListBackend(store);
    const ids = new MessageIdFactory(1);
    this.topic = new Topic(1, 't', false, true, this.backend, topicMemory, store, ids);
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

  /** Has messages on the topic's disk, read ahead one by one. */
  readAhead(...bodies: readonly string[]): void {
    for (const body of bodies) {
      this.backend.put(putInStore(this.bench.store, [body]), 1, 0, null);
      this.backend.read();
      // A message of somebody else's keeps the next one from joining this run.
      putInStore(this.bench.store, ['gap']);
    }
  }

  releases(): string[] {
    return this.backend.log.filter((what) => what.startsWith('release'));
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

test('Topic: what overflows is on disk before its publisher is told; a delay is lost on the way', () => {
  const play = new Play(1);
  const settled: (string | null)[] = [];
  const receipt = new Receipt(true, ({ error }) => settled.push(error));
  play.publish(['a', 'b', 'c'], 500, receipt);
  receipt.seal();
  const [{ count }] = play.backend.receipts;
  const before = settled.length;
  receipt.settle(count, null);
  play.addChannel();
  play.backend.read();
  play.topic.drain(10, 0);

  const { deferredCount, queue } = play.bench.channel;
  assert.deepStrictEqual([count, before, settled], [2, 0, [null]]);
  assert.deepStrictEqual([deferredCount, queue.depth], [1, 2]);
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

test('Topic: what the channels have in memory is released from the files at once', () => {
  const play = new Play().addChannel();
  play.readAhead('a', 'b');
  play.topic.drain(10, 0);

  assert.deepStrictEqual(play.releases(), ['release 1', 'release 1']);
});

test('Topic: what the channels have to write is released from the files when it is written, in order', () => {
  const play = new Play(1000, 0).addChannel();
  play.readAhead('a', 'b', 'c');
  play.topic.drain(10, 0);
  const [a, b, c] = play.bench.backend.receipts;
  const steps: string[][] = [play.releases()];
  for (const { receipt } of [b, a, c]) {
    receipt.settle(1, null);
    steps.push(play.releases());
  }

  assert.deepStrictEqual(steps, [[], [], ['release 2'], ['release 2', 'release 1']]);
});

test('Topic: what was on its way when the topic was emptied is not released from the empty files', () => {
  const play = new Play(1000, 0).addChannel();
  play.readAhead('a');
  play.topic.drain(10, 0);
  play.topic.empty(() => undefined);

  play.bench.backend.receipts[0].receipt.settle(1, null);

  assert.deepStrictEqual(play.releases(), []);
});

test('Topic: its files are closed once the channels have written what was read from them', () => {
  const play = new Play(1000, 0).addChannel();
  play.readAhead('a', 'b');
  play.topic.drain(1, 0);
  play.topic.close(() => undefined);
  const before = [play.topic.drain(10, 0), play.backend.log.includes('close')];

  play.bench.backend.receipts[0].receipt.settle(1, null);

  assert.deepStrictEqual(before, [0, false]);
  assert.deepStrictEqual(play.backend.log.slice(-2), ['release 1', 'close']);
});
