/**
 * Clients of several brokers that share their topics: publishers that switch to the next broker when one does not
 * answer, and a consumer of each channel at each broker.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { line, pub } from '../../../src/protocol/commands.ts';
import type { Clock } from '../../../src/shared/clock.ts';
import type { Random } from '../../../test/support/seeded-random.ts';
import { Connection, type Message } from '../../kit/connection.ts';
import type { Bodies } from '../crash/bodies.ts';
import type { Publications } from '../crash/publications.ts';
import type { ReplicatedLedger } from './replicated-ledger.ts';
import { ServiceGaps } from './service-gaps.ts';

/** Topics with their channels. */
export const TOPICS: Readonly<Record<string, readonly string[]>> = {
  'r.one': ['c'],
  'r.two': ['left', 'right'],
  'r.three': ['c'],
};

const PORT = 4150;
const BODY_BYTES = 200;
const READY = 50;
const HANDLING_MS_MAX = 40;
/** One in this many messages is requeued once. */
const GIVE_BACK_EVERY = 50;
const GIVE_BACK_MS_MAX = 1000;
/** A publisher switches to the next broker after this time without an answer. */
const PATIENCE_MS = 1000;
const RECONNECT_MS = 100;
/** How long a consumer waits for a broker that does not answer any more. */
const SILENCE_MS_MAX = 60_000;

export type LoadSetup = {
  readonly hosts: readonly string[];
  readonly bodies: Bodies;
  readonly publications: Publications;
  readonly ledger: ReplicatedLedger;
  readonly random: Random;
  readonly clock: Clock;
  /** The interval between two publishes of a publisher. */
  readonly pauseMs: number;
};

export class ReplicatedLoad {
  readonly publishGaps = new ServiceGaps();
  readonly deliveryGaps = new ServiceGaps();
  /** The reasons for refused publishes, and how often each occurred. */
  readonly refusals = new Map<string, number>();
  readonly #setup: LoadSetup;
  readonly #publishing: Promise<unknown>;
  readonly #consuming: Promise<unknown>;
  readonly #consumers = new Set<Connection>();
  #isPublishing = true;
  #isConsuming = true;

  constructor(setup: LoadSetup) {
    this.#setup = setup;
    const topics = Object.entries(TOPICS);
    const { hosts } = setup;
    this.#publishing = Promise.all(
      topics.flatMap(([topic]) => hosts.map((_, first) => this.#publish(topic, first))),
    );
    this.#consuming = Promise.all(
      topics.flatMap(([topic, channels]) =>
        channels.flatMap((channel) => hosts.map((host) => this.#consume(host, topic, channel))),
      ),
    );
  }

  async stopPublishing(): Promise<void> {
    this.#isPublishing = false;
    await this.#publishing;
  }

  async stopConsuming(): Promise<void> {
    this.#isConsuming = false;
    for (const connection of this.#consumers) connection.destroy();
    await this.#consuming;
  }

  async #publish(topic: string, first: number): Promise<void> {
    const { hosts, pauseMs } = this.#setup;
    for (let host = first; this.#isPublishing; host++) {
      const connection = await this.#connect(hosts[host % hosts.length]);
      if (connection === null) continue;
      while (this.#isPublishing && (await this.#publishOne(connection, topic))) {
        await pause(pauseMs);
      }
      connection.destroy();
      // Both may refuse at the same time.
      await pause(RECONNECT_MS);
    }
  }

  /** Returns whether the broker has accepted it. */
  async #publishOne(connection: Connection, topic: string): Promise<boolean> {
    const { bodies, publications, clock } = this.#setup;
    const { number, body } = bodies.make(BODY_BYTES);
    publications.send({ number, topic, size: body.length, dueMs: 0, kills: 0 });
    const answer = await Promise.race([
      connection.ask(pub(topic, body)),
      pause(PATIENCE_MS, 'no answer'),
    ]);
    if (answer === 'OK') {
      publications.acknowledge([number]);
      this.publishGaps.add(topic, clock.monotonicMs());
      return true;
    }
    const reason = answer ?? 'the connection is gone';
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
    return false;
  }

  async #consume(host: string, topic: string, channel: string): Promise<void> {
    while (this.#isConsuming) {
      const connection = await this.#connect(host, (from, message) => {
        void this.#handle(from, host, topic, channel, message);
      });
      if (connection === null) continue;
      this.#consumers.add(connection);
      if ((await connection.ask(line('SUB', topic, channel))) === 'OK') {
        connection.send(line('RDY', READY));
        await Promise.race([connection.ended, pause(SILENCE_MS_MAX, undefined, { ref: false })]);
      }
      connection.destroy();
      await connection.ended;
      this.#consumers.delete(connection);
    }
  }

  async #handle(
    connection: Connection,
    host: string,
    topic: string,
    channel: string,
    { id, body, attempts }: Message,
  ): Promise<void> {
    const { ledger, clock, random } = this.#setup;
    const nowMs = clock.monotonicMs();
    const place = `${host} at ${new Date().toISOString()} as attempt ${attempts} with id ${id}`;
    const [number, isFirst] = ledger.deliver(topic, channel, body, nowMs, place);
    if (isFirst) this.deliveryGaps.add(`${topic}/${channel}`, nowMs);
    await pause(random(HANDLING_MS_MAX));
    // Its FIN would be lost, and the message is redelivered after its timeout.
    if (connection.hasEnded) return;
    if (attempts === 1 && random(GIVE_BACK_EVERY) === 0) {
      ledger.giveBack(topic, channel, number, clock.monotonicMs());
      connection.send(line('REQ', id, random(GIVE_BACK_MS_MAX)));
      return;
    }
    ledger.finish(topic, channel, number, clock.monotonicMs());
    connection.send(line('FIN', id));
  }

  /** Null if the connection is refused, or there is no answer. */
  async #connect(
    host: string,
    onMessage: (from: Connection, message: Message) => void = () => undefined,
  ): Promise<Connection | null> {
    let opened: Connection | null = null;
    try {
      const opening = Connection.open(
        PORT,
        {
          onMessage: (message) => {
            if (opened !== null) onMessage(opened, message);
          },
        },
        host,
      );
      opened = await Promise.race([opening, pause(PATIENCE_MS, null)]);
      // A connection that opens too late is not used.
      if (opened === null) {
        opening.then(
          (late) => late.destroy(),
          () => undefined,
        );
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    if (opened === null) await pause(RECONNECT_MS);
    return opened;
  }
}
