/**
 * Watches one pump from within: stands in front of the methods by which messages change places, carries every
 * change out on the ledger's models too, and compares both at the end of each turn. What is delivered is read
 * from the deliver ring before main sees it.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import { readUint32 } from '../../src/shared/big-endian.ts';
import { MESSAGE_HEADER_BYTES, SIZE_BYTES } from '../../src/shared/limits.ts';
import * as records from '../../src/shared/records.ts';
import { EMPTY, RingReader } from '../../src/shared/ring/ring.ts';
import { DiskBackend } from '../../src/workers/pump/backend/disk-backend.ts';
import { NullBackend } from '../../src/workers/pump/backend/null-backend.ts';
import type { Channel } from '../../src/workers/pump/channel.ts';
import type { MessageQueue } from '../../src/workers/pump/message-queue.ts';
import type { PumpLoop } from '../../src/workers/pump/pump-loop.ts';
import type { Topic } from '../../src/workers/pump/topic.ts';
import { type DeliveredMessage, idText, keysOfBodies, parseFrames } from './bodies.ts';
import { assertRoundedUp, type ChannelModel, type Outcome } from './channel-model.ts';
import type { Ledger } from './ledger.ts';
import { checkChannel, checkTopic } from './pump-checks.ts';
import type { QueueModel } from './queue-model.ts';
import { type QueueOwner, UNIX_OFFSET_MS, watchQueue } from './queue-watch.ts';
import { RecordKeys } from './record-keys.ts';
import type { TopicModel } from './topic-model.ts';
import type { Trace } from './trace.ts';

/** Consumers that sample all do so at this rate. */
export const SAMPLE_RATE = 60;
const NAME_SEPARATOR = ':';

/** Messages of one record on their way to main. */
export type SentFrames = { readonly consumer: number; readonly messages: DeliveredMessage[] };

export class PumpWatch {
  /** What the deliver ring holds for main, oldest first. */
  readonly sent: SentFrames[] = [];
  /** How many FINs, REQs and TOUCHes were refused. */
  refusedCount = 0;

  readonly #loop: PumpLoop;
  readonly #ledger: Ledger;
  readonly #trace: Trace;
  readonly #deliveries: RingReader;
  readonly #topics = new Map<Topic, TopicModel>();
  /** Those that are closed or deleted too: they may have messages on their way. */
  readonly #allTopics = new Set<Topic>();
  readonly #channels = new Map<Channel, ChannelModel>();
  readonly #scratch: Buffer;
  readonly #records = new RecordKeys();
  #nowMs = 0;
  /** The channel whose `deliver` runs. */
  #delivering: ChannelModel | null = null;

  constructor(
    loop: PumpLoop,
    deliveries: SharedArrayBuffer,
    ledger: Ledger,
    trace: Trace,
    bodyBytesMax: number,
  ) {
    this.#loop = loop;
    this.#ledger = ledger;
    this.#trace = trace;
    this.#deliveries = new RingReader(deliveries);
    this.#scratch = Buffer.alloc(SIZE_BYTES + MESSAGE_HEADER_BYTES + bodyBytesMax);
    this.#watchState();
  }

  /** To be called by the pump's source of random numbers, which it uses for sampling only. */
  onRandom(value: number): void {
    assert.ok(this.#delivering !== null, 'only deliveries are sampled');
    if (Math.floor(value * 100) > SAMPLE_RATE) this.#delivering.sampledOut++;
  }

  beginTurn(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Takes note of what was delivered, and compares pump and models. */
  endTurn(): void {
    this.#readDeliveries();
    const { state } = this.#loop;
    assert.equal(state.topics.size, this.#topics.size);
    assert.equal(state.channels.size, this.#channels.size);
    for (const [topic, model] of this.#topics) checkTopic(topic, model);
    const wheels = [state.inFlight.deadlines, state.deferred.dueTimes];
    const isBehind = wheels.some((wheel) => wheel.nextDeadlineMs() <= this.#nowMs);
    for (const [channel, model] of this.#channels) {
      checkChannel(channel, model, this.#nowMs, isBehind);
    }
    this.#checkReferences();
  }

  /** Nothing waits that could go on; to be called when nobody has anything to do. */
  checkRest(): void {
    const { state } = this.#loop;
    for (const topic of state.topics.values()) {
      const isStarved = !topic.mayRead && isUnread(topic.queue);
      const isWaiting = topic.isFlowing && topic.depth > 0 && !isStarved;
      assert.ok(!isWaiting && !topic.isHandingOver, `topic ${topic.name} hands on all it has`);
    }
    for (const [channel, { queueName }] of this.#channels) {
      if (channel.isPaused || channel.queue.depth === 0) continue;
      if (!channel.mayRead && isUnread(channel.queue)) continue;
      for (const { capacity, number } of channel.consumers) {
        assert.equal(capacity, 0, `channel ${queueName} feeds consumer ${number}`);
      }
    }
    assert.deepEqual(this.sent, [], 'main has got all that was sent');
    assert.equal(this.refusedCount, 0, 'main has heard of all that was refused');
  }

  #watchState(): void {
    const { state } = this.#loop;
    const addTopic = state.addTopic.bind(state);
    state.addTopic = (number, name, isPaused, isStarted, isReplicated, policy) => {
      addTopic(number, name, isPaused, isStarted, isReplicated, policy);
      const topic = state.topics.get(number);
      assert.ok(topic !== undefined);
      this.#watchTopic(topic, this.#ledger.addTopic(number, name));
    };
    const addChannel = state.addChannel.bind(state);
    state.addChannel = (topic, number, name, isPaused, policy, nowMs) => {
      addChannel(topic, number, name, isPaused, policy, nowMs);
      const channel = topic.channels.get(number);
      assert.ok(channel !== undefined);
      const queueName = `${topic.name}${NAME_SEPARATOR}${name}`;
      this.#watchChannel(topic, channel, this.#ledger.addChannel(number, queueName));
    };
  }

  #watchTopic(topic: Topic, model: TopicModel): void {
    this.#topics.set(topic, model);
    this.#allTopics.add(topic);
    const publish = topic.publish.bind(topic);
    topic.publish = (publication, nowMs, receipt) => {
      const { bytes, at, count, deferMs } = publication;
      const keys = keysOfBodies(bytes, at, count);
      const messages = this.#ledger.onArrived(topic.number, keys);
      for (const message of messages) assert.equal(deferMs, message.deferMs);
      model.beginPublish(messages);
      publish(publication, nowMs, receipt);
      model.endPublish();
    };
    const unpublish = topic.unpublish.bind(topic);
    topic.unpublish = (count, bodyBytes) => {
      model.messageCount -= count;
      model.messageBytes -= bodyBytes;
      unpublish(count, bodyBytes);
    };
    const empty = topic.empty.bind(topic);
    topic.empty = (done) => {
      model.clear();
      model.emptyings++;
      empty((error) => {
        model.emptyings--;
        done(error);
      });
    };
    const { backend } = topic.queue;
    this.#watchQueue(topic.queue, model.queue, {
      onQueued: (key) => model.onQueued(key),
      onBackend: (key, dueMs) => model.onBackend(key, dueMs),
      drop: (key) => model.drop(key),
      isHeld: (key) => model.waiting.has(key),
      isReordering: false,
    });
    const close = topic.close.bind(topic);
    topic.close = (done) => {
      close(done);
      this.#topics.delete(topic);
      this.#ledger.onTopicClosed(model, !(backend instanceof NullBackend));
    };
    const remove = backend.delete.bind(backend);
    backend.delete = (done) => {
      this.#topics.delete(topic);
      this.#ledger.onTopicDeleted(model);
      remove(done);
    };
  }

  #watchQueue(queue: MessageQueue, model: QueueModel, owner: QueueOwner): void {
    const keysOf = (position: number, count: number): number[] => this.#keys(position, count);
    watchQueue(queue, model, owner, keysOf, this.#ledger);
  }

  #watchChannel(topic: Topic, channel: Channel, model: ChannelModel): void {
    this.#channels.set(channel, model);
    this.#watchArrivals(topic, channel, model);
    this.#watchAnswers(channel, model);
    this.#watchDeadlines(channel, model);
    this.#watchEnds(topic, channel, model);
    this.#watchQueue(channel.queue, model.queue, {
      onQueued: (key) => model.onQueued(key),
      onBackend: (key, dueMs) => model.onBackend(key, dueMs),
      drop: (key) => model.drop(key),
      isHeld: (key) => model.held.has(key),
      isReordering: true,
    });
    this.#watchReads(channel, model);
    const deliver = channel.deliver.bind(channel);
    channel.deliver = (limit, nowMs) => {
      this.#delivering = model;
      try {
        return deliver(limit, nowMs);
      } finally {
        this.#delivering = null;
      }
    };
  }

  #watchArrivals(topic: Topic, channel: Channel, model: ChannelModel): void {
    const put = channel.put.bind(channel);
    channel.put = (position, count, receipt) => {
      this.#arrive(topic, model, position, count, 0);
      put(position, count, receipt);
    };
    const putDeferred = channel.putDeferred.bind(channel);
    channel.putDeferred = (position, count, dueMs, receipt) => {
      this.#arrive(topic, model, position, count, dueMs);
      putDeferred(position, count, dueMs, receipt);
    };
    const putFromDisk = channel.putFromDisk.bind(channel);
    channel.putFromDisk = (position, count, unixMs, receipt) => {
      const dueMs = unixMs === 0 ? 0 : unixMs - UNIX_OFFSET_MS;
      // An ephemeral channel takes it as it takes others.
      if (channel.queue.backend.isDurable) this.#arrive(topic, model, position, count, dueMs);
      putFromDisk(position, count, unixMs, receipt);
    };
  }

  /** Messages come to a channel: from a topic's disk as they were due there, from memory as they were published. */
  #arrive(topic: Topic, model: ChannelModel, position: number, count: number, dueMs: number): void {
    const topicModel = this.#topics.get(topic);
    assert.ok(topicModel !== undefined, 'the topic of a channel is there');
    for (const key of this.#keys(position, count)) {
      const passage = topicModel.onChannel(key, model.number, topic.channels.keys(), this.#nowMs);
      const { deferMs } = this.#ledger.message(key);
      const publishedDueMs = deferMs === 0 ? 0 : passage.startMs + deferMs;
      const exactMs: number = passage.isFromMemory ? publishedDueMs : topicModel.dueMs(key);
      if (dueMs === 0) assert.ok(exactMs <= this.#nowMs, `message ${key} is not deferred`);
      else assertRoundedUp(dueMs, exactMs);
      if (dueMs === 0) model.put(key);
      else model.putDeferred(key, dueMs);
    }
  }

  /** What comes back from a channel's files. */
  #watchReads(channel: Channel, model: ChannelModel): void {
    const { store } = this.#loop.state;
    const { backend } = channel.queue;
    const onDeferred = channel.onDeferred.bind(channel);
    channel.onDeferred = (position, dueMs) => {
      this.#records.add(channel, store.recordNumber(position), this.#key(position));
      model.onRead(this.#key(position), dueMs - UNIX_OFFSET_MS, this.#nowMs);
      onDeferred(position, dueMs);
    };
    const { fetched } = backend;
    const put = fetched.put.bind(fetched);
    fetched.put = (position, count, tag) => {
      for (let next = position; next < position + count; next++) {
        this.#records.add(channel, store.recordNumber(next), this.#key(next));
        model.onRead(this.#key(next), 0, this.#nowMs);
      }
      put(position, count, tag);
    };
    const reread = backend.reread.bind(backend);
    backend.reread = (number) => {
      model.reread(this.#records.keyOf(channel, number));
      reread(number);
    };
  }

  #watchAnswers(channel: Channel, model: ChannelModel): void {
    const finish = channel.finish.bind(channel);
    channel.finish = (consumer, high, low) => {
      const expected = model.finish(consumer.number, idText(high, low));
      return this.#checked(finish(consumer, high, low), expected);
    };
    const requeue = channel.requeue.bind(channel);
    channel.requeue = (consumer, high, low, delayMs, nowMs) => {
      const dueMs = delayMs === 0 ? null : nowMs + delayMs;
      const expected = model.requeue(consumer.number, idText(high, low), dueMs);
      return this.#checked(requeue(consumer, high, low, delayMs, nowMs), expected);
    };
    const touch = channel.touch.bind(channel);
    channel.touch = (consumer, high, low, nowMs) => {
      const expected = model.touch(consumer, idText(high, low), nowMs);
      return this.#checked(touch(consumer, high, low, nowMs), expected);
    };
  }

  #checked(outcome: number, expected: Outcome): number {
    assert.equal(outcome, expected, 'FIN, REQ and TOUCH come to what they should');
    if (outcome !== 0) this.refusedCount++;
    return outcome;
  }

  #watchDeadlines(channel: Channel, model: ChannelModel): void {
    const { inFlight, deferred } = this.#loop.state;
    const onTimeout = channel.onTimeout.bind(channel);
    channel.onTimeout = (entry, nowMs) => {
      model.timeOut(this.#key(inFlight.position(entry)), this.#nowMs);
      onTimeout(entry, nowMs);
    };
    const onDue = channel.onDue.bind(channel);
    channel.onDue = (entry) => {
      const key = deferred.isEvicted(entry)
        ? this.#records.keyOf(channel, deferred.recordNumber(entry))
        : this.#key(deferred.position(entry));
      model.fallDue(key, this.#nowMs);
      onDue(entry);
    };
  }

  #watchEnds(topic: Topic, channel: Channel, model: ChannelModel): void {
    const empty = channel.empty.bind(channel);
    channel.empty = (done) => {
      model.clear();
      model.emptyings++;
      empty((error) => {
        model.emptyings--;
        done(error);
      });
    };
    const close = channel.close.bind(channel);
    channel.close = (done) => {
      model.gather();
      close(done);
      if (channel.queue.backend.isDurable) model.seal();
      else model.clear();
      this.#channels.delete(channel);
      this.#ledger.onChannelClosed(model, !(channel.queue.backend instanceof NullBackend));
    };
    const remove = channel.delete.bind(channel);
    channel.delete = (done) => {
      this.#topics.get(topic)?.onChannelDeleted(model.number);
      this.#channels.delete(channel);
      this.#ledger.onChannelDeleted(model);
      remove(done);
    };
  }

  #readDeliveries(): void {
    const ring = this.#deliveries;
    ring.look();
    for (let type = ring.front(); type !== EMPTY; type = ring.front()) {
      if (type === records.FRAMES) this.#onFrames(ring);
      ring.pop();
    }
  }

  #onFrames({ words, bytes, offset, length }: RingReader): void {
    const at = offset >>> 2;
    const number = words[at + records.FRAMES_CONSUMER];
    const start = offset + records.fieldBytes(records.FRAMES_WORDS);
    const messages = parseFrames(bytes, start, offset + length);
    assert.equal(messages.length, words[at + records.FRAMES_COUNT]);
    const consumer = this.#loop.state.consumers.get(number);
    assert.ok(consumer !== undefined, 'messages go to a consumer that is there');
    const channel = this.#loop.state.channelOf(consumer);
    const model = this.#channels.get(channel);
    assert.ok(model !== undefined && !channel.isPaused && !consumer.isClosing);
    for (const { key, id, attempts } of messages) {
      this.#trace.add(`deliver ${number} ${model.queueName} ${key} ${attempts} ${id}`);
      model.deliver(key, id, attempts, consumer, this.#nowMs);
      this.#ledger.checkId(key, id);
    }
    const isWithinReady = consumer.inFlightCount <= consumer.readyCount;
    assert.ok(isWithinReady, 'a consumer has no more in flight than it is ready for');
    this.sent.push({ consumer: number, messages });
  }

  /** Every reference to a message is in one place. */
  #checkReferences(): void {
    const { state } = this.#loop;
    let references = state.inFlight.count + state.deferred.count - state.deferred.evictedCount;
    for (const topic of state.topics.values()) references += topic.queue.memoryCount;
    for (const topic of this.#allTopics) references += topic.transfers.count + topic.handedCount;
    for (const channel of state.channels.values()) {
      references += channel.queue.memoryCount + channel.queue.returnedCount;
    }
    for (const backend of state.backends) {
      assert.ok(backend instanceof DiskBackend);
      references += backend.heldCount;
    }
    assert.equal(state.store.referenceCount, references, 'references are where messages are');
  }

  #keys(position: number, count: number): number[] {
    return Array.from({ length: count }, (_, index) => this.#key(position + index));
  }

  #key(position: number): number {
    this.#loop.state.store.writeRecord(position, 0, this.#scratch, 0);
    return readUint32(this.#scratch, SIZE_BYTES + MESSAGE_HEADER_BYTES);
  }
}

/**
 * Whether all that waits is on disk: while memory is full, that may wait for what is in flight. What is in memory may
 * not.
 */
function isUnread({ depth, backend }: MessageQueue): boolean {
  return depth === backend.depth && backend.fetched.count === 0;
}
