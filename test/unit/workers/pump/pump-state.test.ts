import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateRing } from '../../../../src/shared/ring/ring.ts';
import type { ChannelPolicy } from '../../../../src/shared/topic-policy.ts';
import { DiskLink } from '../../../../src/workers/pump/backend/disk-link.ts';
import type { Channel } from '../../../../src/workers/pump/channel.ts';
import { Consumer } from '../../../../src/workers/pump/consumer.ts';
import { PumpMeter } from '../../../../src/workers/pump/pump-meter.ts';
import { PumpState } from '../../../../src/workers/pump/pump-state.ts';
import { TimeSlice } from '../../../../src/workers/pump/time-slice.ts';
import type { Topic } from '../../../../src/workers/pump/topic.ts';
import { WallClock } from '../../../../src/workers/pump/wall-clock.ts';
import { DeliverySide } from '../../../support/delivery-side.ts';
import { DiskSide } from '../../../support/disk-side.ts';
import { meteredThread } from '../../../support/metered-thread.ts';
import { putInStore } from '../../../support/pump-parts.ts';
import { channelPolicyWith, policyWith } from '../../../support/topic-policies.ts';

const UNIX_MS = 1_000_000_000;
const LIMIT = 4096;

/** The state of a pump thread whose disk and main the test plays. */
class Side {
  readonly disk = new DiskSide();
  readonly link: DiskLink;
  readonly main: DeliverySide;
  readonly state: PumpState;
  /** Channels with the number of their messages that have timed out. */
  readonly timeouts: [channel: number, count: number][] = [];
  nowMs = 0;
  /** The time that passes whenever the state looks. */
  tickMs = 0;
  readonly time = new TimeSlice(() => {
    this.nowMs += this.tickMs;
    return this.nowMs;
  });

  constructor(ringBytes = 1024 * 1024) {
    this.main = new DeliverySide(allocateRing(ringBytes));
    const { requests, replies, bell } = this.disk.link;
    this.link = new DiskLink(requests, replies, bell, () => undefined);
    const unixMs = (): number => UNIX_MS + this.nowMs;
    this.state = new PumpState({
      links: [this.link],
      streams: null,
      deliveries: this.main.producer,
      nodeId: 1,
      memoryBudgetBytes: Number.POSITIVE_INFINITY,
      wallClock: new WallClock(unixMs, () => this.nowMs),
      maxMsgTimeoutMs: 900_000,
      latencyWindow: null,
      meter: new PumpMeter(meteredThread(), unixMs),
      random: () => 0,
      nowMs: 0,
      backlogBounds: undefined,
      fanOutBounds: undefined,
      onHeld: () => undefined,
      onBackendHealth: () => undefined,
      onTimeouts: (channel, count) => this.timeouts.push([channel, count]),
    });
  }

  /** A topic that passes its messages on, without files. */
  addTopic(number: number): Topic {
    this.state.addTopic(number, `t${number}#ephemeral`, false, true, false, policyWith());
    const topic = this.state.topic(number);
    assert.ok(topic !== undefined);
    return topic;
  }

  /** A channel without files. */
  addChannel(topic: Topic, number: number, policy: Partial<ChannelPolicy> = {}): Channel {
    const name = `c${number}#ephemeral`;
    this.state.addChannel(topic, number, name, false, channelPolicyWith(policy), this.nowMs);
    const channel = this.state.channels.get(number);
    assert.ok(channel !== undefined);
    return channel;
  }

  /** A consumer that takes so many messages. */
  addConsumer(
    channel: Channel,
    number: number,
    readyCount = 100,
    timeoutMs = 60_000,
    windowBytes = 1024 * 1024,
  ): Consumer {
    const consumer = new Consumer(number, channel.number, timeoutMs, 0, windowBytes, 'global');
    this.state.addConsumer(channel, consumer);
    consumer.readyCount = readyCount;
    channel.onCapacity(consumer);
    return consumer;
  }

  put(channel: Channel, ...bodies: readonly string[]): void {
    channel.put(putInStore(this.state.store, bodies), bodies.length, null);
  }

  deliver(limit = LIMIT): number {
    return this.state.deliver(limit, this.nowMs, this.time);
  }

  /** The bodies that consumers have got since the last call, each with its consumer's number. */
  got(): string[] {
    this.main.producer.publish();
    return this.main
      .take()
      .flatMap((heard) =>
        'frames' in heard ? heard.frames.map(({ body }) => `${heard.consumer} ${body}`) : [],
      );
  }
}

test('PumpState: finds topics, channels and consumers by their numbers', () => {
  const side = new Side();
  const topic = side.addTopic(1);
  const channel = side.addChannel(topic, 10);
  const consumer = side.addConsumer(channel, 100);

  assert.equal(side.state.consumer(100), consumer);
  assert.equal(side.state.channelOf(consumer), channel);
  assert.deepStrictEqual([...channel.consumers], [consumer]);
  assert.deepStrictEqual([side.state.topic(2), side.state.consumer(101)], [undefined, undefined]);
});

test('PumpState: a consumer without its channel is a bug', () => {
  const side = new Side();
  const consumer = new Consumer(5, 99, 1000, 0, 1000, 'global');

  assert.throws(() => side.state.channelOf(consumer), /a consumer has a channel/);
});

test('PumpState: a removed consumer gets no more messages', () => {
  const side = new Side();
  const channel = side.addChannel(side.addTopic(1), 10);
  const consumer = side.addConsumer(channel, 100);
  side.state.removeConsumer(consumer);
  side.put(channel, 'a');
  side.deliver();

  assert.equal(side.state.consumer(100), undefined);
  assert.deepStrictEqual([channel.consumers.size, side.got()], [0, []]);
});

test('PumpState: a channel is removed with its consumers, but not with those of others', () => {
  const side = new Side();
  const topic = side.addTopic(1);
  const [channel, other] = [side.addChannel(topic, 10), side.addChannel(topic, 11)];
  side.addConsumer(channel, 100);
  side.addConsumer(channel, 101);
  side.addConsumer(other, 102);
  side.state.removeChannel(topic, channel);

  assert.deepStrictEqual([...side.state.channels.keys()], [11]);
  assert.deepStrictEqual([...side.state.consumers.keys()], [102]);
});

test('PumpState: the files of a queue carry the names of topic and channel', () => {
  const side = new Side();
  side.state.addTopic(1, 'orders', false, true, false, policyWith());
  const topic = side.state.topic(1);
  assert.ok(topic !== undefined);
  side.state.addChannel(topic, 10, 'mail', false, channelPolicyWith(), 0);

  side.link.flush(0);

  const opened = side.disk.take().map((line) => line.replace(/ \d+ /, ' '));
  assert.deepStrictEqual(opened, ['OPEN orders', 'OPEN orders:mail']);
  assert.equal(side.state.backends.size, 2);
});

test('PumpState: a channel delivers its limit, and the others have their turn before it goes on', () => {
  const side = new Side();
  const topic = side.addTopic(1);
  const [first, second] = [side.addChannel(topic, 10), side.addChannel(topic, 11)];
  for (const number of [100, 101, 102]) side.addConsumer(first, number, 1);
  side.addConsumer(second, 110, 1);
  side.put(first, 'a', 'b', 'c');
  side.put(second, 'x');

  assert.equal(side.deliver(2), 3);
  assert.deepStrictEqual(side.got(), ['100 a', '101 b', '110 x']);
  assert.equal(side.deliver(2), 1);
  assert.deepStrictEqual(side.got(), ['102 c']);
  assert.equal(side.deliver(2), 0);
});

test('PumpState: when its time is over, those that have not had their turn come first', () => {
  const side = new Side();
  const topic = side.addTopic(1);
  const channels = [10, 11, 12].map((number) => side.addChannel(topic, number));
  for (const channel of channels) {
    for (const number of [0, 1]) side.addConsumer(channel, channel.number * 10 + number, 1);
    side.put(channel, 'a', 'b');
  }
  // Each look at the clock takes as long as a part of a turn may.
  side.tickMs = 1;

  assert.equal(side.deliver(1), 2);
  assert.deepStrictEqual(side.got(), ['100 a']);
  assert.equal(side.deliver(1), 2);
  assert.deepStrictEqual(side.got(), ['110 a']);
  side.tickMs = 0;
  side.deliver(1);
  assert.deepStrictEqual(side.got(), ['120 a', '101 b', '111 b']);
});

test('PumpState: when the ring is full, the others keep their places before the channel that met it', () => {
  const side = new Side(2048);
  const topic = side.addTopic(1);
  const [first, second] = [side.addChannel(topic, 10), side.addChannel(topic, 11)];
  for (const number of [100, 101, 102, 103]) side.addConsumer(first, number, 1, 60_000, 700);
  side.addConsumer(second, 110, 1, 60_000, 700);
  const bodies = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(600));
  side.put(first, ...bodies);
  side.put(second, 'x');

  assert.equal(side.deliver(), 0);
  const before = side.got();
  side.deliver();
  const after = side.got();

  assert.deepStrictEqual(
    [...before, ...after].map((text) => text.slice(0, 5)),
    ['100 a', '101 b', '102 c', '110 x', '103 d'],
  );
});

test('PumpState: the earliest of all deadlines counts', () => {
  const side = new Side();
  assert.equal(side.state.nextDeadlineMs, Number.POSITIVE_INFINITY);
  const channel = side.addChannel(side.addTopic(1), 10);
  side.addConsumer(channel, 100, 1, 5000);
  channel.putDeferred(putInStore(side.state.store, ['later']), 1, 9000, null);
  const deferredMs = side.state.nextDeadlineMs;
  side.put(channel, 'a');
  side.deliver();

  const inFlightMs = side.state.nextDeadlineMs;
  // The timing wheel looks a little earlier.
  assert.ok(deferredMs > 8500 && deferredMs <= 9000, `${deferredMs}`);
  assert.ok(inFlightMs > 4500 && inFlightMs <= 5000, `${inFlightMs}`);
});

test('PumpState: messages that time out and those that are due come again, and time-outs are told to who wants them', () => {
  const side = new Side();
  const topic = side.addTopic(1);
  const [channel, other] = [side.addChannel(topic, 10), side.addChannel(topic, 11)];
  side.addConsumer(channel, 100, 2, 1000);
  side.addConsumer(other, 101, 1, 1000);
  side.put(channel, 'a', 'b');
  side.put(other, 'x');
  side.deliver();
  side.got();
  channel.putDeferred(putInStore(side.state.store, ['later']), 1, 1500, null);
  assert.equal(side.state.fireDeadlines(999), 0);

  side.state.reportsTimeouts = true;
  side.nowMs = 2000;
  assert.equal(side.state.fireDeadlines(2000), 4);
  assert.deepStrictEqual(side.timeouts, [
    [10, 2],
    [11, 1],
  ]);
  assert.deepStrictEqual([channel.inFlightCount, channel.queue.depth], [0, 3]);
  side.deliver();
  assert.equal(side.got().length, 3);
});

test('PumpState: time-outs are not told to nobody', () => {
  const side = new Side();
  const channel = side.addChannel(side.addTopic(1), 10);
  side.addConsumer(channel, 100, 1, 1000);
  side.put(channel, 'a');
  side.deliver();

  assert.equal(side.state.fireDeadlines(2000), 1);
  assert.deepStrictEqual(side.timeouts, []);
});

test('PumpState: a topic hands its messages to its channels when it is drained', () => {
  const side = new Side();
  const topic = side.addTopic(1);
  topic.queue.put(putInStore(side.state.store, ['a', 'b', 'c']), 3, 0, 0, 0, null);
  const channels = [side.addChannel(topic, 10), side.addChannel(topic, 11)];
  assert.equal(topic.isActive, true);

  assert.equal(side.state.drain(2, 0, side.time) >= 2, true);
  while (side.state.drain(2, 0, side.time) > 0);
  assert.equal(topic.isActive, false);
  assert.deepStrictEqual(
    channels.map(({ queue }) => queue.depth),
    [3, 3],
  );
});

test('PumpState: memory of messages counts what is kept about those in flight', () => {
  const side = new Side();
  const channel = side.addChannel(side.addTopic(1), 10);
  side.put(channel, 'a');
  const before = side.state.messageBytes;
  side.addConsumer(channel, 100);
  side.deliver();

  assert.ok(side.state.messageBytes > before);
});
