/**
 * Runs a broker from a seed: whose turn it is, what clients do, how time passes, when the broker is stopped and
 * started again and when its disk fails are all drawn from it. In the end everything must drain.
 *
 * Errors: rejects with what does not hold, and in which step.
 * Thread: any.
 */

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { ControlReply } from '../../src/shared/control.ts';
import { type ChannelName, isEphemeral, type TopicName } from '../../src/shared/names.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import type { Random } from '../support/seeded-random.ts';
import { DiskFailures } from './disk-failures.ts';
import { Ledger } from './ledger.ts';
import { runSeed } from './run-seed.ts';
import { type DiskFaults, drawScenario, randomOf, type Scenario } from './scenario.ts';
import { DATA_PATH, SimBroker } from './sim-broker.ts';
import { SimClients } from './sim-clients.ts';
import { SimLister } from './sim-lister.ts';
import { checkStats } from './stats-check.ts';
import { Trace } from './trace.ts';

/** Turns within which undisturbed threads must come to rest. */
const TURNS_TO_REST = 20_000;
/** Rests within which everything must be consumed. */
const RESTS_TO_DRAIN = 5000;
/** For an empty message store. */
const STORE_BYTES_MAX = 2 * 256 * 1024;
const QUIET_EVERY = 400;
const LIST_EVERY = 5;
/** After this time pumps have retried what the disk could not do. */
const RETRY_MS = 1000;

export type SimulationOptions = {
  readonly seed: number;
  readonly steps: number;
  readonly diskFaults: DiskFaults;
  readonly print?: (line: string) => void;
};

/** The results of a run. */
export type SimulationResult = {
  readonly hash: string;
  readonly messages: number;
  readonly refusedPublishes: number;
  readonly restarts: number;
};

type SavedTopic = {
  readonly name: TopicName;
  readonly isPaused: boolean;
  readonly channels: { readonly name: ChannelName; readonly isPaused: boolean }[];
};

/** Runs one seed. Errors: see above; the error names the seed. */
export function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, steps, diskFaults } = options;
  const replay = `node scripts/simulate.ts --seed ${seed} --steps ${steps} --faults ${diskFaults} --trace`;
  return runSeed(seed, new Simulation(options), replay);
}

/** Runs consecutive seeds. Errors: as `simulate`, with the first seed that fails. */
export async function simulateSeeds(
  options: Omit<SimulationOptions, 'seed'> & { readonly from: number; readonly count: number },
): Promise<void> {
  const { from, count, ...others } = options;
  for (let seed = from; seed < from + count; seed++) await simulate({ ...others, seed });
}

class Simulation {
  step = 0;

  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #trace: Trace;
  readonly #clock = new ManualClock();
  readonly #disk = new MemoryFileSystem(DATA_PATH);
  readonly #failures: DiskFailures;
  readonly #ledger: Ledger;
  readonly #clients: SimClients;
  readonly #lister: SimLister;
  #broker: SimBroker;
  /** A thread that gets no turn until this step. */
  #stalled = -1;
  #stalledUntil = 0;
  #restarts = 0;

  constructor({ seed, steps, diskFaults, print }: SimulationOptions) {
    this.#random = randomOf(seed);
    this.#scenario = drawScenario(seed, steps, diskFaults, this.#random);
    this.#trace = new Trace(print);
    this.#trace.add(JSON.stringify(this.#scenario));
    this.#failures = new DiskFailures(this.#disk, DATA_PATH, this.#random, diskFaults);
    this.#ledger = new Ledger(this.#scenario);
    this.#clients = new SimClients(this.#scenario, this.#random, this.#ledger, this.#trace);
    this.#lister = new SimLister(randomOf(~seed), this.#ledger, this.#trace);
    this.#broker = this.#makeBroker();
  }

  async run(): Promise<SimulationResult> {
    while (this.step < this.#scenario.steps) {
      this.step++;
      await this.#takeStep();
      if (this.step % LIST_EVERY === 0) this.#lister.act(this.#broker);
      if (this.step % QUIET_EVERY === 0) await this.#beQuiet();
    }
    await this.#drain();
    await this.#close();
    assert.equal(this.#disk.openCount, 0, 'no file is left open');
    return {
      hash: this.#trace.digest(),
      messages: this.#ledger.messageCount,
      refusedPublishes: this.#clients.refusedPublishes,
      restarts: this.#restarts,
    };
  }

  async #takeStep(): Promise<void> {
    const dice = this.#random(1000);
    if (dice < 480) await this.#giveTurn();
    else if (dice < 920) this.#clients.act();
    else if (dice < 985) this.#passTime();
    else if (dice < 990) this.#stall();
    else if (dice < 998) this.#changeDisk();
    else if (this.#random(2) === 0) await this.#restart();
  }

  #makeBroker(): SimBroker {
    const broker = new SimBroker({
      scenario: this.#scenario,
      disk: this.#disk,
      clock: this.#clock,
      random: this.#random,
      ledger: this.#ledger,
      trace: this.#trace,
      target: (consumer) => this.#clients.target(consumer),
    });
    this.#clients.attach(broker);
    return broker;
  }

  // Turns and time

  /** One turn of one of those who want one: main is the last of them. */
  async #giveTurn(): Promise<void> {
    const { threads } = this.#broker;
    const index = this.#random(threads.length + 1);
    if (index === this.#stalled && this.step < this.#stalledUntil) return;
    if (index === threads.length) await this.#mainTurn();
    else if (threads[index].isRunnable(this.#clock.monotonicMs())) this.#turn(index);
  }

  #turn(index: number): void {
    const thread = this.#broker.threads[index];
    this.#trace.add(`turn ${thread.name}`);
    this.#broker.turn(thread);
  }

  async #mainTurn(): Promise<void> {
    if (!this.#broker.isMainRunnable) return;
    this.#trace.add('turn main');
    this.#broker.mainTurn();
    this.#clients.giveCredits();
    // Whoever waits for a reply goes on.
    await setImmediate();
  }

  #passTime(): void {
    const random = this.#random;
    const byMs = [random(1000) / 1000, random(20), random(300), random(3000)][random(4)];
    this.#clock.advance(byMs);
    this.#trace.add(`time ${this.#clock.monotonicMs()}`);
  }

  #stall(): void {
    this.#stalled = this.#random(this.#broker.threads.length + 1);
    this.#stalledUntil = this.step + 20 + this.#random(150);
  }

  #changeDisk(): void {
    if (this.#scenario.diskFaults === 'none') return;
    this.#failures.change();
    this.#trace.add(`disk ${this.#failures.state}`);
  }

  /** Gives turns in a row until nobody wants one. */
  async #rest(): Promise<void> {
    const { threads } = this.#broker;
    let turns = 0;
    for (let isMoving = true; isMoving; ) {
      isMoving = this.#broker.isMainRunnable;
      await this.#mainTurn();
      for (const [index, thread] of threads.entries()) {
        if (!thread.isRunnable(this.#clock.monotonicMs())) continue;
        this.#turn(index);
        isMoving = true;
      }
      turns++;
      assert.ok(turns < TURNS_TO_REST, 'the threads come to rest');
    }
  }

  /** Rests until it is done, moving time to the next deadline whenever nobody has anything to do. */
  async #restUntil(isDone: () => boolean, what: string): Promise<void> {
    for (let rests = 0; ; rests++) {
      await this.#rest();
      if (isDone()) return;
      assert.ok(rests < RESTS_TO_DRAIN, `${what} comes to its end`);
      if (this.#broker.isMainRunnable) continue;
      const deadlineMs = Math.min(...this.#broker.threads.map((thread) => thread.deadlineMs));
      const nowMs = this.#clock.monotonicMs();
      assert.ok(deadlineMs < Number.POSITIVE_INFINITY, `${what} does not starve`);
      this.#clock.advance(Math.max(0, deadlineMs - nowMs));
    }
  }

  // Checks at rest

  /** Lets everything come to rest, and compares the statistics. */
  async #beQuiet(): Promise<void> {
    this.#heal();
    if (this.#scenario.diskFaults === 'none') {
      // Before anybody is woken by a request: what could go on has gone on.
      await this.#rest();
      for (const watch of this.#broker.watches) watch.checkRest();
    }
    await this.#requested('settle');
    // What has failed is tried again.
    if (this.#scenario.diskFaults !== 'none') this.#clock.advance(RETRY_MS);
    await this.#rest();
    checkStats(this.#ledger, await this.#requested('stats'));
    assert.equal(this.#clients.openPublishes, 0, 'every publish is answered');
    for (const keys of this.#ledger.onTheWay.values()) assert.deepEqual(keys, []);
    for (const watch of this.#broker.watches) watch.checkRest();
    this.#clients.checkWindows(this.#broker);
    await this.#lister.checkAll(this.#broker, (isDone) => this.#restUntil(isDone, 'a listing'));
  }

  async #requested(what: 'settle' | 'stats'): Promise<ControlReply[]> {
    let replies: ControlReply[] | null = null;
    void this.#broker.requestAll(what).then((all) => {
      replies = all;
    });
    await this.#restUntil(() => replies !== null, `"${what}"`);
    assert.ok(replies !== null);
    return replies;
  }

  /** Everything goes to consumers that finish it, and nothing is left anywhere. */
  async #drain(): Promise<void> {
    this.#heal();
    this.#trace.add('drain');
    this.#clients.beginDrain();
    await this.#restUntil(() => {
      this.#clients.finishAll();
      return !this.#broker.isMainRunnable && this.#isEmpty();
    }, 'the drain');
    await this.#beQuiet();
    for (const loop of this.#broker.loops) {
      const { referenceCount, bytes } = loop.state.store;
      assert.equal(referenceCount, 0, 'the message store is empty');
      assert.ok(bytes <= STORE_BYTES_MAX, 'an empty message store has its open slabs');
    }
  }

  /** What was sampled out is gone, though the models may not know which messages these are. */
  #isEmpty(): boolean {
    if (this.#clients.openPublishes > 0) return false;
    for (const topic of this.#ledger.topics.values()) if (topic.waiting.size > 0) return false;
    for (const channel of this.#ledger.channels.values()) {
      if (channel.held.size > channel.sampledOut) return false;
    }
    return true;
  }

  #heal(): void {
    this.#failures.heal();
  }

  // Stopping and starting

  async #close(): Promise<void> {
    this.#heal();
    this.#trace.add('close');
    this.#clients.detach();
    this.#lister.forget();
    let error: string | null | undefined;
    void this.#broker.requestAll('close').then((replies) => {
      error = replies.find((reply) => reply.error !== null)?.error ?? null;
    });
    await this.#restUntil(() => error !== undefined && this.#broker.isDone, 'the close');
    assert.equal(error, null, 'everything is closed well');
  }

  async #restart(): Promise<void> {
    const saved = this.#savedTopics();
    await this.#close();
    assert.equal(this.#disk.openCount, 0, 'no file is left open');
    this.#ledger.checkClosed();
    this.#restarts++;
    // Longer than a unit of message ids, as every start takes.
    this.#clock.advance(2 + this.#random(3000));
    this.#trace.add(`restart ${this.#clock.monotonicMs()}`);
    this.#broker = this.#makeBroker();
    const { topics } = this.#broker;
    for (const { name, isPaused, channels } of saved) {
      const topic = topics.createStopped(name, isPaused);
      for (const channel of channels) {
        topics.getOrCreateChannel(topic, channel.name, channel.isPaused);
      }
    }
    for (const topic of topics.values()) topics.start(topic);
    await this.#requested('settle');
  }

  /** What nsqd.dat would hold. */
  #savedTopics(): SavedTopic[] {
    const durable = [...this.#broker.topics.values()].filter(({ name }) => !isEphemeral(name));
    return durable.map(({ name, isPaused, channels }) => ({
      name,
      isPaused,
      channels: [...channels.values()]
        .filter((channel) => !isEphemeral(channel.name))
        .map((channel) => ({ name: channel.name, isPaused: channel.isPaused })),
    }));
  }
}
