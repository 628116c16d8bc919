/**
 * An operator who lists the messages of a simulated broker while it works, and at rest.
 *
 * What is gone when a page is asked for must not be on it, if an earlier page of the listing had it. What stays in its
 * place from before the first page until after the last one is listed. At rest a listing has every message exactly once.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { ChannelHandle, TopicHandle } from '../../src/main/topics/topic-map.ts';
import { readUint32 } from '../../src/shared/big-endian.ts';
import type { ControlReply } from '../../src/shared/control.ts';
import { FIRST_CURSOR, type SurveyCursor } from '../../src/shared/message-survey.ts';
import type { Random } from '../support/seeded-random.ts';
import { KEY_BYTES } from './bodies.ts';
import type { Ledger } from './ledger.ts';
import type { SimBroker } from './sim-broker.ts';
import type { Trace } from './trace.ts';

/** Most messages of a page. */
const PAGE_MAX = 7;
/** A listing that does not end with so many pages has larger ones, so that it ends before everything has moved. */
const SMALL_PAGES = 8;
const LARGER = 40;

/** A listing under way. */
type Listing = {
  readonly channel: ChannelHandle;
  cursor: SurveyCursor;
  readonly seen: Set<number>;
  /** The messages that the channel had at the start, and how often each had changed its place. */
  readonly moves: ReadonlyMap<number, number>;
  isAsking: boolean;
  pageCount: number;
};

export class SimLister {
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #trace: Trace;
  #listing: Listing | null = null;
  /** Messages that stayed in their places during a listing, over all listings. */
  stayedCount = 0;
  /** What did not hold in a page, for the next call. */
  #failure: unknown;

  constructor(random: Random, ledger: Ledger, trace: Trace) {
    this.#random = random;
    this.#ledger = ledger;
    this.#trace = trace;
  }

  /** The broker is stopped. */
  forget(): void {
    this.#listing = null;
  }

  /** Asks for the next page of a listing, or begins one. */
  act(broker: SimBroker): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#listing ??= this.#begin(broker);
    const listing = this.#listing;
    if (listing === null || listing.isAsking) return;
    const { channel } = listing;
    const isThere =
      broker.topics.get(channel.topic.name) === channel.topic &&
      channel.topic.channels.get(channel.name) === channel;
    if (!isThere) {
      this.#listing = null;
      return;
    }
    const held = this.#ledger.channels.get(channel.number)?.held;
    const gone = new Set([...listing.seen].filter((key) => held?.has(key) !== true));
    const share = ++listing.pageCount > SMALL_PAGES ? LARGER : 1;
    const limit = (1 + this.#random(PAGE_MAX)) * share;
    this.#trace.add(`list ${channel.topic.name}:${channel.name} ${listing.cursor} ${limit}`);
    listing.isAsking = true;
    ask(channel.topic, channel, listing.cursor, limit)
      .then((reply) => this.#onPage(listing, reply, gone))
      .catch((error: unknown) => {
        this.#failure = error;
      });
  }

  /** Lists all topics and channels, and compares. To be called at rest; `rest` lets the broker work until then. */
  async checkAll(broker: SimBroker, rest: (isDone: () => boolean) => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    for (const topic of broker.topics.values()) {
      const waiting = this.#ledger.topics.get(topic.number)?.waiting;
      assert.deepEqual(await this.#all(topic, null, rest), sorted(waiting ?? []));
      for (const channel of topic.channels.values()) {
        const model = this.#ledger.channels.get(channel.number);
        assert.ok(model !== undefined);
        const keys = await this.#all(topic, channel, rest);
        assert.equal(new Set(keys).size, keys.length, `${model.queueName} lists nothing twice`);
        for (const key of keys) assert.ok(model.held.has(key), `${model.queueName} has ${key}`);
        const missing = model.held.size - keys.length;
        assert.equal(missing, model.sampledOut, `${model.queueName} lists all that it has`);
      }
    }
  }

  async #all(
    topic: TopicHandle,
    channel: ChannelHandle | null,
    rest: (isDone: () => boolean) => Promise<void>,
  ): Promise<number[]> {
    const keys: number[] = [];
    let cursor: SurveyCursor | null = FIRST_CURSOR;
    while (cursor !== null) {
      let reply: ControlReply | null = null;
      void ask(topic, channel, cursor, 1 + this.#random(100)).then((got) => {
        reply = got;
      });
      await rest(() => reply !== null);
      const { survey, error } = reply as unknown as ControlReply;
      assert.equal(error, null);
      assert.ok(survey !== undefined);
      for (const { body } of survey.messages) keys.push(readUint32(body, 0));
      cursor = survey.cursor;
    }
    return sorted(keys);
  }

  #begin(broker: SimBroker): Listing | null {
    const topics = [...broker.topics.values()];
    if (topics.length === 0) return null;
    const channels = [...topics[this.#random(topics.length)].channels.values()];
    if (channels.length === 0) return null;
    const channel = channels[this.#random(channels.length)];
    const moves = this.#movesOf(channel);
    const cursor = FIRST_CURSOR;
    return { channel, cursor, seen: new Set(), moves, isAsking: false, pageCount: 0 };
  }

  #onPage(listing: Listing, { survey, error }: ControlReply, gone: ReadonlySet<number>): void {
    listing.isAsking = false;
    for (const { body } of survey?.messages ?? []) {
      const key = readUint32(body, 0);
      assert.ok(!gone.has(key), `message ${key} is gone, and was listed before`);
      listing.seen.add(key);
    }
    const cursor = survey?.cursor ?? null;
    if (cursor !== null) listing.cursor = cursor;
    else if (this.#listing === listing) {
      // Where files cannot be read the listing ends.
      if (error === null && survey !== undefined) this.#checkStayed(listing);
      this.#listing = null;
    }
  }

  #movesOf({ number }: ChannelHandle): Map<number, number> {
    const held = this.#ledger.channels.get(number)?.held ?? new Map();
    return new Map([...held].map(([key, { moves }]) => [key, moves]));
  }

  #checkStayed({ channel, seen, moves }: Listing): void {
    const now = this.#movesOf(channel);
    // Which of those that wait were sampled out is not known.
    const isSampled = (this.#ledger.channels.get(channel.number)?.sampledOut ?? 0) > 0;
    if (isSampled) return;
    for (const [key, count] of moves) {
      if (now.get(key) !== count) continue;
      this.stayedCount++;
      assert.ok(seen.has(key), `message ${key} stays in ${channel.name}, and is listed`);
    }
  }
}

function ask(
  topic: TopicHandle,
  channel: ChannelHandle | null,
  cursor: SurveyCursor,
  countMax: number,
): Promise<ControlReply> {
  return topic.pump.request({
    do: 'survey',
    topic: topic.number,
    channel: channel?.number ?? 0,
    survey: {
      filter: {
        states: ['ready', 'deferred', 'in-flight'],
        ...{ ids: null, sinceMs: 0, match: null },
      },
      ...{ work: 'list', delayMs: 0, cursor, isFilesFirst: false, countMax, bodyMax: KEY_BYTES },
    },
  });
}

function sorted(keys: Iterable<number>): number[] {
  return [...keys].sort((a, b) => a - b);
}
