/**
 * The time from publish to delivery of replicated topics, compared with a bare JetStream client on the same servers.
 */

import { setTimeout as pause } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { line, pub } from '../../../src/protocol/commands.ts';
import { SystemClock } from '../../../src/shared/clock.ts';
import { Durations } from '../../bench/percentiles.ts';
import type { BrokerProcess } from '../../kit/broker.ts';
import { Connection } from '../../kit/connection.ts';

/** The body of all messages that are published. */
export const BODY = Buffer.alloc(200, 'x');
const STAMP_BYTES = 8;
const MS_PER_SECOND = 1000;
/** The last messages of a turn are on their way for at most this long. */
const SETTLE_MS = 500;
const READY = 500;
const clock = new SystemClock();

/** Units: `rate` in messages a second. */
export type LatenciesOptions = {
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
  /** With its own connection. */
  readonly otherClient: JetStreamClient;
  readonly brokers: readonly BrokerProcess[];
  readonly rate: number;
  readonly turnMs: number;
};

/** Times from publish to delivery, over all counted rounds. */
export class Latencies {
  readonly #options: LatenciesOptions;
  readonly #bare = new Durations();
  readonly #bareApart = new Durations();
  readonly #ringmq = new Durations();

  constructor(options: LatenciesOptions) {
    this.#options = options;
  }

  /** One turn of each. */
  async round(round: number): Promise<void> {
    const { client, otherClient } = this.#options;
    await this.#measureBare(`bare-${round}`, client, round === 0 ? null : this.#bare);
    const apart = round === 0 ? null : this.#bareApart;
    await this.#measureBare(`bare-apart-${round}`, otherClient, apart);
    await this.#measureRingmq(`r3.latency-${round}`, round === 0 ? null : this.#ringmq);
  }

  print(): void {
    const [bare, apart, ringmq] = [this.#bare, this.#bareApart, this.#ringmq].map(
      (durations) => durations.percentiles() ?? { p50: Number.NaN, p99: Number.NaN },
    );
    const show = (what: string, { p50, p99 }: { p50: number; p99: number }): void => {
      const times = what === 'RingMQ' ? '' : `: RingMQ ${(ringmq.p50 / p50).toFixed(2)} ×`;
      console.log(`  ${what}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(1)} ms${times}`);
    };
    console.log(`publish to delivery at ${this.#options.rate}/s, R3`);
    show('bare, one connection', bare);
    show('bare, a connection each', apart);
    show('RingMQ', ringmq);
  }

  async #measureBare(
    stream: string,
    consumer: JetStreamClient,
    durations: Durations | null,
  ): Promise<void> {
    const { manager, client, rate, turnMs } = this.#options;
    await addStream(manager, stream, 3);
    let isCounted = false;
    const messages = await (await consumer.consumers.get(stream, 'c')).consume({
      max_messages: READY,
      callback: (message) => {
        if (isCounted) durations?.add(ageOf(message.data));
        message.ack();
      },
    });
    const publish = (body: Buffer): Promise<unknown> => client.publish(stream, body);
    await atRate(publish, rate, turnMs / 4);
    isCounted = true;
    await atRate(publish, rate, turnMs);
    await messages.close();
    await manager.streams.delete(stream);
  }

  async #measureRingmq(topic: string, durations: Durations | null): Promise<void> {
    const { brokers, rate, turnMs } = this.#options;
    const [one, other] = brokers;
    let isCounted = false;
    await one.ask(`/topic/create?topic=${topic}`, 'POST');
    const consumer: Connection = await Connection.open(other.tcpPort, {
      onMessage: ({ id, body }) => {
        if (isCounted) durations?.add(ageOf(body));
        consumer.send(line('FIN', id));
      },
    });
    await consumer.ask(line('SUB', topic, 'c'));
    consumer.send(line('RDY', READY));
    const publisher = await Connection.open(one.tcpPort);
    const publish = (body: Buffer): Promise<unknown> => publisher.ask(pub(topic, body));
    await atRate(publish, rate, turnMs / 4);
    isCounted = true;
    await atRate(publish, rate, turnMs);
    consumer.destroy();
    publisher.destroy();
    await one.ask(`/topic/delete?topic=${topic}`, 'POST');
  }
}

/** Publishes at the rate, whether answers arrive or not. Resolves when they have arrived. */
async function atRate(
  publish: (body: Buffer) => Promise<unknown>,
  rate: number,
  forMs: number,
): Promise<void> {
  const startMs = clock.monotonicMs();
  const answers: Promise<unknown>[] = [];
  for (let sent = 0; clock.monotonicMs() - startMs < forMs; ) {
    const due = ((clock.monotonicMs() - startMs) * rate) / MS_PER_SECOND;
    for (; sent < due; sent++) answers.push(publish(stamped()));
    await pause(1);
  }
  await Promise.all(answers);
  await pause(SETTLE_MS);
}

/** A body with the time when it was made. */
function stamped(): Buffer {
  const body = Buffer.from(BODY);
  body.writeDoubleBE(clock.monotonicMs());
  return body;
}

function ageOf(body: Uint8Array): number {
  const stamp = Buffer.from(body.buffer, body.byteOffset, STAMP_BYTES);
  return clock.monotonicMs() - stamp.readDoubleBE();
}

/** A stream like that of a topic, with a consumer like that of a channel. */
export async function addStream(
  manager: JetStreamManager,
  name: string,
  replicas: number,
): Promise<void> {
  await manager.streams.add({
    name,
    subjects: [name],
    storage: StorageType.File,
    retention: RetentionPolicy.Interest,
    num_replicas: replicas,
  });
  await manager.consumers.add(name, {
    durable_name: 'c',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: 100_000,
  });
}
