/**
 * A program that consumes: its handlers succeed, fail, take time, and answer themselves, at random.
 *
 * Thread: any.
 */

import { Consumer } from '../../../src/client/consumer.ts';
import type { Environment } from '../../../src/client/environment.ts';
import type { Message } from '../../../src/client/message.ts';
import type { NsqError } from '../../../src/client/nsq-error.ts';
import { type BackoffOptions, BackoffRules } from './backoff-rules.ts';
import type { ClientWatch } from './client-watch.ts';
import type { SimWorld } from './sim-world.ts';

/** Errors that are acceptable when connections break and messages time out. */
const EXPECTED: ReadonlySet<string> = new Set([
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'E_FIN_FAILED',
  'E_REQ_FAILED',
  'E_TOUCH_FAILED',
]);
const CLOSE_MS_MAX = 2000;
/** The deadline for closing connections. Units: ms. */
const END_MS = 1000;

type Settings = BackoffOptions & {
  readonly maxInFlight: number;
  readonly maxAttempts: number;
  readonly msgTimeoutMs: number;
};

export class SimConsumer {
  readonly watch: ClientWatch;
  readonly #world: SimWorld;
  readonly #name: string;
  readonly #settings: Settings;
  readonly #rules: BackoffRules;
  readonly #consumer: Consumer;
  /** How often each message may be finished. */
  readonly #done = new Map<string, number>();
  #maxInFlight: number;
  #closing: Promise<void> | null = null;
  #closeByMs = Number.POSITIVE_INFINITY;
  #isClosed = false;
  #runningCount = 0;
  /** Whether handlers fail and take their time. */
  isMoody = true;

  constructor(
    name: string,
    nsqd: readonly string[],
    world: SimWorld,
    environment: Environment,
    watch: ClientWatch,
  ) {
    this.#name = name;
    this.#world = world;
    this.watch = watch;
    const jitter = world.oneOf([0, 0.3, 1]);
    const backoffMs = world.oneOf([10, 100]);
    this.#settings = {
      maxInFlight: world.between(1, 12),
      maxAttempts: world.oneOf([0, 0, 2, 4]),
      backoffMs,
      maxBackoffMs: world.oneOf([0, 5, 400, 2000]),
      jitter,
      msgTimeoutMs: world.oneOf([300, 2000]),
    };
    this.#maxInFlight = this.#settings.maxInFlight;
    this.#rules = new BackoffRules(name, this.#settings, world);
    this.#consumer = new Consumer(
      {
        topic: 't',
        channel: 'c',
        nsqd,
        ...this.#settings,
        autoTouch: world.chance(70),
        requeueDelayMs: world.oneOf([0, 50]),
        maxRequeueDelayMs: 300,
        heartbeatIntervalMs: 1000,
        connectTimeoutMs: 1500,
        maxReconnectMs: 800,
        onDiscard: (message) => this.#onDiscard(message),
      },
      environment,
    );
    this.#consumer.on('error', (error) => this.#onError(error));
    this.#consumer.on('backoff', (level, delayMs) => this.#rules.onBackoff(level, delayMs));
    this.#consumer.on('resume', () => this.#rules.onResume());
    this.#start();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  /** What must hold after each step. */
  check(): void {
    this.#rules.check(this.watch.rdy, this.#maxInFlight);
    for (const [id, count] of this.watch.finished) {
      const done = this.#done.get(id) ?? 0;
      this.#world.require(
        count <= done,
        `${this.#name} finishes ${id} ${count} times, done ${done} times`,
      );
    }
    const { inFlightCount, waitingCount } = this.#consumer.stats();
    this.#world.require(inFlightCount >= 0 && waitingCount >= 0, `${this.#name} counts wrongly`);
    if (this.#isClosed || this.#world.clock.monotonicMs() < this.#closeByMs) return;
    this.#world.fail(`${this.#name} does not close by its deadline`);
  }

  /** Performs a random action of an operator. */
  disturb(): void {
    const choice = this.#world.random(10);
    if (choice < 3) this.#consumer.pause();
    else if (choice < 7) this.#consumer.resume();
    else {
      this.#maxInFlight = this.#world.between(1, 12);
      this.#consumer.setMaxInFlight(this.#maxInFlight);
    }
    this.#world.trace.add(`${this.#name} ${choice} ${this.#maxInFlight}`);
  }

  /** From now on it works without faults. */
  settleDown(): void {
    this.isMoody = false;
    this.#consumer.resume();
  }

  close(): void {
    if (this.#closing !== null) return;
    const deadlineMs = this.#world.random(CLOSE_MS_MAX);
    this.#world.trace.add(`${this.#name} closes in ${deadlineMs}`);
    this.#closeByMs = this.#world.clock.monotonicMs() + deadlineMs + END_MS + CLOSE_MS_MAX;
    this.#closing = this.#consumer.close({ deadlineMs });
    void this.#closing.then(() => {
      this.#isClosed = true;
      const { inFlightCount, connectionCount } = this.#consumer.stats();
      this.#world.require(
        connectionCount === 0 && this.watch.links.length === 0,
        `${this.#name} is closed, and connected`,
      );
      const { timerCount } = this.watch.clock;
      this.#world.require(timerCount === 0, `${this.#name} is closed with ${timerCount} timers`);
      this.#world.require(inFlightCount === 0, `${this.#name} is closed with ${inFlightCount}`);
      this.#world.trace.add(`${this.#name} is closed`);
    });
  }

  #start(): void {
    if (this.#world.chance(70)) {
      const concurrency = this.#world.between(1, 15);
      void this.#consumer.run((message) => this.#handle(message, concurrency), { concurrency });
    } else {
      const readers = this.#world.between(1, 3);
      for (let i = 0; i < readers; i++) void this.#read();
    }
  }

  async #read(): Promise<void> {
    for await (const message of this.#consumer) {
      if (this.isMoody && this.#world.chance(20)) await this.#world.pause(this.#world.random(600));
      if (this.isMoody && this.#world.chance(20)) {
        await message.requeue({ delayMs: this.#world.random(100) });
      } else await this.#finish(message);
      // a program that stops reading, and starts again
      if (this.isMoody && this.#world.chance(3)) break;
    }
    if (this.#closing === null) void this.#read();
  }

  #handle(message: Message, concurrency: number): unknown {
    this.#runningCount++;
    this.#world.require(
      this.#runningCount <= concurrency,
      `${this.#name} runs ${this.#runningCount} handlers of ${concurrency}`,
    );
    if (!this.isMoody) return this.#succeed(message);
    const choice = this.#world.random(100);
    if (choice < 50) return this.#succeed(message);
    if (choice < 62) {
      this.#runningCount--;
      throw new Error('it fails');
    }
    return this.#handleLater(message, choice);
  }

  #succeed(message: Message): void {
    this.#runningCount--;
    this.#allow(message);
  }

  async #handleLater(message: Message, choice: number): Promise<void> {
    try {
      await this.#world.pause(this.#world.random(choice < 95 ? 200 : 2500));
      if (choice < 70) throw new Error('it fails later');
      if (choice < 75) {
        await this.#finish(message);
        throw new Error('it fails when it is done');
      }
      if (choice < 80) {
        const delayMs = this.#world.random(100);
        await message.requeue({ delayMs, backoff: this.#world.chance(50) });
        const isAgain = await message.finish();
        this.#world.require(!isAgain, `${this.#name} answers ${message.id} twice`);
      }
      if (choice < 85) await message.touch();
      this.#allow(message);
    } finally {
      this.#runningCount--;
    }
  }

  async #finish(message: Message): Promise<void> {
    this.#allow(message);
    await message.finish();
  }

  /** From now on the message may be finished. */
  #allow(message: Message): void {
    this.#done.set(message.id, (this.#done.get(message.id) ?? 0) + 1);
  }

  async #onDiscard(message: Message): Promise<void> {
    await this.#world.pause(this.#world.random(50));
    if (this.isMoody && this.#world.chance(30)) throw new Error('nowhere to put it');
    this.#allow(message);
  }

  #onError({ code, message }: NsqError): void {
    this.#world.trace.add(`${this.#name} ${code}`);
    this.#world.require(EXPECTED.has(code), `${this.#name} tells of ${code}: ${message}`);
  }
}
