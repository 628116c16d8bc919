/** What the runs of a load come to: the best of each figure, the middle one, and ratios between servers. */

import type { Role } from '../target.ts';
import { type Figures, METRIC_NAMES, METRICS, type MetricName } from './metrics.ts';

/** One server's runs of one load. */
export type Result = {
  readonly role: Role;
  readonly runs: readonly Figures[];
  /** The best of each figure: whatever else the machine does only ever makes a run worse. */
  readonly best: Figures;
  readonly median: Figures;
};

/** How often the first server's figure is the other's; the median over pairs of runs that followed each other. */
export type Ratio = { readonly to: Role; readonly figures: Figures };

/** Sums up. There is at least one run. */
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

/** The first server's results beside each of the others'. */
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

/** Undefined where one of the two is not known, or there is nothing to compare with. */
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

/** The lower of the two in the middle, where there are two: a figure that was measured. */
function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1];
}
