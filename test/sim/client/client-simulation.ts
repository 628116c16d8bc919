/**
 * Runs producers, consumers and brokers from a seed: which bytes arrive, what breaks, what programs do and how time
 * passes are all drawn from it. Then nothing breaks any more, and everything must come to its end: what a broker has
 * accepted is handled, nothing is answered twice or elsewhere, and every client closes.
 *
 * Errors: rejects with what does not hold, and in which step.
 * Thread: any.
 */

import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Address } from '../../../src/client/address.ts';
import type { Environment } from '../../../src/client/environment.ts';
import { runSeed } from '../run-seed.ts';
import { ClientWatch } from './client-watch.ts';
import { SimConsumer } from './sim-consumer.ts';
import { SimLink } from './sim-link.ts';
import { SimNsqd } from './sim-nsqd.ts';
import { SimProducer } from './sim-producer.ts';
import { SimWorld } from './sim-world.ts';

/** Rounds within which everything must end. */
const ROUNDS_TO_END = 4000;
const ALL_BYTES = 1_000_000;

export type ClientSimulationOptions = {
  readonly seed: number;
  readonly steps: number;
  readonly print?: ((line: string) => void) | undefined;
};

/** The results of a run. */
export type ClientSimulationResult = {
  readonly hash: string;
  readonly acceptedCount: number;
  readonly takenCount: number;
  readonly connectionCount: number;
};

/** Runs one seed. Errors: see above; the error names the seed. */
export async function simulateClients(
  options: ClientSimulationOptions,
): Promise<ClientSimulationResult> {
  const { seed, steps } = options;
  const simulation = new ClientSimulation(options);
  const onRejection = (reason: unknown): void => simulation.onRejection(reason);
  process.on('unhandledRejection', onRejection);
  try {
    const replay = `node scripts/simulate-clients.ts --seed ${seed} --steps ${steps} --trace`;
    return await runSeed(seed, simulation, replay);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
}

class ClientSimulation {
  step = 0;
  readonly #steps: number;
  readonly #world: SimWorld;
  readonly #brokers: SimNsqd[];
  readonly #producers: SimProducer[];
  readonly #consumers: SimConsumer[] = [];
  #links: SimLink[] = [];
  #connectionCount = 0;
  #consumerCount = 0;

  constructor({ seed, steps, print }: ClientSimulationOptions) {
    this.#steps = steps;
    this.#world = new SimWorld(seed, print);
    const addresses = ['one:4150', 'two:4150', 'three:4150'].slice(0, this.#world.between(1, 3));
    this.#brokers = addresses.map((address) => new SimNsqd(address, this.#world));
    this.#producers = Array.from({ length: this.#world.between(1, 2) }, (_, index) => {
      const name = `p${index}`;
      const watch = new ClientWatch(name, this.#world);
      return new SimProducer(name, addresses, this.#world, this.#environment(watch), watch);
    });
    const consumerCount = this.#world.between(1, 3);
    for (let i = 0; i < consumerCount; i++) this.#addConsumer();
  }

  onRejection(reason: unknown): void {
    this.#world.fail(
      `nobody handles the rejection ${reason instanceof Error ? reason.stack : reason}`,
    );
  }

  async run(): Promise<ClientSimulationResult> {
    while (this.step < this.#steps) {
      this.#disturb();
      await this.#settle();
    }
    await this.#recover();
    const acceptedCount = this.#producers.reduce((sum, { accepted }) => sum + accepted.size, 0);
    const takenCount = this.#brokers.reduce((sum, { taken }) => sum + taken.length, 0);
    const connectionCount = this.#connectionCount;
    return { hash: this.#world.trace.digest(), acceptedCount, takenCount, connectionCount };
  }

  /** Makes one event happen. */
  #disturb(): void {
    const world = this.#world;
    const choice = world.random(1000);
    if (choice < 560) this.#carry();
    else if (choice < 760) world.clock.advance(world.between(1, 40));
    else if (choice < 880) world.oneOf(this.#producers).publish();
    else if (choice < 920) world.clock.advance(world.between(40, 700));
    else if (choice < 950) this.#damage();
    else if (choice < 970) world.oneOf(this.#consumers).disturb();
    else if (choice < 985) this.#toggle(world.oneOf(this.#brokers));
    else if (choice < 995) this.#replaceConsumer();
    else world.clock.advance(world.between(700, 4000));
  }

  #carry(): void {
    const busy = this.#links.filter((link) => !link.isIdle);
    if (busy.length === 0) return;
    const count = this.#world.chance(20) ? this.#world.between(1, 30) : ALL_BYTES;
    this.#world.oneOf(busy).carry(count);
  }

  #damage(): void {
    if (this.#links.length === 0) return;
    const link = this.#world.oneOf(this.#links);
    const choice = this.#world.random(10);
    if (choice < 5) link.cutAfter(this.#world.random(400));
    else if (choice < 8) link.cut();
    else link.mute();
  }

  #toggle(broker: SimNsqd): void {
    const { world } = broker;
    if (world.chance(30)) {
      broker.refusalPercent = broker.refusalPercent === 0 ? 20 : 0;
      return;
    }
    broker.isDown = !broker.isDown;
    world.trace.add(`${broker.address} is ${broker.isDown ? 'down' : 'up'}`);
    if (broker.isDown) broker.dropAll(world.chance(50));
  }

  #replaceConsumer(): void {
    const open = this.#consumers.filter(({ isClosing }) => !isClosing);
    if (open.length > 0 && (open.length > 2 || this.#world.chance(50))) {
      this.#world.oneOf(open).close();
    } else this.#addConsumer();
  }

  #addConsumer(): void {
    const name = `c${this.#consumerCount++}`;
    const watch = new ClientWatch(name, this.#world);
    const addresses = this.#brokers.map(({ address }) => address);
    const environment = this.#environment(watch);
    this.#consumers.push(new SimConsumer(name, addresses, this.#world, environment, watch));
  }

  /** The consequences of earlier events. */
  async #settle(): Promise<void> {
    this.step++;
    await setImmediate();
    this.#links = this.#links.filter((link) => !link.isOver || !link.isIdle);
    for (const consumer of this.#consumers) consumer.check();
    this.#world.check();
  }

  /** From now on nothing breaks. */
  async #recover(): Promise<void> {
    for (const broker of this.#brokers) {
      broker.isDown = false;
      broker.refusalPercent = 0;
    }
    for (const consumer of this.#consumers) consumer.settleDown();
    this.#addConsumer();
    this.#consumers.at(-1)?.settleDown();
    await this.#until(
      () => this.#producers.every(({ pendingCount }) => pendingCount === 0),
      'settled',
    );
    await this.#until(
      () => this.#brokers.every(({ messageCount }) => messageCount === 0),
      'handled',
    );
    for (const producer of this.#producers) producer.close();
    await this.#until(
      () => this.#producers.every(({ isClosed }) => isClosed),
      'closed by producers',
    );
    for (const consumer of this.#consumers) consumer.close();
    await this.#until(
      () => this.#consumers.every(({ isClosed }) => isClosed),
      'closed by consumers',
    );
    await this.#until(() => this.#brokers.every(({ sessionCount }) => sessionCount === 0), 'left');
    for (const producer of this.#producers) producer.checkTaken(this.#brokers);
    this.#world.check();
  }

  /** Everything arrives, and time passes, until this holds. */
  async #until(holds: () => boolean, what: string): Promise<void> {
    for (let round = 0; !holds(); round++) {
      if (round === ROUNDS_TO_END) throw new Error(`not everything is ${what}`);
      const busy = this.#links.filter((link) => !link.isIdle);
      if (busy.length > 0) for (const link of busy) link.carry(ALL_BYTES);
      else this.#world.clock.advance(25);
      await this.#settle();
    }
  }

  #environment(watch: ClientWatch): Environment {
    const { clientRandom: random } = this.#world;
    const connect = (address: Address): Duplex => this.#connect(address, watch).client;
    return { clock: watch.clock, random, connect };
  }

  #connect({ text }: Address, watch: ClientWatch): SimLink {
    const world = this.#world;
    const link = new SimLink(`${watch.name}-${text}-${++this.#connectionCount}`, world, watch);
    const broker = this.#brokers.find(({ address }) => address === text);
    this.#links.push(link);
    if (world.chance(15)) link.cutAfter(world.random(500));
    process.nextTick(() => {
      if (broker === undefined || broker.isDown) link.refuse();
      else broker.accept(link);
    });
    return link;
  }
}
