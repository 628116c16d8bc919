/**
 * The clients and operators of a simulated broker: random actions, carried out as connections and the HTTP API do.
 *
 * Thread: any.
 * Units: times in ms.
 */

import assert from 'node:assert/strict';
import { isAnsweredByPump } from '../../src/main/topics/publisher.ts';
import type { ChannelHandle, TopicHandle } from '../../src/main/topics/topic-map.ts';
import { CONSUMER_WINDOW_BYTES } from '../../src/shared/limits.ts';
import { parseHexWord } from '../../src/shared/message-id.ts';
import type { Random } from '../support/seeded-random.ts';
import { encodeBodies, KEY_BYTES } from './bodies.ts';
import type { Ledger } from './ledger.ts';
import { channelName, topicName } from './names.ts';
import { SAMPLE_RATE } from './pump-watch.ts';
import type { Scenario } from './scenario.ts';
import type { SimBroker } from './sim-broker.ts';
import { SimConsumer } from './sim-consumer.ts';
import { SimOperator } from './sim-operator.ts';
import type { Trace } from './trace.ts';

const CONSUMERS_MAX = 8;
/** Credits come in pieces of at least this size, as from a socket's output. */
const CREDIT_BYTES = CONSUMER_WINDOW_BYTES / 4;
/** Of one publish, so that it fits the publish ring. */
const BATCH_BYTES_MAX = 40_000;
/** Of a flood: commands as long as there is room for them, and credits, which always find a place. */
const FLOOD_COUNT = 12_000;

export class SimClients {
  /** Publishes that have not been answered. */
  openPublishes = 0;
  /** Publishes that were refused. */
  refusedPublishes = 0;
  /** Whether every consumer answers and accepts everything at once, and nobody does anything else. */
  isDraining = false;

  readonly #scenario: Scenario;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #trace: Trace;
  readonly #operator: SimOperator;
  readonly #consumers = new Map<number, SimConsumer>();
  #broker: SimBroker | null = null;
  #lastNumber = 0;

  constructor(scenario: Scenario, random: Random, ledger: Ledger, trace: Trace) {
    this.#scenario = scenario;
    this.#random = random;
    this.#ledger = ledger;
    this.#trace = trace;
    this.#operator = new SimOperator(scenario, random, trace);
  }

  /** Continues with another broker; all connections to the old one are gone. */
  attach(broker: SimBroker): void {
    this.#broker = broker;
    this.#consumers.clear();
    this.openPublishes = 0;
  }

  /** The broker closes: nobody publishes any more, not even what waits for room. */
  detach(): void {
    this.#broker = null;
  }

  /** Who gets what is for the consumer of that number. */
  target(number: number): SimConsumer {
    const consumer = this.#consumers.get(number);
    assert.ok(consumer !== undefined, `consumer ${number} has been there`);
    return consumer;
  }

  /** Performs an action, or finds that it cannot. */
  act(): void {
    const dice = this.#random(1000);
    if (dice < 330) this.#publishSome();
    else if (dice < 860) this.#consumerActs();
    else if (dice < 930) this.#subscribe();
    else if (dice < 970) this.#operator.pauseSomething(this.#theBroker);
    else if (dice < 978) this.#operator.emptySomething(this.#theBroker);
    else if (dice < 986) this.#operator.deleteSomething(this.#theBroker);
    else if (dice < 990) this.#operator.createChannel(this.#theBroker);
    else if (dice < 998) void this.#theBroker.requestAll('stats');
    else if (this.#random(5) === 0) this.#flood();
  }

  /** Tells the pumps what the sockets have taken. */
  giveCredits(): void {
    for (const consumer of this.#live()) {
      if (consumer.isSlow || consumer.untoldBytes < CREDIT_BYTES) continue;
      consumer.channel.topic.pump.credit(consumer.number, consumer.untoldBytes);
      consumer.untoldBytes = 0;
    }
  }

  /** Nothing is paused or slow any more, and every channel has a consumer that takes everything. */
  beginDrain(): void {
    this.isDraining = true;
    const { topics } = this.#theBroker;
    for (const topic of [...topics.values()]) {
      if (topic.isPaused) void topics.pauseTopic(topic, false);
      const archive = channelName('archive');
      if (topic.channels.size === 0) topics.getOrCreateChannel(topic, archive);
      for (const channel of [...topic.channels.values()]) {
        if (channel.isPaused) void topics.pauseChannel(channel, false);
        this.#subscribeTo(channel, 0, 10_000);
      }
    }
    for (const consumer of this.#live()) {
      consumer.isSlow = false;
      if (!consumer.isClosing) this.#setReady(consumer, 1 + this.#random(this.#scenario.readyMax));
    }
  }

  /** Answers everything that was delivered. */
  finishAll(): void {
    for (const consumer of this.#live()) {
      const { pump } = consumer.channel.topic;
      while (consumer.unanswered.length > 0 && pump.hasCommandRoom()) this.#finish(consumer, 0);
    }
  }

  /** Every pump knows what each socket has taken; to be called when nobody has anything to do. */
  checkWindows({ loops }: SimBroker): void {
    const known = loops.flatMap((loop) => [...loop.state.consumers.values()]);
    for (const { number, windowBytes } of known) {
      const { untoldBytes } = this.target(number);
      assert.equal(windowBytes, CONSUMER_WINDOW_BYTES - untoldBytes, `window of ${number}`);
    }
  }

  get #theBroker(): SimBroker {
    assert.ok(this.#broker !== null, 'there is a broker');
    return this.#broker;
  }

  #live(): SimConsumer[] {
    return [...this.#consumers.values()].filter((consumer) => !consumer.isGone);
  }

  // Publishing

  #publishSome(): void {
    const random = this.#random;
    const { topicNames, bodyBytesMax, batchMax } = this.#scenario;
    const name = topicName(topicNames[random(topicNames.length)]);
    const deferMs = random(7) === 0 ? 1 + random(3000) : 0;
    const most = [1, 1, 20, batchMax][random(4)];
    const bodies: { key: number; bytes: number }[] = [];
    let total = 0;
    const count = 1 + random(most);
    while (bodies.length < count && total < BATCH_BYTES_MAX - bodyBytesMax) {
      const bytes = KEY_BYTES + random(bodyBytesMax - KEY_BYTES);
      bodies.push({ key: this.#ledger.makeMessage(bytes, deferMs).key, bytes });
      total += bytes + 4;
    }
    this.#trace.add(`publish ${name} ${bodies.length} from ${bodies[0].key} defer ${deferMs}`);
    const topic = this.#theBroker.topics.getOrCreate(name);
    this.#publish(
      topic,
      encodeBodies(bodies),
      bodies.map(({ key }) => key),
      deferMs,
    );
  }

  /** As `PublishCommands` does. */
  #publish(topic: TopicHandle, source: Buffer, keys: number[], deferMs: number): void {
    const broker = this.#theBroker;
    const { publisher } = broker;
    const batch = publisher.batch(source, 0, source.length, keys.length, deferMs);
    const isAnswered = isAnsweredByPump(topic);
    if (publisher.tryPublish(topic, batch)) return;
    this.openPublishes++;
    const publication = publisher.begin(topic, batch, (error) => {
      if (broker !== this.#broker) return;
      this.openPublishes--;
      this.#onKept(keys, isAnswered, error);
    });
    const send = (): void => {
      if (broker === this.#broker && !publication.send()) topic.pump.onWritable(topic.number, send);
    };
    send();
  }

  #onKept(keys: readonly number[], isAnswered: boolean, error: string | null): void {
    this.#trace.add(`published from ${keys[0]}: ${error ?? 'OK'}`);
    if (error !== null) {
      this.refusedPublishes++;
      assert.ok(error === 'exiting' || this.#scenario.diskFaults !== 'none', error);
      return;
    }
    if (!isAnswered) return;
    for (const key of keys) {
      const { isRefused, pendingWrites } = this.#ledger.message(key);
      assert.ok(!isRefused && pendingWrites === 0, `message ${key} is answered when it is kept`);
    }
  }

  // Consuming

  #subscribe(): void {
    const random = this.#random;
    const { topicNames, channelNames, isDeep } = this.#scenario;
    if (this.#live().length >= (isDeep ? 1 : CONSUMERS_MAX)) return;
    const { topics } = this.#theBroker;
    const topic = topics.getOrCreate(topicName(topicNames[random(topicNames.length)]));
    const name = channelName(channelNames[random(channelNames.length)]);
    const sampleRate = random(12) === 0 ? SAMPLE_RATE : 0;
    const channel = topics.getOrCreateChannel(topic, name);
    const consumer = this.#subscribeTo(channel, sampleRate, 20 + random(5000));
    this.#setReady(consumer, random(5) === 0 ? 0 : 1 + random(50));
  }

  /** As SUB does. */
  #subscribeTo(channel: ChannelHandle, sampleRate: number, msgTimeoutMs: number): SimConsumer {
    const { pump } = channel.topic;
    this.#lastNumber++;
    const number = this.#lastNumber;
    const watch = this.#theBroker.watchOf(pump);
    const consumer = new SimConsumer(number, channel, sampleRate, watch);
    this.#consumers.set(number, consumer);
    channel.members.add(consumer);
    this.#trace.add(`sub ${number} ${channel.topic.name} ${channel.name} timeout ${msgTimeoutMs}`);
    void pump.request({
      do: 'subscribe',
      topic: channel.topic.number,
      channel: channel.number,
      consumer: number,
      msgTimeoutMs,
      sampleRate,
      locality: 'global',
    });
    return consumer;
  }

  #setReady(consumer: SimConsumer, count: number): void {
    consumer.readyCount = count;
    this.#trace.add(`rdy ${consumer.number} ${count}`);
    consumer.channel.topic.pump.setReady(consumer.number, count);
  }

  #consumerActs(): void {
    const live = this.#live();
    if (live.length === 0) return;
    const random = this.#random;
    const consumer = live[random(live.length)];
    if (!consumer.channel.topic.pump.hasCommandRoom()) return;
    const dice = random(100);
    if (dice < 60) this.#finishSome(consumer);
    else if (dice < 72) this.#requeue(consumer);
    else if (dice < 79) this.#touch(consumer);
    else if (dice < 89)
      this.#setReady(consumer, random(4) === 0 ? 0 : 1 + random(this.#scenario.readyMax));
    else if (dice < 93) this.#answerTwice(consumer);
    else if (dice < 96) consumer.isSlow = !consumer.isSlow;
    else if (dice < 97) this.#stop(consumer);
    else this.#disconnect(consumer);
  }

  #finishSome(consumer: SimConsumer): void {
    let count = 1 + this.#random(20);
    while (count > 0 && consumer.unanswered.length > 0) {
      const isInOrder = this.#random(4) > 0;
      this.#finish(consumer, isInOrder ? 0 : this.#random(consumer.unanswered.length));
      count--;
    }
  }

  #finish(consumer: SimConsumer, index: number): void {
    const { id, key } = consumer.takeUnanswered(index);
    this.#trace.add(`fin ${consumer.number} ${key}`);
    consumer.channel.topic.pump.finish(consumer.number, ...wordsOf(id));
  }

  #requeue(consumer: SimConsumer): void {
    if (consumer.unanswered.length === 0) return;
    const { id, key } = consumer.takeUnanswered(this.#random(consumer.unanswered.length));
    const delayMs = this.#random(2) === 0 ? 0 : 1 + this.#random(4000);
    this.#trace.add(`req ${consumer.number} ${key} ${delayMs}`);
    consumer.channel.topic.pump.requeue(consumer.number, ...wordsOf(id), delayMs);
  }

  #touch(consumer: SimConsumer): void {
    if (consumer.unanswered.length === 0) return;
    const { id, key } = consumer.unanswered[this.#random(consumer.unanswered.length)];
    this.#trace.add(`touch ${consumer.number} ${key}`);
    consumer.channel.topic.pump.touch(consumer.number, ...wordsOf(id));
  }

  /** Answers for something that it has answered, or that another one has. */
  #answerTwice(consumer: SimConsumer): void {
    const live = this.#live();
    const other = live[this.#random(live.length)];
    const ids = [...other.answered, ...other.unanswered.map(({ id }) => id)];
    if (ids.length === 0) return;
    const id = ids[this.#random(ids.length)];
    this.#trace.add(`again ${consumer.number} ${id}`);
    const { pump } = consumer.channel.topic;
    if (this.#random(2) === 0) pump.finish(consumer.number, ...wordsOf(id));
    else pump.requeue(consumer.number, ...wordsOf(id), 0);
  }

  /** CLS. */
  #stop(consumer: SimConsumer): void {
    consumer.isClosing = true;
    this.#trace.add(`cls ${consumer.number}`);
    const request = { do: 'stopConsumer', consumer: consumer.number } as const;
    void consumer.channel.topic.pump.request(request);
  }

  #disconnect(consumer: SimConsumer): void {
    consumer.isGone = true;
    this.#trace.add(`gone ${consumer.number}`);
    void this.#theBroker.topics.leave(consumer.channel, consumer);
  }

  /** More than a pump has room to refuse. */
  #flood(): void {
    const [consumer] = this.#live();
    if (consumer === undefined) return;
    this.#trace.add(`flood ${consumer.number}`);
    const { pump } = consumer.channel.topic;
    for (let i = 0; i < FLOOD_COUNT && pump.hasCommandRoom(); i++) {
      pump.touch(consumer.number, 1, i);
    }
    if (this.#random(3) > 0) return;
    for (let i = 0; i < FLOOD_COUNT; i++) pump.credit(consumer.number, 0);
  }
}

function wordsOf(id: string): [number, number] {
  const bytes = Buffer.from(id, 'latin1');
  return [parseHexWord(bytes, 0), parseHexWord(bytes, 8)];
}
