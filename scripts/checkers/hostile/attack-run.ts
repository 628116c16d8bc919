/**
 * Runs scenarios against a broker, one after the other, and measures their effect on other clients.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { descriptorCountOf, residentMibOf } from '../../kit/proc.ts';
import { Attack, type Scenario, type Target } from './attack.ts';
import { ControlPair, type ControlReading, LOST_MS, PAIRS, percentile } from './control-pair.ts';
import type { Observers, Seen } from './observers.ts';

const SAMPLE_MS = 25;
const QUIET_MS = 1000;
const WARM_UP_SECONDS = 1;
const P_NINETY_NINE = 0.99;
/** The factor by which the control pair's p99 may increase, if that is more than the absolute limit. */
const LATENCY_FACTOR_MAX = 10;
/** How long the broker may take for requests after a scenario. */
const RETURN_MS_MAX = 10_000;
/**
 * How long closed connections and their descriptors may stay. The system reports the end of a connection only after
 * everything that was sent before it: 1.5 GB that have arrived are read first, which takes 3 s of CPU time, and much
 * longer on a busy machine.
 * Units: ms of the broker's CPU time, and of wall-clock time in any case.
 */
const CLOSE_CPU_MS_MAX = 6000;
const CLOSE_MS_MAX = 60_000;
/**
 * How much the heaps of the broker's threads grow under any load and shrink after it: V8's young generations.
 * Units: MiB.
 */
const YOUNG_MIB = 64;
/**
 * Freed memory that the C library keeps after the largest attack before, 1,000 incomplete bodies over HTTP; see
 * docs/operations.md.
 * Units: MiB.
 */
const KEPT_MIB = 128;
/** Descriptors that come and go by themselves: a persistent connection, a file of a disk queue. */
const DESCRIPTORS_SLACK = 8;

/** The broker that is attacked, and the limits that must hold. */
export type AttackRunSetup = {
  readonly target: Target;
  /** Undefined if the broker runs elsewhere. */
  readonly pid: number | undefined;
  readonly seconds: number;
  /** The limit of the control pair's p99 in any case. Units: ms. */
  readonly latencyMsMax: number;
  /** The observers that watch the broker meanwhile, if any. */
  readonly observers?: Observers | undefined;
};

/** The effect of a scenario on a pair. Units: p99 in ms. */
export type PairReport = {
  readonly kind: string;
  readonly beforeMs: number;
  readonly duringMs: number;
  readonly messages: number;
};

/** The outcome of a scenario. Units: as in the names; undefined if unknown. */
export type Report = {
  readonly name: string;
  readonly connections: number;
  readonly startMib: number | undefined;
  readonly peakMib: number | undefined;
  readonly pairs: readonly PairReport[];
  readonly faults: readonly string[];
};

export class AttackRun {
  readonly #setup: AttackRunSetup;
  readonly #pairs: readonly ControlPair[];

  constructor(setup: AttackRunSetup) {
    this.#setup = setup;
    this.#pairs = PAIRS.map((names) => new ControlPair({ ...setup.target, ...names }));
  }

  /**
   * Runs scenarios whose outcome does not count, so that later measurements depend neither on code that is not compiled
   * yet, nor on a heap that has yet to grow.
   */
  async warmUp(scenarios: readonly Scenario[]): Promise<void> {
    for (const scenario of scenarios) {
      const attack = new Attack(this.#setup.target, WARM_UP_SECONDS);
      try {
        await scenario.run(attack);
      } finally {
        await attack.close();
      }
    }
  }

  /** Runs one scenario. Errors: rejects if the control pair or the scenario itself fails. */
  async play(scenario: Scenario): Promise<Report> {
    const { target, pid, seconds } = this.#setup;
    await this.#freeMemory();
    await this.#ask();
    await delay(QUIET_MS);
    const before = await this.#ask();
    const startDescriptors = pid === undefined ? undefined : descriptorCountOf(pid);
    const memory = new MemoryWatch(pid);
    const attack = new Attack(target, seconds, pid);
    const seen = this.#setup.observers?.seen;
    try {
      await scenario.run(attack);
    } finally {
      await attack.close();
      memory.stop();
    }
    const during = await this.#ask();
    this.#checkMemory(attack, scenario, memory);
    const pairs = this.#pairs.map(
      ({ kind }, index): PairReport => ({
        kind,
        beforeMs: percentile(before[index], P_NINETY_NINE),
        duringMs: percentile(during[index], P_NINETY_NINE),
        messages: during[index].latencies.length,
      }),
    );
    for (const [index, pair] of pairs.entries()) this.#checkPair(attack, pair, during[index]);
    await this.#checkDescriptors(attack, startDescriptors);
    await this.#checkPing(attack);
    this.#checkObservers(attack, seen);
    return {
      name: scenario.name,
      connections: attack.connections,
      startMib: memory.startMib,
      peakMib: memory.peakMib,
      pairs,
      faults: attack.faults,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#pairs.map((pair) => pair.stop()));
  }

  #ask(): Promise<ControlReading[]> {
    return Promise.all(this.#pairs.map((pair) => pair.ask()));
  }

  #checkMemory(attack: Attack, scenario: Scenario, { startMib, peakMib }: MemoryWatch): void {
    if (startMib === undefined || peakMib === undefined) return;
    const { memory } = this.#setup.target;
    const { growthMibMax, bodiesMib = 0 } = scenario;
    const growthMib = peakMib - startMib;
    const mostMib = YOUNG_MIB + growthMibMax + Math.min(bodiesMib, memory?.bodiesMib ?? bodiesMib);
    if (growthMib > mostMib) {
      attack.fault(`${growthMib.toFixed()} MiB more memory, ${mostMib.toFixed()} at most`);
    }
    if (memory === undefined) return;
    const totalMib = memory.totalMib + KEPT_MIB;
    if (peakMib > totalMib) {
      attack.fault(`${peakMib.toFixed()} MiB of memory, ${totalMib.toFixed()} at most`);
    }
  }

  #checkPair(
    attack: Attack,
    { kind, beforeMs, duringMs }: PairReport,
    during: ControlReading,
  ): void {
    const latencyMsMax = Math.max(this.#setup.latencyMsMax, LATENCY_FACTOR_MAX * beforeMs);
    if (!during.isConnected) attack.fault(`the ${kind} pair has lost its connections`);
    if (during.refused > 0) attack.fault(`${during.refused} ${kind} publishes were refused`);
    if (during.oldestMs > Math.max(LOST_MS, latencyMsMax)) {
      attack.fault(`messages of the ${kind} pair have not come`);
    }
    if (duringMs > latencyMsMax) {
      const most = latencyMsMax.toFixed();
      attack.fault(`p99 of ${duringMs.toFixed()} ms of the ${kind} pair, ${most} at most`);
    }
  }

  /** Scrapes must be answered and the page must stay connected, whatever other clients do. */
  #checkObservers(attack: Attack, before: Seen | undefined): void {
    const now = this.#setup.observers?.seen;
    if (now === undefined || before === undefined) return;
    const missed = now.missed - before.missed;
    if (missed > 0) attack.fault(`${missed} scrapes were not answered`);
    if (now.scrapes === before.scrapes) attack.fault('no scrape was answered');
    if (now.frames === before.frames) attack.fault('the page has got nothing');
  }

  async #checkDescriptors(attack: Attack, start: number | undefined): Promise<void> {
    const { pid } = this.#setup;
    if (pid === undefined || start === undefined) return;
    const startMs = attack.cpuMs() ?? 0;
    const spentMs = (): number => (attack.cpuMs() ?? 0) - startMs;
    const endMs = performance.now() + CLOSE_MS_MAX;
    let now = descriptorCountOf(pid);
    while (now !== undefined && now > start + DESCRIPTORS_SLACK) {
      if (performance.now() > endMs || spentMs() > CLOSE_CPU_MS_MAX) break;
      await delay(SAMPLE_MS);
      now = descriptorCountOf(pid);
    }
    if (now === undefined) attack.fault('the broker has ended');
    else if (now > start + DESCRIPTORS_SLACK) {
      attack.fault(
        `${now} descriptors, ${start} before, after ${spentMs().toFixed()} ms of CPU time`,
      );
    }
  }

  /** Makes the broker forget what the previous scenario has left, so that the memory of this one can be measured. */
  async #freeMemory(): Promise<void> {
    const { host, httpPort } = this.#setup.target;
    if (httpPort === undefined) return;
    const url = `http://${host}:${httpPort}/debug/freememory`;
    for (const endMs = performance.now() + RETURN_MS_MAX; ; await delay(QUIET_MS)) {
      try {
        await (await fetch(url, { method: 'POST' })).arrayBuffer();
        return;
      } catch (error) {
        // connections of the previous scenario may linger and leave none free
        if (performance.now() > endMs) throw error;
      }
    }
  }

  async #checkPing(attack: Attack): Promise<void> {
    const answer = await attack.ping();
    if (answer !== 'OK') attack.fault(`afterwards /ping says ${answer}`);
  }
}

/** Samples the broker's memory. Units: MiB. */
class MemoryWatch {
  readonly startMib: number | undefined;
  peakMib: number | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(pid: number | undefined) {
    if (pid === undefined) return;
    this.startMib = residentMibOf(pid);
    this.peakMib = this.startMib;
    this.#timer = setInterval(() => {
      const now = residentMibOf(pid);
      if (now !== undefined) this.peakMib = Math.max(this.peakMib ?? 0, now);
    }, SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
