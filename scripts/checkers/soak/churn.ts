/**
 * Load with constant changes: a steady stream through one topic, and next to it topics, channels and connections that
 * are created, used and removed again.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { dpub, line, mpub, pub } from '../../../src/protocol/commands.ts';
import type { Random } from '../../../test/support/seeded-random.ts';
import type { BrokerProcess } from '../../kit/broker.ts';
import { Connection } from '../../kit/connection.ts';

const STEADY_TOPIC = 'steady';
const STEADY_CHANNELS = ['first', 'second'];
const TURN_MS = 20;
const BATCH_MAX = 50;
const BODY_BYTES_MAX = 400;
const READY_COUNT = 500;
const REQUEUE_SHARE = 100;
const REQUEUE_MS_MAX = 2000;
const DEFER_SHARE = 10;
const GUESTS = 4;
const GUEST_MESSAGES = 20;
const PAUSE_MS_MAX = 500;

/** The counts so far. */
export type ChurnCounts = {
  published: number;
  finished: number;
  /** Topics that were created and deleted, each with a channel and connections. */
  guests: number;
  /** Unexpected answers. */
  refused: string[];
};

export class Churn {
  readonly counts: ChurnCounts = { published: 0, finished: 0, guests: 0, refused: [] };
  readonly #broker: BrokerProcess;
  readonly #rate: number;
  readonly #random: Random;
  #isOn = true;

  /** Units: `rate` in messages per second. */
  constructor(broker: BrokerProcess, rate: number, random: Random) {
    this.#broker = broker;
    this.#rate = rate;
    this.#random = random;
  }

  /** The number of finishes to expect when everything that was published has been consumed. */
  get expectedFinishes(): number {
    return this.counts.published * STEADY_CHANNELS.length;
  }

  /** Continues until it is stopped, and until everything that was published has arrived or the broker has ended. */
  async run(): Promise<void> {
    const consumers = await Promise.all(
      STEADY_CHANNELS.map((channel) => this.#consume(STEADY_TOPIC, channel)),
    );
    const guests = Array.from({ length: GUESTS }, (_, lane) => this.#guests(lane));
    await Promise.all([this.#publishSteadily(), ...guests]);
    const endMs = performance.now() + 10 * REQUEUE_MS_MAX;
    while (this.counts.finished < this.expectedFinishes && performance.now() < endMs) {
      await delay(TURN_MS);
    }
    for (const consumer of consumers) consumer.destroy();
  }

  stop(): void {
    this.#isOn = false;
  }

  async #publishSteadily(): Promise<void> {
    const connection = await Connection.open(this.#broker.tcpPort);
    const startMs = performance.now();
    let sent = 0;
    while (this.#isOn && !connection.hasEnded) {
      const due = ((performance.now() - startMs) / 1000) * this.#rate;
      const answers: Promise<void>[] = [];
      while (sent < due) {
        const count = 1 + this.#random(BATCH_MAX);
        sent += count;
        answers.push(this.#ask(connection, this.#command(count), count));
      }
      await Promise.all([...answers, delay(TURN_MS)]);
    }
    connection.destroy();
  }

  #command(count: number): Buffer {
    if (count === 1 && this.#random(DEFER_SHARE) > 0) return pub(STEADY_TOPIC, this.#body());
    if (count === 1) return dpub(STEADY_TOPIC, this.#random(REQUEUE_MS_MAX), this.#body());
    return mpub(
      STEADY_TOPIC,
      Array.from({ length: count }, () => this.#body()),
    );
  }

  async #ask(connection: Connection, command: Buffer, count: number): Promise<void> {
    const answer = await connection.ask(command);
    if (answer === 'OK') this.counts.published += count;
    else this.counts.refused.push(answer ?? 'the end of the connection');
  }

  #consume(topic: string, channel: string): Promise<Connection> {
    return subscribed(this.#broker.tcpPort, topic, channel, (connection, id) => {
      if (this.#random(REQUEUE_SHARE) === 0) {
        connection.send(line('REQ', id, this.#random(REQUEUE_MS_MAX)));
        return;
      }
      connection.send(line('FIN', id));
      this.counts.finished++;
    });
  }

  /** Topics that are published to, consumed, and deleted, or left by their last consumer. */
  async #guests(lane: number): Promise<void> {
    for (let count = 0; this.#isOn; count++) {
      const isEphemeral = this.#random(2) === 0;
      const topic = `guest-${lane}-${count}${isEphemeral ? '#ephemeral' : ''}`;
      const channel = isEphemeral ? 'channel#ephemeral' : 'channel';
      await this.#visit(topic, channel);
      if (!isEphemeral) await this.#broker.ask(`/topic/delete?topic=${topic}`, 'POST');
      this.counts.guests++;
      await delay(this.#random(PAUSE_MS_MAX));
    }
  }

  async #visit(topic: string, channel: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = GUEST_MESSAGES;
    const consumer = await subscribed(this.#broker.tcpPort, topic, channel, (connection, id) => {
      connection.send(line('FIN', id));
      left--;
      if (left === 0) resolve();
    });
    const publisher = await Connection.open(this.#broker.tcpPort);
    const bodies = Array.from({ length: GUEST_MESSAGES }, () => this.#body());
    const answer = await publisher.ask(mpub(topic, bodies));
    if (answer === 'OK') await Promise.race([promise, consumer.ended]);
    else this.counts.refused.push(answer ?? 'the end of the connection');
    consumer.destroy();
    publisher.destroy();
    await Promise.all([consumer.ended, publisher.ended]);
  }

  #body(): Buffer {
    return Buffer.alloc(1 + this.#random(BODY_BYTES_MAX), 's');
  }
}

async function subscribed(
  port: number,
  topic: string,
  channel: string,
  onMessage: (connection: Connection, id: string) => void,
): Promise<Connection> {
  const connection = await Connection.open(port, {
    onMessage: ({ id }) => onMessage(connection, id),
  });
  const answer = await connection.ask(line('SUB', topic, channel));
  if (answer !== 'OK') throw new Error(`subscribe to "${topic}/${channel}": ${answer}`);
  connection.send(line('RDY', READY_COUNT));
  return connection;
}
