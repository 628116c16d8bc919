/** What a sub-command comes to, whatever it measures: entries of a report, one after the other. */

import type { RunProgress } from './load-progress.ts';
import type { Entry } from './report/report.ts';
import { type LoadPlan, type RunSite, runLoad } from './run-load.ts';
import type { RunValues } from './run-options.ts';
import type { TargetSpec } from './target.ts';

/** Entries that differ in one thing only are also shown side by side. */
export type Series = {
  readonly title: string;
  /** What this entry is called among the others. */
  readonly column: string;
};

/** One entry that is to be measured. */
export type EntryPlan = {
  readonly name: string;
  readonly series: Series | null;
  /** Errors: rejects when one of the servers cannot be driven, and says which. */
  run(site: RunSite, progress: RunProgress): Promise<Entry>;
};

/** All of a command line: what is run, and what becomes of it. */
export type BenchPlan = {
  readonly common: Pick<RunValues, 'compare' | 'json' | 'html' | 'dataPath'>;
  /** The servers that the report names. */
  readonly specs: readonly TargetSpec[];
  readonly plans: readonly EntryPlan[];
  /** The report's files; null writes none. */
  readonly reportPrefix: string | null;
};

/** A sub-command. */
export type Command = {
  readonly name: string;
  readonly summary: string;
  /** `program`: how the program is called that has the sub-command. */
  usage(program: string): string;
  /** Errors: throws an `ArgumentError`. */
  read(words: readonly string[]): BenchPlan;
};

/** A load as an entry. */
export function entryPlan(
  plan: LoadPlan,
  specs: readonly TargetSpec[],
  series: Series | null,
): EntryPlan {
  return { name: plan.name, series, run: (site, progress) => runLoad(plan, specs, site, progress) };
}
