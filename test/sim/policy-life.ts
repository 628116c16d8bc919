/**
 * The life of a broker whose policies change at random: every message that a topic accepts ends in exactly one place.
 * For each channel it is finished by a consumer, or expired, tried too often or beyond a bound; in the last three
 * cases it is dropped, or in the topic for dead letters. The counters add up to what the consumers have seen.
 *
 * Some publishes repeat the key of earlier ones: within a window they are dropped, if the seed says so.
 *
 * The broker is main's core, one pump and one disk over memory, in one thread; clock, policies and clients are drawn
 * from the seed. Clean restarts come in between.
 *
 * Errors: rejects with what does not hold, and the seed. Thread: any. Units: times in ms.
 */

import assert from 'node:assert/strict';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { Policies } from '../../src/main/policies/policies.ts';
import { type Policy, parsePolicy } from '../../src/main/policies/policy.ts';
import { optionsWith } from '../support/broker-turns.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { type FrameMessage, idWords, publishedBytes } from '../support/message-bytes.ts';
import type { Random } from '../support/seeded-random.ts';
import { add, type Ends, endsOf, isEmpty, noEnds, sum } from './message-ends.ts';
import { topicName } from './names.ts';
import {
  CHANNELS,
  DATA_PATH,
  DEAD,
  DEAD_CHANNEL,
  MSG_TIMEOUT_MS,
  PolicyBroker,
  TOPIC,
} from './policy-broker.ts';
import { runSeed } from './run-seed.ts';
import { randomOf } from './scenario.ts';

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
/** With which bodies begin; a policy may compare these. */
const KEY_BYTES = 6;

/** A message for dead letters, as its envelope says. */
type Letter = { readonly channel: string; readonly reason: string; readonly body: string };

/** What a seed has come to. */
export type PolicyLifeResult = { readonly published: number; readonly ends: Ends };

/** Runs one seed. */
export function livePolicies(seed: number, steps: number): Promise<PolicyLifeResult> {
  return runSeed(seed, new PolicyLife(seed, steps));
}

class PolicyLife {
  step = 0;

  readonly #steps: number;
  readonly #random: Random;
  readonly #clock = new ManualClock();
  readonly #disk = new MemoryFileSystem(DATA_PATH);
  readonly #options;
  #policies: Policies;
  #broker: PolicyBroker;
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

  /** How long a key is not published again; 0: as often as it comes. What was seen ends with the broker here. */
  readonly #windowMs: number;
  readonly #publishedAs = new Map<string, { readonly ms: number; readonly life: number }>();
  readonly #deliveredBodies = new Map<string, Set<string>>();
  #lives = 0;

  constructor(seed: number, steps: number) {
    const random = randomOf(seed);
    this.#steps = steps;
    this.#random = random;
    this.#options = optionsWith({
      memQueueSize: [0, 1, 5, 10_000][random(4)],
      maxBytesPerFile: 500 + random(8000),
      msgTimeoutMs: MSG_TIMEOUT_MS,
    });
    this.#windowMs = [0, 50, 1000, 20_000][random(4)];
    this.#policies = new Policies(this.#options);
    this.#broker = this.#open();
    this.#setPolicies([]);
  }

  async run(): Promise<PolicyLifeResult> {
    for (this.step = 1; this.step <= this.#steps; this.step++) {
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
    else if (dice < 80) this.#broker.setReady(this.#random(6), this.#random);
    else if (dice < 93)
      this.#clock.advance(this.#random(4) === 0 ? this.#random(STEP_MS_MAX) : this.#random(60));
    else if (dice < 98) this.#changePolicies();
    else await this.#restart();
  }

  #publish(): void {
    const { topics, publisher } = this.#broker.core;
    const topic = topics.getOrCreate(topicName(TOPIC));
    const bodies = Array.from({ length: 1 + this.#random(12) }, () => this.#newBody());
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

  /** No two bodies are the same, but some begin with the same key. */
  #newBody(): string {
    const number = ++this.#published;
    const ofNumber = this.#random(3) === 0 ? 1 + this.#random(number) : number;
    const key = String(ofNumber).padStart(KEY_BYTES, '0');
    const body = `${key} ${number}`;
    this.#publishedAs.set(body, { ms: this.#clock.monotonicMs(), life: this.#lives });
    return body;
  }

  #answer(): void {
    const holding = this.#broker.consumers.filter(({ held }) => held.length > 0);
    if (holding.length === 0) return;
    const consumer = holding[this.#random(holding.length)];
    const [message] = consumer.held.splice(this.#random(consumer.held.length), 1);
    if (this.#random(3) > 0) this.#broker.finish(consumer, message);
    else {
      const delayMs = this.#random(2) === 0 ? 0 : 1 + this.#random(DELAY_MS_MAX);
      this.#answeredMs.set(`${consumer.channel.name} ${message.body}`, this.#clock.monotonicMs());
      const { pump } = consumer.channel.topic;
      pump.requeue(consumer.number, ...idWords(message.id), delayMs);
    }
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
    if (random(4) === 0) definition['acknowledge'] = ['write', 'memory', 'fsync'][random(3)];
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
    const window = { deduplicate: `${this.#windowMs}ms`, 'deduplicate-key': `prefix:${KEY_BYTES}` };
    const once = this.#windowMs === 0 ? null : policy('once', TOPIC, window, -1);
    const given = [...this.#current, envelopes, once].filter((one) => one !== null);
    this.#policies.restore(given);
    for (const _ of this.#broker.core.topics.applyPolicies());
  }

  async #restart(): Promise<void> {
    await this.#addUp();
    await this.#broker.close();
    this.#clock.advance(2 + this.#random(500));
    this.#lives++;
    this.#broker = this.#open();
    await this.#broker.turns();
  }

  #open(): PolicyBroker {
    return new PolicyBroker(this.#clock, this.#disk, this.#policies, this.#options, {
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
    this.#checkKey(channel, body);
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

  /** Nothing is delivered that was published within the window of another message with its key. */
  #checkKey(channel: string, body: string): void {
    if (this.#windowMs === 0) return;
    const key = `${channel} ${body.slice(0, KEY_BYTES)}`;
    const others = this.#deliveredBodies.get(key) ?? new Set();
    this.#deliveredBodies.set(key, others.add(body));
    const own = this.#publishedAs.get(body);
    assert.ok(own !== undefined, `message ${body} was published`);
    for (const other of others) {
      const published = this.#publishedAs.get(other);
      if (other === body || published?.life !== own.life) continue;
      const apartMs = Math.abs(published.ms - own.ms);
      assert.ok(apartMs >= this.#windowMs, `${other} and ${body} are ${apartMs} ms apart`);
    }
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
        for (const message of consumer.held.splice(0)) this.#broker.finish(consumer, message);
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
    const passed = accepted - topic.deduplicated - topic.expired - topic.dropped;
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

/** Null where it would define nothing. */
function policy(name: string, pattern: string, keys: object, priority = 0): Policy | null {
  if (Object.keys(keys).length === 0) return null;
  const parsed = parsePolicy(name, { pattern, priority, definition: keys });
  if (parsed instanceof InvalidValue) throw new Error(parsed.why);
  return parsed;
}
