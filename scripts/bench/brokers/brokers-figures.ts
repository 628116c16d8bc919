/** The figures of each of several brokers, and their totals. */

import type { Figures } from '../report/metrics.ts';
import { type Measured, peakOf, rateOf } from '../run-context.ts';
import type { Target } from '../target.ts';
import { mainFigures } from '../thread-shares.ts';

/** One broker with everything that was measured of it. */
export type BrokerRun = {
  readonly target: Target;
  readonly published: Measured;
  readonly consumed: Measured;
};

/** The figures of one broker. */
export function figuresOfOne({ target, published, consumed }: BrokerRun): Figures {
  return {
    publishRate: rateOf(published.outcome),
    ...named('publishCpuUs', cpuOf([published])),
    ...named('mainPublishBusy', mainBusyOf(target, published)),
    consumeRate: rateOf(consumed.outcome),
    ...named('consumeCpuUs', cpuOf([consumed])),
    ...named('mainConsumeBusy', mainBusyOf(target, consumed)),
    generatorCpuUs: (published.generatorCpuUs + consumed.generatorCpuUs) / published.outcome.count,
    ...published.outcome.percentiles,
    ...peakOf(target),
  };
}

/** The totals. Figures that cannot be added up, such as percentiles, are missing. */
export function figuresOfAll(runs: readonly BrokerRun[]): Figures {
  const published = runs.map((run) => run.published);
  const consumed = runs.map((run) => run.consumed);
  const generatorUs = [...published, ...consumed].map(({ generatorCpuUs }) => generatorCpuUs);
  const peaks = runs.map(({ target }) => target.peakMib());
  return {
    publishRate: rateOfAll(published),
    ...named('publishCpuUs', cpuOf(published)),
    consumeRate: rateOfAll(consumed),
    ...named('consumeCpuUs', cpuOf(consumed)),
    generatorCpuUs: total(generatorUs) / countOf(published),
    ...named('peakMib', peaks.includes(undefined) ? undefined : total(peaks.map(Number))),
  };
}

/** The rate of all together, from the first start to the last end. Units: messages per second. */
export function rateOfAll(all: readonly Pick<Measured, 'startedMs' | 'outcome'>[]): number {
  const beginMs = Math.min(...all.map(({ startedMs }) => startedMs));
  const endMs = Math.max(...all.map(({ startedMs, outcome }) => startedMs + outcome.elapsedMs));
  return (countOf(all) * 1000) / (endMs - beginMs);
}

/** The servers' CPU time per message, if it is known for all. Units: µs. */
function cpuOf(all: readonly Measured[]): number | undefined {
  const times = all.map(({ serverCpuUs }) => serverCpuUs);
  return times.includes(undefined) ? undefined : total(times.map(Number)) / countOf(all);
}

function mainBusyOf({ pid }: Target, { threads, outcome }: Measured): number | undefined {
  if (pid === undefined || threads === undefined) return undefined;
  const [before, after] = threads;
  const { elapsedMs, count } = outcome;
  return mainFigures({ pid, before, after, elapsedMs, count }).mainBusy;
}

function countOf(all: readonly Pick<Measured, 'outcome'>[]): number {
  return total(all.map(({ outcome }) => outcome.count));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function named(name: keyof Figures, value: number | undefined): Figures {
  return value === undefined ? {} : { [name]: value };
}
