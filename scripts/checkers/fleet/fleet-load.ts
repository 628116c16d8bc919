/**
 * Producers and consumers of a fleet, which record the outcome and the latency of each message.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { Consumer } from '../../../src/client/consumer.ts';
import type { NsqError } from '../../../src/client/nsq-error.ts';
import { Producer } from '../../../src/client/producer.ts';
import type { Clock } from '../../../src/shared/clock.ts';
import { Durations } from '../../bench/percentiles.ts';

const TOPIC = 'fleet';
const CHANNEL = 'check';
const CONSUMERS = 2;
/** The interval between two publishes of a producer, or two groups of them. */
const TICK_MS = 5;
const MS_PER_SECOND = 1000;
const LOOK_MS = 20;
/** Messages that are still missing after this many checks are lost. */
const LOOKS_MAX = 3000;

/** The latencies of a part of the run. Units: ms. */
export class Phase {
  /** From the call of publish to its answer. */
  readonly publishes = new Durations();
  /** From the call of publish to the handler. */
  readonly deliveries = new Durations();
}

/** A message on its way. */
type Sent = { readonly atMs: number; readonly phase: Phase };

export class FleetLoad {
  acceptedCount = 0;
  handledCount = 0;
  duplicateCount = 0;
  /** Failures that clients handled themselves, by code. */
  readonly handledErrors = new Map<string, number>();
  /** Failures that reached the program. */
  readonly faults: string[] = [];
  /** The part of the run that new messages belong to. */
  phase = new Phase();

  readonly #clock: Clock;
  readonly #producers: readonly Producer<string>[];
  readonly #consumers: readonly Consumer<string>[];
  /** By number, until the handler has received it. */
  readonly #sent = new Map<number, Sent>();
  readonly #seen = new Set<number>();
  readonly #publishing: Promise<unknown>;
  #nextNumber = 0;
  #isPublishing = true;

  /** `rate`: messages per second of all producers; there is one for each broker. */
  constructor(addresses: readonly string[], lookupd: string, rate: number, clock: Clock) {
    this.#clock = clock;
    this.#consumers = Array.from(
      { length: CONSUMERS },
      () => new Consumer<string>({ topic: TOPIC, channel: CHANNEL, lookupd: [lookupd] }),
    );
    // Each begins with its own broker.
    this.#producers = addresses.map(
      (_, first) =>
        new Producer<string>({ nsqd: [...addresses.slice(first), ...addresses.slice(0, first)] }),
    );
    for (const client of [...this.#consumers, ...this.#producers]) {
      client.on('error', ({ code }: NsqError) => {
        this.handledErrors.set(code, (this.handledErrors.get(code) ?? 0) + 1);
      });
    }
    for (const consumer of this.#consumers) {
      consumer.on('failure', (error) => this.#fail('handler', error));
      void consumer
        .run((message) => this.#handle(Number(message.text())))
        .catch((error: unknown) => this.#fail('run', error));
    }
    const each = rate / this.#producers.length;
    this.#publishing = Promise.all(
      this.#producers.map((producer) => this.#publish(producer, each)),
    );
  }

  /** Whether every consumer is connected to this many brokers. Resolves when that is so. */
  async untilConnected(brokerCount: number): Promise<void> {
    await this.#until(() =>
      this.#consumers.every((consumer) => consumer.stats().connectionCount === brokerCount),
    );
  }

  /**
   * Stops publishing. Resolves with the number of accepted messages that no handler has received, when everything is
   * closed.
   */
  async finish(): Promise<number> {
    this.#isPublishing = false;
    await this.#publishing;
    for (const producer of this.#producers) await producer.close();
    // Messages that are missing when the time is over are part of the result.
    await this.#until(() => this.#sent.size === 0).catch(() => undefined);
    for (const consumer of this.#consumers) await consumer.close();
    return this.#sent.size;
  }

  async #publish(producer: Producer<string>, rate: number): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    let count = 0;
    const open = new Set<Promise<void>>();
    while (this.#isPublishing) {
      const due = ((this.#clock.monotonicMs() - startMs) * rate) / MS_PER_SECOND;
      for (; count < due; count++) {
        const one = this.#publishOne(producer).finally(() => open.delete(one));
        open.add(one);
      }
      await pause(TICK_MS);
    }
    await Promise.all(open);
  }

  async #publishOne(producer: Producer<string>): Promise<void> {
    const number = this.#nextNumber++;
    const sent = { atMs: this.#clock.monotonicMs(), phase: this.phase };
    this.#sent.set(number, sent);
    try {
      await producer.publish(TOPIC, String(number));
      this.acceptedCount++;
      sent.phase.publishes.add(this.#clock.monotonicMs() - sent.atMs);
    } catch (error) {
      this.#sent.delete(number);
      this.#fail('publish', error);
    }
  }

  #handle(number: number): void {
    const sent = this.#sent.get(number);
    if (this.#seen.has(number)) this.duplicateCount++;
    else this.handledCount++;
    this.#seen.add(number);
    if (sent === undefined) return;
    this.#sent.delete(number);
    sent.phase.deliveries.add(this.#clock.monotonicMs() - sent.atMs);
  }

  #fail(what: string, error: unknown): void {
    this.faults.push(`${what}: ${String(error)}`);
  }

  /** Errors: rejects if that does not happen within a minute. */
  async #until(isSo: () => boolean): Promise<void> {
    for (let look = 0; look < LOOKS_MAX; look++) {
      if (isSo()) return;
      await pause(LOOK_MS);
    }
    throw new Error('the consumers are not where they should be after a minute');
  }
}
