/**
 * Replicated topics over a fake store, from a seed: brokers that publish, consume, lose the store, are held up by it
 * and forgotten by it, in an order that the seed decides. What was acknowledged comes to each channel whose `SUB` was
 * answered before, and is finished in the end.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import { dpub, line, mpub, pub } from '../../src/protocol/commands.ts';
import { type FakeSocket, messagesOf } from '../support/fake-socket.ts';
import { framesOf, ReplicatedSite } from '../support/replicated-site.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';
import { runSeed, type SeededRun } from './run-seed.ts';

const TOPICS = ['r1', 'r2'];
const CHANNELS = ['left', 'right'];
const BROKERS = 2;
const CONSUMERS_MAX = 6;
const READY = 3;
const DELAY_MS_MAX = 3000;
const ADVANCE_MS_MAX = 4000;
/** At the end, when all faults are over. */
const ROUNDS_MAX = 400;

export type ReplicatedCounts = {
  readonly published: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly redelivered: number;
};

type Publisher = {
  readonly socket: FakeSocket;
  /** What is not answered yet, the oldest first: the bodies, and the channels that get them. */
  readonly sent: { readonly bodies: readonly string[]; readonly channels: readonly string[] }[];
};

type Consumer = {
  readonly socket: FakeSocket;
  readonly key: string;
  seen: number;
  isOn: boolean;
};

class ReplicatedLife implements SeededRun<ReplicatedCounts> {
  step = 0;

  readonly #random: Random;
  readonly #steps: number;
  readonly #print: (line: string) => void;
  readonly #site = new ReplicatedSite(BROKERS);
  readonly #publishers: (Publisher | null)[] = Array.from({ length: BROKERS }, () => null);
  #consumers: Consumer[] = [];
  /** Channels that a consumer was told of, with what they have to get, and what they have finished. */
  readonly #wanted = new Map<string, Set<string>>();
  readonly #finished = new Map<string, Set<string>>();
  #release: (() => void) | null = null;
  #published = 0;
  #acknowledged = 0;
  #refused = 0;
  #redelivered = 0;

  constructor(seed: number, steps: number, print: (line: string) => void) {
    this.#random = seededRandom(seed);
    this.#steps = steps;
    this.#print = print;
    for (const store of this.#site.stores) store.loses = () => this.#random(15) === 0;
  }

  async run(): Promise<ReplicatedCounts> {
    while (++this.step <= this.#steps) {
      await this.#act();
      this.#read(() => this.#random(4));
      await this.#site.turns();
    }
    await this.#heal();
    for (let round = 0; this.#missing().length > 0; round++) {
      assert.ok(
        round < ROUNDS_MAX,
        `missing in the end: ${this.#missing().slice(0, 5).join(', ')}`,
      );
      this.#read(() => 0);
      await this.#site.advance(1000);
    }
    return {
      published: this.#published,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      redelivered: this.#redelivered,
    };
  }

  async #act(): Promise<void> {
    const { server, stores, brokers } = this.#site;
    const dice = this.#random(100);
    const broker = this.#random(BROKERS);
    if (dice < 40) await this.#publish(broker);
    else if (dice < 50) await this.#subscribe(broker);
    else if (dice < 54) this.#leave();
    else if (dice < 60) this.#holdAnswers(this.#random(2) === 0);
    else if (dice < 64) this.#holdOpenings();
    else if (dice < 67) server.openError = this.#random(2) === 0 ? 'no space is left' : null;
    else if (dice < 71) this.#setAbsence(stores[broker], this.#random(2) === 0 ? 'away' : null);
    else if (dice < 74) brokers[broker].areStreamsRunning = this.#random(2) === 0;
    else if (dice < 76) {
      server.areStalled = true;
      server.mendingAttempt = this.#random(2);
    } else await this.#site.advance(this.#random(ADVANCE_MS_MAX));
    this.#print(`${this.step} ${dice} at broker ${broker}`);
  }

  async #publish(broker: number): Promise<void> {
    let publisher = this.#publishers[broker];
    if (publisher === null || publisher.socket.hasEnded) {
      publisher = { socket: await this.#site.client(this.#site.brokers[broker]), sent: [] };
      this.#publishers[broker] = publisher;
    }
    const topic = this.#oneOf(TOPICS);
    const bodies = Array.from({ length: 1 + this.#random(3) }, () => String(this.#published++));
    const channels = [...this.#wanted.keys()].filter((key) => key.startsWith(`${topic}:`));
    publisher.sent.push({ bodies, channels });
    if (bodies.length > 1) publisher.socket.send(mpub(topic, bodies));
    else if (this.#random(3) > 0) publisher.socket.send(pub(topic, bodies[0]));
    else publisher.socket.send(dpub(topic, this.#random(DELAY_MS_MAX), bodies[0]));
  }

  async #subscribe(broker: number): Promise<void> {
    if (this.#consumers.length >= CONSUMERS_MAX) return;
    const [topic, channel] = [this.#oneOf(TOPICS), this.#oneOf(CHANNELS)];
    await this.#consume(broker, `${topic}:${channel}`);
  }

  async #consume(broker: number, key: string): Promise<void> {
    const [topic, channel] = key.split(':');
    const words = [line('SUB', topic, channel), line('RDY', READY)];
    const socket = await this.#site.client(this.#site.brokers[broker], ...words);
    this.#consumers.push({ socket, key, seen: 0, isOn: false });
  }

  /** A consumer leaves with its messages. */
  #leave(): void {
    if (this.#consumers.length === 0) return;
    this.#consumers.splice(this.#random(this.#consumers.length), 1)[0].socket.end();
  }

  #holdAnswers(isHeld: boolean): void {
    const { server } = this.#site;
    server.holdsAnswers = isHeld;
    if (!isHeld) for (const answer of server.unanswered.splice(0)) answer(null);
  }

  /** Openings wait until the next call. */
  #holdOpenings(): void {
    if (this.#release !== null) {
      this.#release();
      this.#release = null;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#site.server.opening = promise;
    this.#release = resolve;
  }

  #setAbsence(store: ReplicatedSite['stores'][number], reason: string | null): void {
    if (store.absence !== reason) store.setAbsence(reason);
  }

  /** Reads what clients have got. `decide` says what is done with a message: 0 and 1 finish it, 2 gives it back. */
  #read(decide: () => number): void {
    for (const publisher of this.#publishers) if (publisher !== null) this.#readAnswers(publisher);
    for (const consumer of this.#consumers) this.#readMessages(consumer, decide);
    this.#consumers = this.#consumers.filter(({ socket }) => !socket.hasEnded);
  }

  #readAnswers({ socket, sent }: Publisher): void {
    for (const frame of framesOf(socket)) {
      const first = sent.shift();
      assert.ok(first !== undefined, `an answer to nothing: ${frame}`);
      if (frame !== 'response OK') {
        this.#refused += first.bodies.length;
        continue;
      }
      this.#acknowledged += first.bodies.length;
      for (const key of first.channels) {
        for (const body of first.bodies) this.#wanted.get(key)?.add(body);
      }
    }
  }

  #readMessages(consumer: Consumer, decide: () => number): void {
    const { socket, key } = consumer;
    for (const frame of framesOf(socket)) {
      if (frame === 'response OK' && !consumer.isOn) {
        consumer.isOn = true;
        if (!this.#wanted.has(key)) this.#wanted.set(key, new Set());
      } else if (frame.startsWith('message')) assert.ok(consumer.isOn, 'no message before the OK');
    }
    const came = messagesOf(socket.written);
    for (const { id, body } of came.slice(consumer.seen)) {
      assert.ok(Number(body) < this.#published, `nobody has published ${body}`);
      const finished = this.#finished.get(key) ?? new Set();
      this.#finished.set(key, finished);
      if (finished.has(body)) this.#redelivered++;
      const choice = decide();
      if (choice <= 1) {
        socket.send(line('FIN', id));
        finished.add(body);
      } else if (choice === 2) socket.send(line('REQ', id, this.#random(DELAY_MS_MAX)));
    }
    consumer.seen = came.length;
  }

  /** From now on everything works, and each channel has a consumer at each broker. */
  async #heal(): Promise<void> {
    const { server, stores, brokers } = this.#site;
    this.#holdAnswers(false);
    this.#release?.();
    server.openError = null;
    server.areStalled = false;
    for (const broker of brokers) broker.areStreamsRunning = true;
    for (const store of stores) {
      store.loses = () => false;
      this.#setAbsence(store, null);
    }
    await this.#site.advance(1000);
    this.#read(() => 0);
    for (const { socket } of this.#consumers) socket.end();
    this.#consumers = [];
    await this.#site.advance(1000);
    for (const key of this.#wanted.keys()) {
      for (let broker = 0; broker < BROKERS; broker++) await this.#consume(broker, key);
    }
  }

  #missing(): string[] {
    return [...this.#wanted].flatMap(([key, bodies]) => {
      const finished = this.#finished.get(key);
      return [...bodies]
        .filter((body) => finished?.has(body) !== true)
        .map((body) => `${key} ${body}`);
    });
  }

  #oneOf(names: readonly string[]): string {
    return names[this.#random(names.length)];
  }
}

/** Runs a seed. Errors: rejects with the violation. */
export function replicatedLife(
  seed: number,
  steps: number,
  print: (line: string) => void = () => undefined,
): Promise<ReplicatedCounts> {
  const replay = `node scripts/simulate.ts --replicated --seed ${seed} --steps ${steps} --trace`;
  return runSeed(seed, new ReplicatedLife(seed, steps, print), replay);
}
