/**
 * Publishes through one connection, several commands at a time, until it is stopped or the connection ends.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { dpub, mpub, pub } from '../../../src/protocol/commands.ts';
import { Connection } from '../../kit/connection.ts';
import type { Bodies } from './bodies.ts';
import type { Life } from './plan.ts';
import type { Publications } from './publications.ts';
import type { Violations } from './violations.ts';

const SMALL_BYTES_MAX = 300;
const MIDDLE_BYTES_MAX = 4000;
const LARGE_BYTES_MAX = 100_000;
const BATCH_MAX = 20;
const DELAY_MS_MAX = 3000;

/** The dependencies of a publisher. */
export type PublisherSetup = {
  readonly topics: readonly string[];
  readonly bodies: Bodies;
  readonly publications: Publications;
  readonly violations: Violations;
  readonly kills: number;
  readonly life: Life;
  /** The number of acknowledged messages. */
  onAcknowledged(count: number): void;
};

export class Publisher {
  /** Resolves when it has stopped. */
  readonly done: Promise<unknown>;
  readonly #setup: PublisherSetup;
  readonly #connection: Connection;
  #isStopped = false;

  static async start(port: number, setup: PublisherSetup): Promise<Publisher> {
    return new Publisher(await Connection.open(port), setup);
  }

  private constructor(connection: Connection, setup: PublisherSetup) {
    this.#connection = connection;
    this.#setup = setup;
    const lanes = Array.from({ length: setup.life.pipeline }, () => this.#publish());
    this.done = Promise.all(lanes);
  }

  /** Stops publishing. */
  stop(): void {
    this.#isStopped = true;
  }

  close(): void {
    this.stop();
    this.#connection.destroy();
  }

  async #publish(): Promise<void> {
    const { publications, violations, onAcknowledged, life } = this.#setup;
    while (!this.#isStopped && !this.#connection.hasEnded) {
      const { numbers, command } = this.#next();
      const answer = await this.#connection.ask(command);
      if (answer === 'OK') {
        publications.acknowledge(numbers);
        onAcknowledged(numbers.length);
      } else if (answer !== null) violations.add('refused', `a publish: ${answer}`);
      if (life.pauseMs > 0) await delay(life.pauseMs);
    }
  }

  #next(): { numbers: readonly number[]; command: Buffer } {
    const { random } = this.#setup.life;
    const { topics } = this.#setup;
    const topic = topics[random(topics.length)];
    const kind = random(100);
    if (kind < 60) {
      const { number, body } = this.#make(topic, 0);
      return { numbers: [number], command: pub(topic, body) };
    }
    if (kind < 80) {
      const delayMs = 1 + random(DELAY_MS_MAX);
      const { number, body } = this.#make(topic, delayMs);
      return { numbers: [number], command: dpub(topic, delayMs, body) };
    }
    const made = Array.from({ length: 1 + random(BATCH_MAX) }, () => this.#make(topic, 0));
    const bodies = made.map(({ body }) => body);
    return { numbers: made.map(({ number }) => number), command: mpub(topic, bodies) };
  }

  #make(topic: string, delayMs: number): { number: number; body: Buffer } {
    const { bodies, publications, kills } = this.#setup;
    const made = bodies.make(this.#size());
    const dueMs = delayMs === 0 ? 0 : Date.now() + delayMs;
    publications.send({ number: made.number, topic, size: made.body.length, dueMs, kills });
    return made;
  }

  #size(): number {
    const { random } = this.#setup.life;
    const kind = random(100);
    if (kind < 85) return 1 + random(SMALL_BYTES_MAX);
    if (kind < 98) return 1 + random(MIDDLE_BYTES_MAX);
    return 1 + random(LARGE_BYTES_MAX);
  }
}
