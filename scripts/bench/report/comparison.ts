/** Compares a report with an earlier one: what is better, and what is worse. */

import type { Role } from '../target.ts';
import { METRIC_NAMES, METRICS, type MetricName, ratio } from './metrics.ts';
import type { Entry, Report } from './report.ts';

/** Smaller differences occur between two runs on any machine. */
const NOISE = 0.05;

/** A figure in both reports. */
type Change = {
  readonly entry: string;
  readonly unit: string;
  readonly role: Role;
  readonly metric: MetricName;
  readonly before: number;
  readonly now: number;
  /** The ratio of `now` to `before`; null if `before` is 0. */
  readonly ratio: number | null;
  readonly verdict: 'better' | 'worse' | 'same';
};

export type Comparison = {
  /** When the earlier report was made, and with which command. */
  readonly earlier: { readonly date: string; readonly command: string };
  readonly changes: readonly Change[];
  /** Entries that cannot be compared, with the reasons. */
  readonly notes: readonly string[];
};

/** Compares the medians of entries of the same name. */
export function compare(earlier: Report, now: Report): Comparison {
  const notes: string[] = [];
  const changes: Change[] = [];
  for (const entry of now.entries) {
    const before = earlier.entries.find(({ name }) => name === entry.name);
    if (before === undefined) {
      notes.push(`"${entry.name}" is not in the earlier report`);
      continue;
    }
    if (before.words.join(' ') !== entry.words.join(' ')) {
      const [then, today] = [before.words.join(' '), entry.words.join(' ')];
      notes.push(`"${entry.name}" was another load: "${then}" then, "${today}" now`);
    }
    changes.push(...changesOf(before, entry));
  }
  const { date, command } = earlier;
  return { earlier: { date, command }, changes, notes };
}

function changesOf(before: Entry, entry: Entry): Change[] {
  const changes: Change[] = [];
  for (const { role, median } of entry.results) {
    const earlier = before.results.find((result) => result.role === role)?.median;
    for (const metric of METRIC_NAMES) {
      const [then, now] = [earlier?.[metric], median[metric]];
      if (then === undefined || now === undefined) continue;
      if (METRICS[metric].better === 'neither') continue;
      changes.push({
        entry: entry.name,
        unit: entry.unit,
        role,
        metric,
        before: then,
        now,
        ratio: ratio(now, then) ?? null,
        verdict: verdictOf(metric, then, now),
      });
    }
  }
  return changes;
}

function verdictOf(metric: MetricName, before: number, now: number): Change['verdict'] {
  const isNear = Math.abs(now - before) <= NOISE * Math.abs(before);
  if (isNear) return 'same';
  return now > before === (METRICS[metric].better === 'higher') ? 'better' : 'worse';
}
