/**
 * One run: a broker is started, killed and restarted on the same directory, under load. At the end all messages are
 * consumed and compared with what was acknowledged.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../test/support/seeded-random.ts';
import type { Ending } from '../../kit/broker.ts';
import { Bodies } from './bodies.ts';
import { ChannelLedger } from './channel-ledger.ts';
import { type CheckedServer, SingleServer } from './checked-server.ts';
import { Consumer } from './consumer.ts';
import { heldMessages } from './contents.ts';
import { MultiServer } from './multi-server.ts';
import { brokerFlags, type Life, planLife, randomFor, SETTLE_MS } from './plan.ts';
import { Publications } from './publications.ts';
import { Publisher } from './publisher.ts';
import { CHANNELS, createChannel, createTopic, TOPICS } from './topology.ts';
import { type Rule, Violations } from './violations.ts';

/** If nothing has arrived for this long and nothing is deferred, nothing more will arrive. */
const STANDSTILL_MS = 10_000;
const POLL_MS = 50;
const LATE_STEPS = 5;
const NS_PER_MS = 1e6;
/** How long the operations of one life may take before the broker is killed. */
const LIFE_MS_MAX = 60_000;
const END_MS_MAX = 60_000;
const READY_AT_END = 500;
/** Seeds of the run that no life uses. */
const AT_END = 1e6;
const OF_KILLS = 2e6;

/** The parameters of a run. */
export type CrashSetup = {
  readonly seed: number;
  readonly crashes: number;
  /** With 0 everything that was acknowledged must survive; otherwise only what a clean shutdown has written. */
  readonly memQueueSize: number;
  readonly server?: string | undefined;
  /** Checks `ringmq multi` with this many brokers. */
  readonly brokers?: number | undefined;
  readonly dataPath: string;
  /** Rules that the broker does not claim to keep. */
  readonly ignored?: readonly Rule[];
  /** Flags in addition to those that the seed chooses. */
  readonly flags?: readonly string[];
  /** Reports the progress. */
  onProgress?(text: string): void;
};

/** The results of a run. */
export type CrashFigures = {
  readonly lives: number;
  readonly kills: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly deliveries: number;
  readonly redeliveries: number;
  readonly finishes: number;
  /** Messages that had to stay deferred over a kill or a restart. */
  readonly deferralsKept: number;
  readonly longestStartMs: number;
};

export class CrashRun {
  readonly violations: Violations;
  readonly #setup: CrashSetup;
  readonly #flags: readonly string[];
  readonly #bodies = new Bodies();
  readonly #publications = new Publications();
  readonly #ledgers: ChannelLedger[] = [];
  readonly #startMs = Date.now();
  readonly #killRandom: Random;
  readonly #lateness = monitorEventLoopDelay();
  #broker: CheckedServer | null = null;
  #consumers: Consumer[] = [];
  #publishers: Publisher[] = [];
  #lives = 0;
  #kills = 0;
  #operations = 0;
  #longestStartMs = 0;
  #lastDeliveryMs = 0;

  constructor(setup: CrashSetup) {
    this.#setup = setup;
    this.#killRandom = randomFor(setup.seed, OF_KILLS);
    this.violations = new Violations(setup.ignored);
    this.#flags = [...brokerFlags(setup.seed, setup.memQueueSize), ...(setup.flags ?? [])];
  }

  /** The flags that the seed has chosen. */
  get flags(): readonly string[] {
    return this.#flags;
  }

  get figures(): CrashFigures {
    const sum = (of: (ledger: ChannelLedger) => number): number =>
      this.#ledgers.reduce((total, ledger) => total + of(ledger), 0);
    return {
      lives: this.#lives,
      kills: this.#kills,
      published: this.#bodies.count,
      acknowledged: this.#publications.acknowledgedCount,
      deliveries: sum((ledger) => ledger.deliveries),
      redeliveries: sum((ledger) => ledger.redeliveries),
      finishes: sum((ledger) => ledger.finishes),
      deferralsKept: sum((ledger) => ledger.deferralsKept),
      longestStartMs: this.#longestStartMs,
    };
  }

  /** Runs to its end, or to the first life with a violation. Errors: rejects if the broker cannot start. */
  async run(): Promise<void> {
    this.#lateness.enable();
    try {
      while (this.#kills < this.#setup.crashes && this.violations.total === 0) await this.#live();
      await this.#finish();
    } finally {
      this.#lateness.disable();
      this.#closeClients();
      await this.#broker?.destroy();
    }
  }

  /** On a busy machine the broker is as late as this process, in each of the steps of a sync. */
  get #settleMs(): number {
    return SETTLE_MS + (LATE_STEPS * this.#lateness.max) / NS_PER_MS;
  }

  async #live(): Promise<void> {
    const life = planLife(this.#setup.seed, this.#lives);
    this.#say(`life ${this.#lives + 1}: ${life.end}`);
    this.#lives++;
    const broker = this.#launch();
    if (life.end === 'kill at the start' && this.#lives > 1) {
      await Promise.race([broker.ended, delay(life.delayMs)]);
      await this.#kill(broker);
      return;
    }
    await this.#listening(broker);
    await this.#createDue(broker);
    const startOperations = this.#operations;
    await this.#startClients(broker, life);
    await this.#until(
      () => this.#operations - startOperations >= life.operations || broker.hasEnded,
      LIFE_MS_MAX,
    );
    await this.#end(broker, life);
  }

  async #end(broker: CheckedServer, life: Life): Promise<void> {
    if (broker.hasEnded) this.violations.add('unclean end', `by itself:\n${broker.log}`);
    switch (life.end) {
      case 'quiet kill':
        for (const consumer of this.#consumers) consumer.hold();
        await delay(this.#settleMs + POLL_MS);
        break;
      case 'drained kill':
        await this.#drain(broker);
        await delay(this.#settleMs + POLL_MS);
        break;
      case 'kill at the end':
        void broker.stop();
        await Promise.race([broker.ended, delay(life.delayMs)]);
        break;
      case 'clean':
        await this.#stop(broker);
        return;
    }
    await this.#kill(broker);
  }

  #launch(): CheckedServer {
    const { server, dataPath, brokers } = this.#setup;
    const flags = this.#flags;
    const random = this.#killRandom;
    this.#broker =
      brokers === undefined
        ? new SingleServer({ server, dataPath, flags })
        : new MultiServer({ dataPath, flags, brokers, random });
    return this.#broker;
  }

  async #listening(broker: CheckedServer): Promise<void> {
    const sinceMs = performance.now();
    await broker.listening();
    this.#longestStartMs = Math.max(this.#longestStartMs, performance.now() - sinceMs);
  }

  async #createDue(
    broker: CheckedServer,
    share = this.#kills / this.#setup.crashes,
  ): Promise<void> {
    if (this.#bodies.count === 0) {
      for (const topic of TOPICS) await createTopic(broker, topic);
    }
    for (const planned of CHANNELS) {
      const { topic, channel: name, after } = planned;
      const siblings = this.#ledgers.filter((ledger) => ledger.topic === topic);
      if (after > share || siblings.some((ledger) => ledger.name === name)) continue;
      await createChannel(broker, planned);
      const firstNumber = siblings.length === 0 ? 0 : this.#bodies.count;
      this.#ledgers.push(
        new ChannelLedger(
          {
            name,
            topic,
            firstNumber,
            publications: this.#publications,
            violations: this.violations,
            settleMs: () => this.#settleMs,
            startMs: this.#startMs,
          },
          this.#kills,
        ),
      );
    }
  }

  async #startClients(broker: CheckedServer, life: Life): Promise<void> {
    for (const ledger of this.#ledgers) {
      for (let count = 1 + life.random(2); count > 0; count--) {
        await this.#startConsumers(broker, ledger, life);
      }
    }
    for (let count = life.publishers; count > 0; count--) {
      this.#publishers.push(
        await Publisher.start(broker.tcpPort, {
          topics: TOPICS,
          bodies: this.#bodies,
          publications: this.#publications,
          violations: this.violations,
          kills: this.#kills,
          life,
          onAcknowledged: (acknowledged) => {
            this.#operations += acknowledged;
          },
        }),
      );
    }
  }

  /** One at each broker. */
  async #startConsumers(
    { brokers }: CheckedServer,
    ledger: ChannelLedger,
    life: Pick<Life, 'readyCount' | 'random'>,
  ): Promise<void> {
    for (const { tcpPort } of brokers) await this.#startConsumer(tcpPort, ledger, life);
  }

  async #startConsumer(
    port: number,
    ledger: ChannelLedger,
    { readyCount, random }: Pick<Life, 'readyCount' | 'random'>,
  ): Promise<void> {
    const consumer = await Consumer.start(port, {
      ledger,
      bodies: this.#bodies,
      publications: this.#publications,
      violations: this.violations,
      readyCount,
      random,
      onDelivered: () => {
        this.#operations++;
        this.#lastDeliveryMs = Date.now();
      },
    });
    this.#consumers.push(consumer);
  }

  /** Finishes all messages. The ledgers report those that do not arrive. */
  async #drain(broker: CheckedServer): Promise<boolean> {
    for (const publisher of this.#publishers) publisher.stop();
    await Promise.all(this.#publishers.map((publisher) => publisher.done));
    for (const consumer of this.#consumers) consumer.finishAll();
    this.#lastDeliveryMs = Date.now();
    let held = await heldMessages(broker);
    while (held.count > 0 && Date.now() - this.#lastDeliveryMs < STANDSTILL_MS) {
      this.#say(`draining, ${held.count} left`);
      await delay(POLL_MS);
      held = await heldMessages(broker);
    }
    if (held.count > 0) {
      this.violations.add('left over', `${held.count} messages that do not arrive: ${held.text}`);
    } else {
      for (const ledger of this.#ledgers) ledger.drained();
    }
    return held.count === 0;
  }

  async #kill(broker: CheckedServer): Promise<void> {
    const killMs = Date.now();
    await broker.kill();
    this.#closeClients();
    await Promise.all(this.#publishers.map((publisher) => publisher.done));
    for (const ledger of this.#ledgers) ledger.kill(killMs);
    this.#kills++;
    if (this.#setup.memQueueSize > 0) this.#publications.excuseAll();
    this.#forgetClients();
  }

  async #stop(broker: CheckedServer): Promise<void> {
    const stopMs = Date.now();
    const ending = await Promise.race([broker.stop(), delay(END_MS_MAX, null, { ref: false })]);
    if (!isOrderly(ending)) {
      this.violations.add('unclean end', `${JSON.stringify(ending)} after SIGTERM:\n${broker.log}`);
      await broker.destroy();
    }
    this.#closeClients();
    for (const ledger of this.#ledgers) ledger.stop(stopMs);
    this.#forgetClients();
  }

  /** Everything must arrive; afterwards the broker must be empty, also after a restart. */
  async #finish(): Promise<void> {
    const random = randomFor(this.#setup.seed, AT_END);
    for (let round = 0; round < 2; round++) {
      const broker = this.#launch();
      await this.#listening(broker);
      if (round === 0) await this.#createDue(broker, 1);
      for (const ledger of this.#ledgers) {
        await this.#startConsumers(broker, ledger, { readyCount: READY_AT_END, random });
      }
      await this.#drain(broker);
      await this.#stop(broker);
    }
    for (const ledger of this.#ledgers) ledger.checkEnd();
  }

  #closeClients(): void {
    for (const client of [...this.#publishers, ...this.#consumers]) client.close();
  }

  #forgetClients(): void {
    this.#publishers = [];
    this.#consumers = [];
  }

  async #until(isSo: () => boolean, timeoutMs: number): Promise<void> {
    const endMs = Date.now() + timeoutMs;
    while (!isSo() && Date.now() < endMs) await delay(1);
  }

  #say(what: string): void {
    const { acknowledged, deliveries } = this.figures;
    const { crashes, onProgress } = this.#setup;
    onProgress?.(
      `${this.#kills}/${crashes} kills, ${acknowledged} acknowledged, ${deliveries} deliveries; ${what}`,
    );
  }
}

function isOrderly(ending: Ending | null): boolean {
  return ending?.code === 0;
}
