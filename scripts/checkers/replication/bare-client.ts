/**
 * A bare JetStream client next to the brokers, on the same servers with the same faults: messages that it misses too
 * were lost by the store.
 *
 * As in RingMQ, it has a stream for each replicated topic and a durable pull consumer for each channel; its publishers
 * wait for each acknowledgement, its consumers acknowledge each message.
 *
 * Units: ms, monotonic.
 */

import { setTimeout as pause } from 'node:timers/promises';
import {
  AckPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { TOPICS } from './replicated-load.ts';
import { ServiceGaps } from './service-gaps.ts';

const BODY_BYTES = 200;
const REPLICAS = 3;
const NS_PER_MS = 1e6;
/** As in RingMQ. */
const ACK_WAIT_MS = 15_000;
const ANSWER_MS = 3000;
const FETCH_MS = 3000;
const FETCH_COUNT = 50;
const RETRY_MS = 100;
const RECONNECT_MS = 250;

type BareStream = {
  readonly name: string;
  readonly subject: string;
  readonly acknowledged: Set<number>;
  /** The messages that each consumer has received. */
  readonly came: ReadonlyMap<string, Set<number>>;
};

/** The messages that a consumer has missed. */
export type BareMissing = { readonly place: string; readonly count: number };

export class BareClient {
  readonly publishGaps = new ServiceGaps();
  readonly deliveryGaps = new ServiceGaps();
  readonly #nowMs: () => number;
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #streams: readonly BareStream[];
  readonly #working: Promise<unknown>[] = [];
  #count = 0;
  #isPublishing = true;
  #isConsuming = true;

  /** Creates its streams and begins. Units: `pauseMs` between two publishes. */
  static async start(servers: string, pauseMs: number, nowMs: () => number): Promise<BareClient> {
    const nc = await connect({
      servers: servers.split(','),
      name: 'bare',
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      pingInterval: 1000,
      maxPingOut: 1,
    });
    const client = new BareClient(nc, nowMs);
    await client.#create(await jetstreamManager(nc));
    client.#begin(pauseMs);
    return client;
  }

  private constructor(nc: NatsConnection, nowMs: () => number) {
    this.#nc = nc;
    this.#js = jetstream(nc, { timeout: ANSWER_MS });
    this.#nowMs = nowMs;
    this.#streams = Object.entries(TOPICS).map(([topic, channels]) => {
      const name = `bare_${topic.replaceAll('.', '_')}`;
      const came = new Map(channels.map((channel) => [channel, new Set<number>()]));
      return { name, subject: `${name}.t`, acknowledged: new Set(), came };
    });
  }

  get acknowledgedCount(): number {
    return this.#streams.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  }

  /** Acknowledged messages that have not arrived, by consumer. */
  missing(): BareMissing[] {
    return this.#streams.flatMap(({ name, acknowledged, came }) =>
      [...came].map(([channel, numbers]) => ({
        place: `${name}/${channel}`,
        count: [...acknowledged].filter((number) => !numbers.has(number)).length,
      })),
    );
  }

  stopPublishing(): void {
    this.#isPublishing = false;
  }

  async end(): Promise<void> {
    this.#isPublishing = false;
    this.#isConsuming = false;
    await Promise.all(this.#working);
    await this.#nc.close();
  }

  async #create({ streams, consumers }: JetStreamManager): Promise<void> {
    for (const { name, subject, came } of this.#streams) {
      await streams.add({
        name,
        subjects: [subject],
        retention: RetentionPolicy.Interest,
        num_replicas: REPLICAS,
      });
      for (const channel of came.keys()) {
        await consumers.add(name, {
          durable_name: channel,
          ack_policy: AckPolicy.Explicit,
          ack_wait: ACK_WAIT_MS * NS_PER_MS,
        });
      }
    }
  }

  #begin(pauseMs: number): void {
    for (const stream of this.#streams) {
      this.#working.push(this.#publish(stream, pauseMs));
      for (const [channel, numbers] of stream.came) {
        this.#working.push(this.#consume(stream.name, channel, numbers));
      }
    }
  }

  async #publish({ name, subject, acknowledged }: BareStream, pauseMs: number): Promise<void> {
    while (this.#isPublishing) {
      const number = this.#count++;
      const body = Buffer.alloc(BODY_BYTES);
      body.writeUInt32BE(number);
      try {
        await this.#js.publish(subject, body, { timeout: ANSWER_MS });
        acknowledged.add(number);
        this.publishGaps.add(name, this.#nowMs());
        await pause(pauseMs);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // The stream has no leader now, or the answer is late: the message counts as not acknowledged.
        await pause(RETRY_MS);
      }
    }
  }

  async #consume(stream: string, channel: string, numbers: Set<number>): Promise<void> {
    while (this.#isConsuming) {
      try {
        const consumer = await this.#js.consumers.get(stream, channel);
        while (this.#isConsuming) {
          const messages = await consumer.fetch({ max_messages: FETCH_COUNT, expires: FETCH_MS });
          for await (const message of messages) {
            const number = Buffer.from(message.data).readUInt32BE();
            if (!numbers.has(number)) {
              numbers.add(number);
              this.deliveryGaps.add(`${stream}/${channel}`, this.#nowMs());
            }
            message.ack();
          }
        }
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // For example, its leader is lost.
        await pause(RETRY_MS);
      }
    }
  }
}
