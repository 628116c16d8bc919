/**
 * The life of a broker whose operator works with messages while they come and go: lists, finishes, requeues, touches,
 * moves and purges them, empties and pauses channels. In between the process is killed, also in the middle of a file
 * call, and starts again on what the disk has.
 *
 * Every accepted message that nobody has finished, purged or emptied is there, or was moved; a move loses nothing. What
 * is gone is not delivered and not listed. At rest a listing has every message once.
 *
 * Publishes are acknowledged when they are in files, so that a kill costs nothing that was accepted. After a kill a
 * finished message may be there again, and one that was on its way from the topic to a channel may be there twice.
 *
 * Errors: rejects with what does not hold, and the seed. Thread: any. Units: times in ms.
 */

import assert from 'node:assert/strict';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { Policies } from '../../src/main/policies/policies.ts';
import { parsePolicy } from '../../src/main/policies/policy.ts';
import type { MessageRequest, OperatorMessage } from '../../src/main/topics/message-operations.ts';
import { MessageOperations } from '../../src/main/topics/message-operations.ts';
import type { MessageFilter } from '../../src/shared/message-survey.ts';
import { recoverJournals } from '../../src/workers/disk/journal/journal-recovery.ts';
import { optionsWith } from '../support/broker-turns.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { idWords, publishedBytes } from '../support/message-bytes.ts';
import type { Random } from '../support/seeded-random.ts';
import { MessageFates } from './message-fates.ts';
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

/** The destination of moved messages from here is the topic for dead letters. */
const MOVED_FROM = CHANNELS[0];
const STEP_MS_MAX = 700;
const DELAY_MS_MAX = 900;
/** File calls until a kill, and turns in which it waits for them. */
const CALLS_TO_KILL = 12;
const TURNS_TO_KILL = 40;
const BODY_MAX = 64;
const STATES = ['ready', 'deferred', 'in-flight'] as const;

/** The results of a run. */
export type HandsFigures = {
  published: number;
  kills: number;
  killsInMoves: number;
  moved: number;
  finished: number;
  purged: number;
  listed: number;
};

/** Runs one seed. */
export function liveWithHands(seed: number, steps: number): Promise<HandsFigures> {
  return runSeed(seed, new HandsLife(seed, steps));
}

class HandsLife {
  step = 0;

  readonly #steps: number;
  readonly #random: Random;
  readonly #clock = new ManualClock();
  readonly #options;
  readonly #policies;
  readonly #figures: HandsFigures = {
    ...{ published: 0, kills: 0, killsInMoves: 0, moved: 0, finished: 0, purged: 0, listed: 0 },
  };
  readonly #fates = new MessageFates(CHANNELS);
  /** What was seen in the other topic. */
  readonly #moved = new Set<string>();
  /** The last page of each channel. */
  readonly #pages = new Map<string, readonly OperatorMessage[]>();
  /** The cursor of a listing of each channel. */
  readonly #cursors = new Map<string, string>();
  #disk = new MemoryFileSystem(DATA_PATH);
  #broker: PolicyBroker;
  #operations: MessageOperations;
  /** What the operator waits for. */
  #work: 'nothing' | 'list' | 'change' | 'move' = 'nothing';
  #purge: { readonly channel: string; readonly digit: string } | null = null;
  #failure: unknown;
  /** Counts the starts: what a broker of an earlier life says is not heard. */
  #life = 0;

  constructor(seed: number, steps: number) {
    this.#steps = steps;
    this.#random = randomOf(seed);
    this.#options = optionsWith({
      memQueueSize: [0, 0, 3, 10_000][this.#random(4)],
      maxBytesPerFile: 400 + this.#random(4000),
      msgTimeoutMs: MSG_TIMEOUT_MS,
      syncEvery: 1 + this.#random(50),
    });
    this.#policies = new Policies(this.#options);
    const safe = parsePolicy('safe', { pattern: '*', definition: { acknowledge: 'write' } });
    assert.ok(!(safe instanceof InvalidValue));
    this.#policies.restore([safe]);
    [this.#broker, this.#operations] = this.#open();
  }

  async run(): Promise<HandsFigures> {
    for (this.step = 1; this.step <= this.#steps; this.step++) {
      await this.#act();
      if (this.#failure !== undefined) throw this.#failure;
    }
    await this.#checkAll();
    return this.#figures;
  }

  async #act(): Promise<void> {
    const dice = this.#random(1000);
    if (dice < 620) await this.#broker.turn(this.#random(3));
    else if (dice < 690) this.#publish();
    else if (dice < 800) this.#answer();
    else if (dice < 830) this.#broker.setReady(this.#random(6), this.#random);
    else if (dice < 860) this.#clock.advance(this.#random(STEP_MS_MAX));
    else if (dice < 970) this.#handle();
    else if (dice < 985) await this.#broker.turns();
    else if (dice < 992) await this.#checkAll();
    else await this.#kill();
  }

  // Clients

  #publish(): void {
    const { topics, publisher } = this.#broker.core;
    const bodies = Array.from({ length: 1 + this.#random(9) }, () => {
      return String(++this.#figures.published).padStart(6, '0');
    });
    const deferMs = this.#random(4) === 0 ? 1 + this.#random(DELAY_MS_MAX) : 0;
    const bytes = publishedBytes(bodies);
    const batch = publisher.batch(bytes, 0, bytes.length, bodies.length, deferMs);
    for (const channel of CHANNELS) this.#fates.set(channel, bodies, 'published');
    const life = this.#life;
    this.#expect(
      publisher.publish(topics.getOrCreate(topicName(TOPIC)), batch).then(() => {
        if (life !== this.#life) return;
        for (const channel of CHANNELS) {
          const accepted = bodies.filter((body) => this.#fates.get(channel, body) === 'published');
          this.#fates.set(channel, accepted, 'held');
        }
      }),
    );
  }

  #answer(): void {
    const holding = this.#broker.consumers.filter(({ held }) => held.length > 0);
    if (holding.length === 0) return;
    const consumer = holding[this.#random(holding.length)];
    const [message] = consumer.held.splice(this.#random(consumer.held.length), 1);
    const { pump } = consumer.channel.topic;
    if (this.#random(3) === 0) pump.requeue(consumer.number, ...idWords(message.id), this.#delay());
    else this.#broker.finish(consumer, message);
  }

  #delay(): number {
    return this.#random(2) === 0 ? 0 : 1 + this.#random(DELAY_MS_MAX);
  }

  // The operator

  #handle(): void {
    if (this.#work !== 'nothing') return;
    const channel = CHANNELS[this.#random(CHANNELS.length)];
    const dice = this.#random(20);
    if (dice < 7) this.#list(channel);
    else if (dice < 10) this.#finishListed(channel);
    else if (dice < 13) this.#change(channel, dice === 12 ? 'touch' : 'requeue');
    else if (dice < 18) this.#move();
    else if (dice === 18) this.#pause(channel);
    else if (this.#random(3) === 0) this.#empty(channel);
    else this.#purgeSome(channel);
  }

  #list(channel: string): void {
    const cursor = this.#cursors.get(channel) ?? null;
    const gone = this.#fates.gone(channel);
    const limit = 1 + this.#random(30);
    this.#begin(
      'list',
      this.#operations.list({ ...this.#request(channel), cursor, limit }, BODY_MAX),
      (page) => {
        for (const body of bodiesOf(page.messages)) {
          assert.ok(!gone.has(body), `message ${body} of ${channel} is gone, and is listed`);
        }
        this.#figures.listed += page.messages.length;
        this.#pages.set(channel, page.messages);
        if (page.cursor === null) this.#cursors.delete(channel);
        else this.#cursors.set(channel, page.cursor);
      },
    );
  }

  #finishListed(channel: string): void {
    const messages = this.#someListed(channel);
    if (messages.length === 0) return;
    const gone = this.#fates.gone(channel);
    const before = messages.map(({ id, body }) => {
      const text = textOf(body);
      return { id, body: text, fate: this.#fates.get(channel, text) };
    });
    const ids = messages.map(({ id }) => id);
    for (const { body, fate } of before) {
      if (fate !== 'gone') this.#fates.set(channel, [body], 'unknown');
    }
    const request = { ...this.#request(channel, { ids }), limit: ids.length };
    this.#begin(
      'change',
      this.#operations.work(request, 'finish', 0, isWanted),
      ({ count, notFound }) => {
        const left = new Set(notFound);
        this.#figures.finished += count;
        for (const { id, body, fate } of before) {
          if (!left.has(id)) {
            assert.ok(!gone.has(body), `message ${body} of ${channel} is gone, and is finished`);
            this.#fates.set(channel, [body], 'gone');
          } else if (this.#fates.get(channel, body) === 'unknown')
            this.#fates.set(channel, [body], fate);
        }
      },
    );
  }

  #change(channel: string, work: 'requeue' | 'touch'): void {
    const ids = this.#someListed(channel).map(({ id }) => id);
    if (ids.length === 0) return;
    const request = { ...this.#request(channel, { ids }), limit: ids.length };
    const delayMs = work === 'requeue' ? this.#delay() : 0;
    this.#begin('change', this.#operations.work(request, work, delayMs, isWanted), () => undefined);
  }

  #move(): void {
    const match = this.#random(3) === 0 ? Buffer.from(String(this.#random(10))) : null;
    const request = { ...this.#request(MOVED_FROM, { match }), limit: 1 + this.#random(60) };
    this.#begin('move', this.#operations.move(request, topicName(DEAD), isWanted), (outcome) => {
      assert.equal(outcome.failure, null);
      this.#figures.moved += outcome.count;
    });
  }

  #pause(name: string): void {
    const channel = this.#channel(name);
    void this.#broker.core.topics.pauseChannel(channel, !channel.isPaused);
  }

  #empty(channel: string): void {
    this.#fates.mayRemove(channel, '');
    void this.#broker.core.topics.emptyChannel(this.#channel(channel));
  }

  #purgeSome(channel: string): void {
    const digit = String(this.#random(10));
    this.#purge = { channel, digit };
    this.#fates.mayRemove(channel, digit);
    const request = { ...this.#request(channel, { match: Buffer.from(digit) }), limit: 10_000 };
    this.#begin('change', this.#operations.work(request, 'finish', 0, isWanted), ({ count }) => {
      this.#figures.purged += count;
      this.#endPurge();
    });
  }

  /** Messages that have arrived meanwhile may be purged as well. */
  #endPurge(): void {
    if (this.#purge !== null) this.#fates.mayRemove(this.#purge.channel, this.#purge.digit);
    this.#purge = null;
  }

  /** Waits for an answer of the broker, unless the broker is killed first. */
  #begin<T>(what: 'list' | 'change' | 'move', answer: Promise<T>, onAnswer: (answer: T) => void) {
    this.#work = what;
    const life = this.#life;
    this.#expect(
      answer.then((value) => {
        if (life !== this.#life) return;
        this.#work = 'nothing';
        onAnswer(value);
      }),
    );
  }

  #expect(promise: Promise<unknown>): void {
    const life = this.#life;
    promise.catch((error: unknown) => {
      if (life === this.#life) this.#failure ??= error;
    });
  }

  #request(
    channel: string | null,
    filter: Partial<MessageFilter> = {},
  ): Omit<MessageRequest, 'limit'> {
    const all = { states: STATES, ids: null, sinceMs: 0, match: null };
    const topic = channel === DEAD_CHANNEL ? DEAD : TOPIC;
    return { topic, channel, filter: { ...all, ...filter }, cursor: null };
  }

  #someListed(channel: string): readonly OperatorMessage[] {
    const page = this.#pages.get(channel) ?? [];
    return page.slice(0, 1 + this.#random(3));
  }

  // Kills and checks

  async #kill(): Promise<void> {
    let image: MemoryFileSystem | undefined;
    let calls = 1 + this.#random(CALLS_TO_KILL);
    const isHalf = this.#random(3) === 0;
    const take = (): void => {
      if (--calls === 0) image = this.#disk.afterKill();
    };
    if (isHalf) this.#disk.onHalfWrite = take;
    else this.#disk.onCall = take;
    for (let turns = 0; turns < TURNS_TO_KILL && image === undefined; turns++) {
      await this.#broker.turn(turns % 3);
    }
    this.#figures.kills++;
    if (this.#work === 'move') this.#figures.killsInMoves++;
    this.#afterKill();
    this.#disk = image ?? this.#disk.afterKill();
    recoverJournals({ fileSystem: this.#disk, dataPath: DATA_PATH, log: () => undefined });
    this.#clock.advance(2 + this.#random(500));
    [this.#broker, this.#operations] = this.#open();
    await this.#noteDoubled();
    await this.#checkAll();
  }

  /** What was finished may be there again, and what was asked for may be done. */
  #afterKill(): void {
    this.#life++;
    this.#work = 'nothing';
    this.#endPurge();
    this.#pages.clear();
    this.#cursors.clear();
    for (const [key, { body }] of this.#broker.asked) {
      const { channel } = this.#broker.consumers[Number(key.split(' ')[0]) - 1];
      if (channel.name !== DEAD_CHANNEL) this.#fates.set(channel.name, [body], 'unknown');
    }
    this.#fates.afterKill();
  }

  #open(): [PolicyBroker, MessageOperations] {
    const broker = new PolicyBroker(this.#clock, this.#disk, this.#policies, this.#options, {
      finished: (channel, { body }) => {
        if (channel !== DEAD_CHANNEL) this.#fates.set(channel, [body], 'gone');
      },
      delivered: (channel, { body }) => this.#onDelivered(channel, body),
    });
    const { topics, publisher } = broker.core;
    const startTimeMs = 1 + this.#life;
    const clock = this.#clock;
    return [
      broker,
      new MessageOperations({ startTimeMs, topics, publisher, client: () => undefined, clock }),
    ];
  }

  #onDelivered(channel: string, body: string): void {
    if (channel === DEAD_CHANNEL) this.#moved.add(body);
    else {
      assert.notEqual(this.#fates.get(channel, body), 'gone', `message ${body} is delivered again`);
    }
  }

  /** A process that is killed between two files leaves messages in both. */
  async #noteDoubled(): Promise<void> {
    await this.#broker.turns();
    const waiting = await this.#all(null);
    for (const channel of CHANNELS) {
      this.#fates.noteDoubled(channel, waiting, await this.#all(channel));
    }
  }

  /** At rest each channel lists what it must have, once, and nothing that is gone. */
  async #checkAll(): Promise<void> {
    while (this.#work !== 'nothing') {
      await this.#broker.turns();
      this.#clock.advance(STEP_MS_MAX);
      if (this.#failure !== undefined) throw this.#failure;
    }
    await this.#broker.turns();
    for (const body of await this.#all(DEAD_CHANNEL)) this.#moved.add(body);
    // What the topic still has is on its way to both channels.
    const waiting = new Set(await this.#all(null));
    for (const channel of CHANNELS) {
      const bodies = await this.#all(channel);
      const listed = new Set(bodies);
      const once = bodies.filter((body) => !this.#fates.isDoubled(channel, body));
      assert.equal(new Set(once).size, once.length, `${channel} lists nothing twice`);
      for (const [body, fate] of this.#fates.of(channel)) {
        if (fate === 'gone') assert.ok(!listed.has(body), `message ${body} of ${channel} is gone`);
        if (fate !== 'held') continue;
        const isMoved = channel === MOVED_FROM && this.#moved.has(body);
        assert.ok(
          listed.has(body) || isMoved || waiting.has(body),
          `message ${body} of ${channel} is there`,
        );
      }
    }
  }

  /** Null lists the topic itself. */
  async #all(channel: string | null): Promise<string[]> {
    const bodies: string[] = [];
    let cursor: string | null = null;
    do {
      const request: MessageRequest = { ...this.#request(channel), cursor, limit: 100 };
      const listing = this.#operations.list(request, BODY_MAX);
      await this.#broker.turns();
      const page: Awaited<typeof listing> = await listing;
      bodies.push(...bodiesOf(page.messages));
      cursor = page.cursor;
    } while (cursor !== null);
    return bodies;
  }

  #channel(name: string) {
    const channel = this.#broker.channels.find((one) => one.name === name);
    assert.ok(channel !== undefined);
    return channel;
  }
}

const isWanted = (): boolean => true;

function bodiesOf(messages: readonly OperatorMessage[]): string[] {
  return messages.map(({ body }) => textOf(body));
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body).toString();
}
