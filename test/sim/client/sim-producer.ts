/**
 * A program that publishes numbers, each of them once, and records the outcomes.
 *
 * Thread: any.
 */

import type { Environment } from '../../../src/client/environment.ts';
import { NsqError } from '../../../src/client/nsq-error.ts';
import { Producer, type PublishOptions } from '../../../src/client/producer.ts';
import type { ClientWatch } from './client-watch.ts';
import type { SimNsqd } from './sim-nsqd.ts';
import type { SimWorld } from './sim-world.ts';

/** The possible reasons for a failed publish. */
const EXPECTED: ReadonlySet<string> = new Set([
  'TIMED_OUT',
  'CLOSED',
  'CONNECTION_LOST',
  'E_PUB_FAILED',
  'E_MPUB_FAILED',
  'E_DPUB_FAILED',
]);
const ABORTED = 'aborted';
const CLOSE_MS_MAX = 3000;

export class SimProducer {
  readonly watch: ClientWatch;
  readonly #world: SimWorld;
  readonly #name: string;
  readonly #producer: Producer;
  readonly #isOrdered: boolean;
  readonly #isResending: boolean;
  readonly #timeoutMs: number;
  /** Bodies that a broker must have. */
  readonly accepted = new Set<string>();
  #count = 0;
  #pendingCount = 0;
  #isClosed = false;

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
    this.#isOrdered = world.chance(30);
    this.#isResending = world.chance(75);
    this.#timeoutMs = world.oneOf([500, 5000, Number.POSITIVE_INFINITY]);
    this.#producer = new Producer(
      {
        nsqd: this.#isOrdered ? nsqd.slice(0, 1) : nsqd,
        ordered: this.#isOrdered,
        resendAfterLoss: this.#isResending,
        batching: world.chance(80),
        maxBatchMessages: world.oneOf([2, 1000]),
        maxUnansweredBytes: world.oneOf([10, 4_000_000]),
        timeoutMs: this.#timeoutMs,
        heartbeatIntervalMs: 1000,
        connectTimeoutMs: 1500,
        maxReconnectMs: 800,
      },
      environment,
    );
    this.#producer.on('error', (error) => {
      world.trace.add(`${name} ${error.code}`);
      world.require(error.code !== 'PROTOCOL_ERROR', `${name} tells of ${error.message}`);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Publishes some numbers. */
  publish(): void {
    const count = this.#world.between(1, 6);
    if (this.#world.chance(15)) {
      this.#follow(
        Array.from({ length: count }, () => this.#nextBody()),
        true,
        {},
      );
      return;
    }
    for (let i = 0; i < count; i++) this.#follow([this.#nextBody()], false, this.#options());
  }

  close(): void {
    const deadlineMs = this.#world.random(CLOSE_MS_MAX);
    void this.#producer.close({ deadlineMs }).then(() => {
      this.#isClosed = true;
      this.#world.require(this.#pendingCount === 0, `${this.#name} closes before all is settled`);
      const { timerCount } = this.watch.clock;
      this.#world.require(timerCount <= 1, `${this.#name} is closed with ${timerCount} timers`);
      this.#world.trace.add(`${this.#name} is closed`);
    });
  }

  /** Checks the messages that the brokers have accepted. */
  checkTaken(brokers: readonly SimNsqd[]): void {
    const own = brokers.map(({ taken }) =>
      taken.filter((body) => body.startsWith(`${this.#name}.`)),
    );
    const all = own.flat();
    const taken = new Set(all);
    for (const body of this.accepted) {
      this.#world.require(taken.has(body), `${body} is accepted, and no broker has it`);
    }
    if (!this.#isResending) {
      this.#world.require(all.length === taken.size, `${this.#name} publishes something twice`);
    }
    if (!this.#isOrdered) return;
    // one that was given up may come from a connection that was given up, whenever that is read
    const first = [...new Set(own[0])].filter((body) => this.accepted.has(body));
    const numbers = first.map((body) => Number(body.split('.')[1]));
    const ordered = numbers.toSorted((a, b) => a - b);
    this.#world.require(
      numbers.every((number, index) => number === ordered[index]),
      `${this.#name} publishes out of order: ${numbers.join(' ')}`,
    );
  }

  #options(): PublishOptions {
    // what is due later may overtake, and so may what is aborted and comes again
    if (this.#isOrdered) return {};
    const delayMs = this.#world.chance(10) ? this.#world.between(1, 300) : 0;
    if (!this.#world.chance(10)) return { delayMs };
    const abort = new AbortController();
    this.#world.clock.after(this.#world.random(300), () => abort.abort(ABORTED));
    return { delayMs, signal: abort.signal };
  }

  #follow(bodies: readonly string[], isMany: boolean, options: PublishOptions): void {
    this.#pendingCount += bodies.length;
    const published = isMany
      ? this.#producer.publishMany('t', bodies, options)
      : this.#producer.publish('t', bodies[0], options);
    published.then(
      () => {
        this.#pendingCount -= bodies.length;
        for (const body of bodies) this.accepted.add(body);
      },
      (error: unknown) => {
        this.#pendingCount -= bodies.length;
        this.#onFailure(error);
      },
    );
  }

  #onFailure(error: unknown): void {
    if (error === ABORTED) return;
    const code = error instanceof NsqError ? error.code : String(error);
    this.#world.trace.add(`${this.#name} fails: ${code}`);
    this.#world.require(EXPECTED.has(code), `${this.#name} rejects with ${code}`);
  }

  #nextBody(): string {
    return `${this.#name}.${this.#count++}`;
  }
}
