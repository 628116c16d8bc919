/** A run, as a load sees it: the server, its own topic, and the measured workloads. */

import type { ThreadTime } from '../kit/proc.ts';
import type { CleanUp } from './clean-up.ts';
import type { WorkloadName, WorkloadOrder } from './generator.ts';
import type { LatencyDetail } from './percentiles.ts';
import { runWorkload } from './processes.ts';
import type { Figures } from './report/metrics.ts';
import type { Target } from './target.ts';
import type { Outcome } from './workloads/workload.ts';

/** CPU time is read in steps of a tenth of this. */
const COARSE_CPU_US = 100_000;

/** The listener of a run. */
export type RunListener = {
  /** Progress: the current activity, and how much of it is done. */
  onProgress(what: string, done: number): void;
  /** A remark about the figures. */
  onNote(text: string): void;
  /** The latencies of a workload. */
  onLatency?(detail: LatencyDetail): void;
};

/** A workload, measured from outside. Values that could not be read from the server are undefined. */
export type Measured = {
  readonly outcome: Outcome;
  readonly generatorCpuUs: number;
  /** Between the start and the end of the measurement. */
  readonly serverCpuUs: number | undefined;
  /** The server's threads at the start and at the end of the measurement. */
  readonly threads: readonly [readonly ThreadTime[], readonly ThreadTime[]] | undefined;
  /** Before the workload, and at its end. */
  readonly residentMib: readonly [number | undefined, number | undefined];
  /** The start of the measurement. Units: Unix ms. */
  readonly startedMs: number;
};

export class RunContext {
  readonly target: Target;
  /** A topic to which nothing has been published. */
  readonly topic: string;

  readonly #cleanUp: CleanUp;
  readonly #listener: RunListener;

  constructor(target: Target, topic: string, cleanUp: CleanUp, listener: RunListener) {
    this.target = target;
    this.topic = topic;
    this.#cleanUp = cleanUp;
    this.#listener = listener;
  }

  /** The same server with another topic and listener. */
  withTopic(topic: string, listener: RunListener): RunContext {
    return new RunContext(this.target, topic, this.#cleanUp, listener);
  }

  /** Reports progress outside of workloads. */
  readonly tell = (what: string, done: number): void => {
    this.#listener.onProgress(what, done);
  };

  /** Adds a remark about the figures. */
  note(text: string): void {
    this.#listener.onNote(text);
  }

  /**
   * Runs a workload. `onReady`: everything is connected; the measurement begins when it resolves.
   * Errors: rejects with the failure.
   */
  async measure<Name extends WorkloadName>(
    what: string,
    name: Name,
    order: WorkloadOrder<Name>,
    onReady: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Measured> {
    const { target } = this;
    const beforeMib = target.residentMib();
    let startCpuUs = target.cpuUs();
    let startThreads = target.threads();
    const listener = {
      onReady: async () => {
        await onReady();
        startCpuUs = target.cpuUs();
        startThreads = target.threads();
      },
      onProgress: (done: number) => {
        target.residentMib();
        this.#listener.onProgress(what, done);
      },
    };
    this.#listener.onProgress(what, 0);
    const result = await runWorkload(name, order, listener, this.#cleanUp);
    if (result.outcome.latency !== undefined) this.#listener.onLatency?.(result.outcome.latency);
    const endCpuUs = target.cpuUs();
    const endThreads = target.threads();
    const serverCpuUs = difference(startCpuUs, endCpuUs);
    const isMeasured = result.outcome.elapsedMs > 0;
    if (isMeasured && serverCpuUs !== undefined && serverCpuUs < COARSE_CPU_US) {
      this.#listener.onNote(
        `${what} took the server less than 0.1 s of CPU time, which is read in steps of 0.01 s`,
      );
    }
    return {
      ...result,
      serverCpuUs,
      threads: startThreads && endThreads && [startThreads, endThreads],
      residentMib: [beforeMib, target.residentMib()],
    };
  }
}

function difference(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before;
}

/** A workload's rate, CPU time, percentiles and own figures. */
export function figuresOf(measured: Measured): Figures {
  const { outcome, generatorCpuUs, serverCpuUs } = measured;
  return {
    rate: rateOf(outcome),
    ...(serverCpuUs === undefined ? {} : { cpuUs: serverCpuUs / outcome.count }),
    generatorCpuUs: generatorCpuUs / outcome.count,
    ...outcome.percentiles,
    ...outcome.figures,
  };
}

/** Units: per second. */
export function rateOf({ count, elapsedMs }: Outcome): number {
  return (count / elapsedMs) * 1000;
}

/** The largest memory of a server so far, if it is known. */
export function peakOf(target: Target): Figures {
  const peakMib = target.peakMib();
  return peakMib === undefined ? {} : { peakMib };
}
