/**
 * The life of a broker whose policies change at random: every message that a topic accepts ends in exactly one place.
 * For each channel it is finished by a consumer, or expired, tried too often or beyond a bound; in the last three
 * cases it is dropped, or in the topic for dead letters. The counters add up to what the consumers have seen.
 *
 * The broker is main's core, one pump and one disk over memory, in one thread; clock, policies and clients are drawn
 * from the seed. Clean restarts come in between.
 *
 * Errors: rejects with what does not hold, and the seed. Thread: any. Units: times in ms.
 */

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { Policies } from '../../src/main/policies/policies.ts';
import { type Policy, parsePolicy } from '../../src/main/policies/policy.ts';
import { planThreads } from '../../src/main/pumps/thread-plan.ts';
import { Acknowledgements } from '../../src/main/stats/acknowledgements.ts';
import { BrokerCore } from '../../src/main/topics/core.ts';
import type { ChannelHandle, ChannelMember, TopicHandle } from '../../src/main/topics/topic-map.ts';
import type { ChannelCounts, ControlReply } from '../../src/shared/control.ts';
import { wireIoLoop } from '../../src/workers/disk/io-wiring.ts';
import { wirePumpLoop } from '../../src/workers/pump/pump-wiring.ts';
import { optionsWith, testRingSizes } from '../support/broker-turns.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import {
  type FrameMessage,
  idWords,
  parseFrames,
  publishedBytes,
} from '../support/message-bytes.ts';
import { meteredThread } from '../support/metered-thread.ts';
import { NO_REGISTRY } from '../support/no-registry.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';
import { strictGuard } from '../support/strict-guard.ts';
import { channelName, topicName } from './names.ts';

const DATA_PATH = '/data';
const QUIET_TURNS = 3;
/** Turns in which a broker that nobody disturbs must have come to rest. */
const TURNS_TO_REST = 5000;
const TOPIC = 'work';
const DEAD = 'dead';
const CHANNELS = ['a', 'b'];
const DEAD_CHANNEL = 'd';
const MSG_TIMEOUT_MS = 500;
/** Ages and due times are kept to the tick of a wheel, and come back from disk in whole ms. */
const TICK_MS = 3;
/** Delays of publishers and of REQ, steps of the clock, and the longest backoff. */
const DELAY_MS_MAX = 1500;
const STEP_MS_MAX = 3000;
const BACKOFF_MS_MAX = 1000;
/** From a delivery or an answer to when a message is due again: a timeout is seen a step late. */
const REDELIVERY_MS_MAX = MSG_TIMEOUT_MS + STEP_MS_MAX + Math.max(BACKOFF_MS_MAX, DELAY_MS_MAX);
/** Longer than any age, delay or backoff that is drawn. */
const LONG_MS = 60_000;
const ROUNDS_TO_DRAIN = 2000;

/** A message for dead letters, as its envelope says. */
type Letter = { readonly channel: string; readonly reason: string; readonly body: string };

/** What ended the messages of one queue, added up over restarts. */
type Ends = { expired: number; exhausted: number; dropped: number; deadLetters: number };

/** What a seed has come to. */
export type PolicyLifeResult = { readonly published: number; readonly ends: Ends };

class Consumer implements ChannelMember {
  readonly number: number;
  readonly channel: ChannelHandle;
  held: FrameMessage[] = [];

  constructor(number: number, channel: ChannelHandle) {
    this.number = number;
    this.channel = channel;
  }

  destroy(): void {
    throw new Error('no channel is deleted here');
  }
}

/** Runs one seed. */
export async function livePolicies(seed: number, steps: number): Promise<PolicyLifeResult> {
  const life = new PolicyLife(seed);
  try {
    return await life.run(steps);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`seed ${seed} fails in step ${life.step}: ${reason}`, { cause });
  }
}

class PolicyLife {
  step = 0;

  readonly #random: Random;
  readonly #clock = new ManualClock();
  readonly #disk = new MemoryFileSystem(DATA_PATH);
  readonly #options;
  #policies: Policies;
  #broker: Broker;
  #published = 0;
  #refused = 0;
  /** What consumers of each channel have finished. */
  readonly #finished = new Map<string, Set<string>>(CHANNELS.map((name) => [name, new Set()]));
  readonly #letters: Letter[] = [];
  /** Of the topic itself, and of each channel. */
  readonly #ends = new Map<string, Ends>(['', ...CHANNELS].map((name) => [name, noEnds()]));
  #current: readonly Policy[] = [];
  /** When each message was last delivered or answered, by channel and body. */
  readonly #answeredMs = new Map<string, number>();

  constructor(seed: number) {
    const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
    for (let i = 0; i < 8; i++) random(2);
    this.#random = random;
    this.#options = optionsWith({
      memQueueSize: [0, 1, 5, 10_000][random(4)],
      maxBytesPerFile: 500 + random(8000),
      msgTimeoutMs: MSG_TIMEOUT_MS,
    });
    this.#policies = new Policies(this.#options);
    this.#broker = this.#open();
  }

  async run(steps: number): Promise<PolicyLifeResult> {
    for (this.step = 1; this.step <= steps; this.step++) {
      await this.#act();
      await this.#broker.turns();
      this.#checkHeld();
    }
    await this.#drain();
    await this.#addUp();
    this.#checkEnds();
    const all = [...this.#ends.values()].reduce(sum, noEnds());
    return { published: this.#published, ends: all };
  }

  // What happens

  async #act(): Promise<void> {
    const dice = this.#random(100);
    if (dice < 30) this.#publish();
    else if (dice < 70) this.#answer();
    else if (dice < 80) this.#setReady(this.#random(6));
    else if (dice < 93)
      this.#clock.advance(this.#random(4) === 0 ? this.#random(STEP_MS_MAX) : this.#random(60));
    else if (dice < 98) this.#changePolicies();
    else await this.#restart();
  }

  #publish(): void {
    const { topics, publisher } = this.#broker.core;
    const topic = topics.getOrCreate(topicName(TOPIC));
    const bodies = Array.from({ length: 1 + this.#random(12) }, () => String(++this.#published));
    const deferMs = this.#random(4) === 0 ? 1 + this.#random(DELAY_MS_MAX) : 0;
    const bytes = publishedBytes(bodies);
    const batch = publisher.batch(bytes, 0, bytes.length, bodies.length, deferMs);
    // What is refused was not accepted, and is found nowhere.
    publisher.publish(topic, batch).catch(() => {
      this.#refused += bodies.length;
      for (const body of bodies) this.#refusedBodies.add(body);
    });
  }

  readonly #refusedBodies = new Set<string>();

  #answer(): void {
    const holding = this.#broker.consumers.filter(({ held }) => held.length > 0);
    if (holding.length === 0) return;
    const consumer = holding[this.#random(holding.length)];
    const [message] = consumer.held.splice(this.#random(consumer.held.length), 1);
    if (this.#random(3) > 0) this.#finish(consumer, message);
    else {
      const delayMs = this.#random(2) === 0 ? 0 : 1 + this.#random(DELAY_MS_MAX);
      this.#answeredMs.set(`${consumer.channel.name} ${message.body}`, this.#clock.monotonicMs());
      const { pump } = consumer.channel.topic;
      pump.requeue(consumer.number, ...idWords(message.id), delayMs);
    }
  }

  #finish(consumer: Consumer, message: FrameMessage): void {
    const key = `${consumer.number} ${message.id}`;
    // After a timeout a consumer may hold a message twice, and its second FIN would be refused.
    if (this.#broker.asked.has(key)) return;
    consumer.channel.topic.pump.finish(consumer.number, ...idWords(message.id));
    this.#broker.asked.set(key, message);
  }

  #setReady(count: number): void {
    const { consumers } = this.#broker;
    const { number, channel } = consumers[this.#random(consumers.length)];
    channel.topic.pump.setReady(number, count);
  }

  #changePolicies(): void {
    const random = this.#random;
    const definition: Record<string, unknown> = {};
    const may = (key: string, ...values: readonly unknown[]): void => {
      if (random(2) === 0) definition[key] = values[random(values.length)];
    };
    may('message-ttl', '20ms', '200ms', '2s', 0);
    may('max-depth', 3, 10, 50, 0);
    may('max-bytes', 200, 2000, 0);
    may('when-full', 'reject', 'drop-oldest', 'dead-letter');
    may('mem-queue-size', 0, 2, 100);
    may('dead-letter', DEAD, '');
    may('max-attempts', 1, 2, 5, 0);
    may('max-in-flight', 1, 4, 0);
    may('max-rate', 5, 1000, 0);
    may('requeue-backoff', 'none', 'exponential(50ms,1s)');
    if (random(4) === 0) definition['acknowledge'] = random(2) === 0 ? 'write' : 'memory';
    const channels = { ...definition };
    delete channels['acknowledge'];
    this.#setPolicies([
      policy('work', TOPIC, definition),
      ...(random(2) === 0 ? [policy('one', `${TOPIC}:${CHANNELS[random(2)]}`, channels, 1)] : []),
    ]);
  }

  #setPolicies(policies: readonly (Policy | null)[]): void {
    this.#current = policies.filter((one) => one !== null);
    const envelopes = policy('envelope', '*', { 'dead-letter-envelope': 'json' }, -1);
    const given = [...this.#current, ...(envelopes === null ? [] : [envelopes])];
    this.#policies.restore(given);
    for (const _ of this.#broker.core.topics.applyPolicies());
  }

  async #restart(): Promise<void> {
    await this.#addUp();
    await this.#broker.close();
    this.#clock.advance(2 + this.#random(500));
    this.#broker = this.#open();
    await this.#broker.turns();
  }

  #open(): Broker {
    return new Broker(this.#clock, this.#disk, this.#policies, this.#options, {
      finished: (channel, { body }) => this.#onFinished(channel, body),
      delivered: (channel, message) => this.#onDelivered(channel, message),
    });
  }

  #onFinished(channel: string, body: string): void {
    if (channel === DEAD_CHANNEL) {
      // The broker's own shape.
      this.#letters.push(JSON.parse(body) as Letter);
      return;
    }
    const finished = this.#finished.get(channel);
    assert.ok(finished !== undefined);
    assert.ok(!finished.has(body), `message ${body} is finished once in ${channel}`);
    finished.add(body);
  }

  /** What is delivered is what the policies in force allow. */
  #onDelivered(channel: string, { timestampNs, attempts, body }: FrameMessage): void {
    if (channel === DEAD_CHANNEL) return;
    const { messageTtlMs, maxAttempts } = this.#policies.ofChannel(TOPIC, channel);
    const nowMs = this.#clock.monotonicMs();
    const publishedMs = nowMs - Number(this.#clock.unixNs() - timestampNs) / 1e6;
    // A deferred message ages from when it is due: its publisher's delay, or that of its last REQ or timeout.
    const key = `${channel} ${body}`;
    const answeredMs = this.#answeredMs.get(key);
    const startMs = Math.max(publishedMs + DELAY_MS_MAX, (answeredMs ?? 0) + REDELIVERY_MS_MAX);
    this.#answeredMs.set(key, nowMs);
    if (messageTtlMs > 0) {
      const ageMs = nowMs - startMs;
      assert.ok(ageMs <= messageTtlMs + TICK_MS, `message ${body} is ${ageMs} ms old`);
    }
    if (maxAttempts > 0)
      assert.ok(attempts <= maxAttempts, `message ${body}: ${attempts} attempts`);
  }

  /** No more is in flight than the policies allow, unless it was before they came. */
  #checkHeld(): void {
    for (const channel of this.#broker.channels) {
      const { maxInFlight } = channel.policy;
      const { inFlightBefore, inFlight } = this.#broker.inFlightOf(channel);
      if (maxInFlight === 0) continue;
      const bound = Math.max(maxInFlight, inFlightBefore);
      assert.ok(inFlight <= bound, `${inFlight} messages of ${channel.name} are in flight`);
    }
  }

  // The end

  /** Without policies everything that is left goes to consumers, which finish it. */
  async #drain(): Promise<void> {
    this.step = -1;
    this.#setPolicies([]);
    for (let round = 0; ; round++) {
      assert.ok(round < ROUNDS_TO_DRAIN, 'everything drains');
      for (const consumer of this.#broker.consumers) {
        consumer.channel.topic.pump.setReady(consumer.number, 100);
        for (const message of consumer.held.splice(0)) this.#finish(consumer, message);
      }
      await this.#broker.turns();
      const stats = await this.#broker.stats();
      if (isEmpty(stats)) return;
      this.#clock.advance(round % 10 === 9 ? LONG_MS : 100);
    }
  }

  /** Takes note of the counters: they begin again with the broker. */
  async #addUp(): Promise<void> {
    const { topics, channels } = await this.#broker.stats();
    for (const { number, counters } of topics) {
      if (this.#broker.nameOfTopic(number) !== TOPIC) continue;
      add(this.#ends, '', { exhaustedCount: 0, ...counters });
    }
    for (const { number, counters } of channels) {
      const name = this.#broker.nameOfChannel(number);
      if (name !== DEAD_CHANNEL) add(this.#ends, name, counters);
    }
  }

  #checkEnds(): void {
    const accepted = this.#published - this.#refused;
    const topic = endsOf(this.#ends, '');
    const lettersOf = (channel: string): Letter[] =>
      this.#letters.filter((letter) => letter.channel === channel);
    assert.equal(lettersOf('').length, topic.deadLetters, 'dead letters of the topic');
    const passed = accepted - topic.expired - topic.dropped;
    for (const name of CHANNELS) {
      const ends = endsOf(this.#ends, name);
      const finished = this.#finished.get(name) ?? new Set();
      const letters = lettersOf(name);
      const ended = ends.expired + ends.exhausted + ends.dropped;
      assert.equal(finished.size + ended, passed, `messages of channel ${name}`);
      assert.equal(letters.length, ends.deadLetters, `dead letters of channel ${name}`);
      const dead = new Set(letters.map(({ body }) => body));
      assert.equal(dead.size, letters.length, `dead letters of ${name} are there once`);
      for (const body of dead) {
        assert.ok(!finished.has(body), `message ${body} of ${name} is finished and dead`);
      }
      for (const body of [...finished, ...dead]) {
        assert.ok(!this.#refusedBodies.has(body), `message ${body} of ${name} was refused`);
      }
    }
  }
}

/** What the life is told of messages. */
type Witness = {
  /** A consumer's FIN was carried out. */
  readonly finished: (channel: string, message: FrameMessage) => void;
  readonly delivered: (channel: string, message: FrameMessage) => void;
};

class Broker {
  readonly core: BrokerCore;
  readonly consumers: Consumer[] = [];
  /** FINs on their way, by consumer and id. */
  readonly asked = new Map<string, FrameMessage>();
  readonly #loop;
  readonly #io;
  readonly #clock: ManualClock;
  readonly #witness: Witness;
  readonly #inFlight = new Map<ChannelHandle, { inFlightBefore: number; inFlight: number }>();
  #isTurnRequested = true;

  constructor(
    clock: ManualClock,
    disk: MemoryFileSystem,
    policies: Policies,
    options: ReturnType<typeof optionsWith>,
    witness: Witness,
  ) {
    this.#clock = clock;
    this.#witness = witness;
    const { mainBell, pumpTasks, diskTasks } = planThreads({
      pumpCount: 1,
      diskCount: 1,
      sizes: testRingSizes(),
      pump: {
        nodeId: 1,
        memoryBudgetBytes: Number.POSITIVE_INFINITY,
        maxMsgTimeoutMs: options.maxMsgTimeoutMs,
        latencyPercentiles: [],
        latencyWindowMs: 600_000,
      },
      disk: { ...options, dataPath: DATA_PATH },
    });
    this.core = new BrokerCore({
      pumps: pumpTasks,
      mainBell,
      publishTimes: new Acknowledgements(clock),
      clock,
      guard: strictGuard(),
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      registry: NO_REGISTRY,
      policies,
      maxMsgSize: options.maxMsgSize,
      onChange: () => undefined,
      requestTurn: () => {
        this.#isTurnRequested = true;
      },
      target: (number) => {
        const consumer = this.consumers.find((one) => one.number === number);
        if (consumer === undefined) return undefined;
        return {
          deliver: (frames) => this.#onFrames(consumer, frames),
          // What timed out meanwhile is refused, and was not finished then.
          refuse: (error) => this.#onRefused(consumer, error.data.toString()),
          destroy: () => consumer.destroy(),
        };
      },
      flushClients: () => undefined,
      onEvent: () => undefined,
    });
    this.#loop = wirePumpLoop(pumpTasks[0], {
      clock,
      thread: meteredThread(),
      random: () => 0,
    });
    this.#io = wireIoLoop(diskTasks[0], disk);
    const { topics } = this.core;
    for (const [topic, ...channels] of [
      [TOPIC, ...CHANNELS],
      [DEAD, DEAD_CHANNEL],
    ]) {
      const handle = topics.createStopped(topicName(topic), false);
      for (const channel of channels) {
        const channelHandle = topics.getOrCreateChannel(handle, channelName(channel));
        for (let i = 0; i < 2; i++) this.#subscribe(handle, channelHandle);
      }
      topics.start(handle);
    }
  }

  get channels(): ChannelHandle[] {
    return [...new Set(this.consumers.map(({ channel }) => channel))];
  }

  /** How many messages consumers hold of a channel, and did at the end of the turns before. */
  inFlightOf(channel: ChannelHandle): { inFlightBefore: number; inFlight: number } {
    const inFlight = this.#loop.state.channels.get(channel.number)?.inFlightCount ?? 0;
    const before = this.#inFlight.get(channel)?.inFlight ?? 0;
    this.#inFlight.set(channel, { inFlightBefore: before, inFlight });
    return { inFlightBefore: before, inFlight };
  }

  nameOfTopic(number: number): string | undefined {
    return this.core.topics.getByNumber(number)?.name;
  }

  nameOfChannel(number: number): string {
    const channel = this.channels.find((one) => one.number === number);
    assert.ok(channel !== undefined);
    return channel.name;
  }

  /** Takes turns until nothing happens any more. */
  async turns(): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < QUIET_TURNS; turns++) {
      assert.ok(turns < TURNS_TO_REST, 'the broker comes to rest');
      await setImmediate();
      let work = this.#isTurnRequested ? 1 : 0;
      this.#isTurnRequested = false;
      work += this.core.endTurn();
      const nowMs = this.#clock.monotonicMs();
      work += this.#loop.step(nowMs);
      work += this.#io.step(nowMs);
      quiet = work > 0 ? 0 : quiet + 1;
    }
    this.#settleFinished();
  }

  async stats(): Promise<NonNullable<ControlReply['counts']>> {
    const { topics, channels } = this.#loop.state;
    const { counts } = await this.#request({
      do: 'stats',
      topics: [...topics.keys()],
      channels: [...channels.keys()],
      consumers: [],
    });
    assert.ok(counts !== undefined);
    return counts;
  }

  async close(): Promise<void> {
    const { error } = await this.#request({ do: 'close' });
    assert.equal(error ?? null, null);
  }

  async #request(request: Parameters<BrokerCore['pumps'][0]['request']>[0]): Promise<ControlReply> {
    const replying = this.core.pumps[0].request(request);
    await this.turns();
    return replying;
  }

  #subscribe(topic: TopicHandle, channel: ChannelHandle): void {
    const consumer = new Consumer(this.consumers.length + 1, channel);
    this.consumers.push(consumer);
    channel.members.add(consumer);
    void topic.pump.request({
      do: 'subscribe',
      topic: topic.number,
      channel: channel.number,
      consumer: consumer.number,
      msgTimeoutMs: MSG_TIMEOUT_MS,
      sampleRate: 0,
      locality: 'global',
    });
    topic.pump.setReady(consumer.number, channel.name === DEAD_CHANNEL ? 10 : 2);
  }

  #onFrames(consumer: Consumer, frames: Buffer): void {
    const messages = parseFrames(frames);
    consumer.held.push(...messages);
    consumer.channel.topic.pump.credit(consumer.number, frames.length);
    for (const message of messages) this.#witness.delivered(consumer.channel.name, message);
  }

  #onRefused(consumer: Consumer, text: string): void {
    const [id] = /[0-9a-f]{16}/.exec(text) ?? [];
    if (text.startsWith('E_FIN')) this.asked.delete(`${consumer.number} ${id}`);
  }

  /** After the turns each FIN was carried out or refused. */
  #settleFinished(): void {
    for (const [key, message] of this.asked) {
      const consumer = this.consumers[Number(key.split(' ')[0]) - 1];
      this.#witness.finished(consumer.channel.name, message);
    }
    this.asked.clear();
  }
}

/** Null where it would define nothing. */
function policy(name: string, pattern: string, keys: object, priority = 0): Policy | null {
  if (Object.keys(keys).length === 0) return null;
  const parsed = parsePolicy(name, { pattern, priority, definition: keys });
  if (parsed instanceof InvalidValue) throw new Error(parsed.why);
  return parsed;
}

function noEnds(): Ends {
  return { expired: 0, exhausted: 0, dropped: 0, deadLetters: 0 };
}

function endsOf(all: ReadonlyMap<string, Ends>, name: string): Ends {
  return all.get(name) ?? noEnds();
}

function add(
  all: Map<string, Ends>,
  name: string,
  counters: Pick<
    ChannelCounts['counters'],
    'expiredCount' | 'exhaustedCount' | 'droppedCount' | 'deadLetterCount'
  >,
): void {
  const { expiredCount, exhaustedCount, droppedCount, deadLetterCount } = counters;
  const more = {
    expired: expiredCount,
    exhausted: exhaustedCount,
    dropped: droppedCount,
    deadLetters: deadLetterCount,
  };
  all.set(name, sum(endsOf(all, name), more));
}

function sum(one: Ends, other: Ends): Ends {
  return {
    expired: one.expired + other.expired,
    exhausted: one.exhausted + other.exhausted,
    dropped: one.dropped + other.dropped,
    deadLetters: one.deadLetters + other.deadLetters,
  };
}

function isEmpty({ topics, channels }: NonNullable<ControlReply['counts']>): boolean {
  return (
    topics.every(({ counters: { depth } }) => depth === 0) &&
    channels.every(
      ({ counters: { depth, inFlightCount, deferredCount } }) =>
        depth + inFlightCount + deferredCount === 0,
    )
  );
}
