/**
 * All figures that are measured: their names, their units, which direction is better, and the summary of several runs.
 */

import type { LatencyDetail } from '../percentiles.ts';
import type { Role } from '../target.ts';

type Metric = {
  readonly label: string;
  /** `{unit}` stands for the unit of the load. */
  readonly unit: string;
  readonly better: 'higher' | 'lower' | 'neither';
  readonly digits: number;
};

/** In the order in which they are shown. */
export const METRICS = {
  rate: metric('rate', '{unit}/s', 'higher', 0),
  cpuUs: metric('server CPU', 'µs/{unit}', 'lower', 2),
  mainCpuUs: metric('main thread', 'µs/{unit}', 'lower', 2),
  pumpCpuUs: metric('pump threads', 'µs/{unit}', 'lower', 2),
  diskCpuUs: metric('disk threads', 'µs/{unit}', 'lower', 2),
  otherCpuUs: metric('other threads', 'µs/{unit}', 'lower', 2),
  mainBusy: metric('main thread busy', '% of a core', 'neither', 0),
  pumpBusyMost: metric('busiest pump thread', '% of a core', 'neither', 0),
  pumpBusyLeast: metric('least busy pump thread', '% of a core', 'neither', 0),
  diskBusyMost: metric('busiest disk thread', '% of a core', 'neither', 0),
  diskBusyLeast: metric('least busy disk thread', '% of a core', 'neither', 0),
  publishRate: metric('published', '{unit}/s', 'higher', 0),
  publishCpuUs: metric('server CPU, publishing', 'µs/{unit}', 'lower', 2),
  mainPublishBusy: metric('main thread, publishing', '% of a core', 'neither', 0),
  consumeRate: metric('consumed', '{unit}/s', 'higher', 0),
  consumeCpuUs: metric('server CPU, consuming', 'µs/{unit}', 'lower', 2),
  mainConsumeBusy: metric('main thread, consuming', '% of a core', 'neither', 0),
  copyRate: metric('copies', 'copies/s', 'higher', 0),
  copyCpuUs: metric('server CPU', 'µs/copy', 'lower', 2),
  clientCpuUs: metric('client CPU', 'µs/{unit}', 'lower', 2),
  generatorCpuUs: metric('generator CPU', 'µs/{unit}', 'neither', 2),
  p50: metric('p50', 'ms', 'lower', 2),
  p90: metric('p90', 'ms', 'lower', 2),
  p99: metric('p99', 'ms', 'lower', 2),
  p999: metric('p99.9', 'ms', 'lower', 2),
  max: metric('max', 'ms', 'lower', 2),
  earliest: metric('earliest', 'ms', 'neither', 2),
  early: metric('came early', '{unit}', 'lower', 0),
  heldBack: metric('held back', '{unit}', 'lower', 0),
  generatorLate: metric('generator late, p99', 'ms', 'neither', 2),
  peakMib: metric('peak memory', 'MiB', 'lower', 0),
  residentMib: metric('memory', 'MiB', 'lower', 0),
  grownMib: metric('memory grown', 'MiB', 'lower', 1),
  consumerKib: metric('memory of a consumer', 'KiB', 'lower', 1),
  startMs: metric('start', 'ms', 'lower', 0),
  exitMs: metric('exit', 'ms', 'lower', 0),
  idleCpu: metric('CPU when idle', '% of a core', 'lower', 2),
  heartbeats: metric('heartbeats', 'in all', 'neither', 0),
  missedHeartbeats: metric('heartbeats missed', 'in all', 'lower', 0),
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;

/** The results of one run, or the best of several. Figures that could not be measured are missing. */
export type Figures = Partial<Record<MetricName, number>>;

/** All names, in the order in which they are shown. */
export const METRIC_NAMES = Object.keys(METRICS).filter(isMetricName);

export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

/** A figure with its unit, for people. */
export function spell(name: MetricName, value: number, unit: string): string {
  const { digits, unit: pattern } = METRICS[name];
  const text = value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${text} ${pattern.replace('{unit}', unit)}`;
}

/** A ratio in words; empty if there is none. */
export function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? '' : `× ${ratio.toFixed(2)}`;
}

function metric(label: string, unit: string, better: Metric['better'], digits: number): Metric {
  return { label, unit, better, digits };
}

/** One server's runs of one load. */
export type Result = {
  readonly role: Role;
  readonly runs: readonly Figures[];
  /** The best value of each figure: other work on the machine only ever makes a run worse. */
  readonly best: Figures;
  readonly median: Figures;
  /** Of the last run that has latencies. */
  readonly latency?: LatencyDetail;
};

/** The ratio of the first server's figure to the other's: the median over pairs of successive runs. */
export type Ratio = { readonly to: Role; readonly figures: Figures };

/** Summarizes the runs. There is at least one. */
export function sumUp(role: Role, runs: readonly Figures[]): Result {
  const sum = (choose: (name: MetricName, values: number[]) => number): Figures => {
    const figures: Figures = {};
    for (const name of METRIC_NAMES) {
      const values = runs.map((run) => run[name]).filter((value) => value !== undefined);
      if (values.length > 0) figures[name] = choose(name, values);
    }
    return figures;
  };
  return { role, runs, best: sum(best), median: sum((_, values) => medianOf(values)) };
}

/** Ratios of the first server's results to those of each other server. */
export function ratiosOf(results: readonly Result[]): Ratio[] {
  const [first, ...others] = results;
  if (first === undefined) return [];
  return others.map(({ role, runs }) => {
    const figures: Figures = {};
    for (const name of METRIC_NAMES) {
      const ratios = first.runs
        .map((run, index) => ratio(run[name], runs[index]?.[name]))
        .filter((value) => value !== undefined);
      if (METRICS[name].better !== 'neither' && ratios.length > 0) figures[name] = medianOf(ratios);
    }
    return { to: role, figures };
  });
}

/** Undefined if one of the two is unknown, or the divisor is 0. */
export function ratio(value: number | undefined, other: number | undefined): number | undefined {
  return value === undefined || other === undefined || other <= 0 ? undefined : value / other;
}

function best(name: MetricName, values: number[]): number {
  switch (METRICS[name].better) {
    case 'higher':
      return Math.max(...values);
    case 'lower':
      return Math.min(...values);
    case 'neither':
      return medianOf(values);
  }
}

/** The median; of two values in the middle the lower one, which was measured. */
function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1];
}
