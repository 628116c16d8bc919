/**
 * What a sub-command consists of: its plan for the servers and, for one that puts a load on them, a table of options
 * and a function that drives a server by their values.
 */

import {
  describeOptions,
  type OptionTable,
  type OptionValues,
  readOptions,
  wordsOf,
} from './options.ts';
import type { Figures } from './report/metrics.ts';
import type { Entry } from './report/report.ts';
import type { RunContext } from './run-context.ts';
import type { RunProgress } from './run-load.ts';
import { type LoadPlan, type RunSite, runLoad } from './run-load.ts';
import { checkRunOptions, RUN_OPTIONS, type RunValues } from './run-options.ts';
import type { ServerNeeds, Sink, TargetSpec } from './target.ts';
import { type WarmUp, warmUp } from './warm-up.ts';

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

/** One kind of load. */
export type Load<T extends OptionTable> = {
  readonly name: string;
  /** What it counts, for a rate: `msg`. */
  readonly unit: string;
  /** One line. */
  readonly summary: string;
  /** What is done, and what the figures mean; wrapped. */
  readonly about: string;
  /** Arguments that make sense. */
  readonly examples: readonly string[];
  readonly options: T;
  /** Traffic through a channel if nothing is said. */
  readonly warmUp?: WarmUp<T>;
  /** Errors: throws an `ArgumentError` for values that contradict each other. */
  check(values: OptionValues<T>): void;
  /** What a server that is started for it needs, by itself. */
  needs(values: OptionValues<T>): ServerNeeds;
  /** The null sink that it can be sent to, when it publishes to such a topic, or why no sink fits. */
  sink(values: OptionValues<T>, topic: string): Sink | string;
  /** Drives the server once. Errors: rejects when it cannot be done. */
  run(context: RunContext, values: OptionValues<T>): Promise<Figures>;
};

/** A load with its values. */
export type ReadyLoad = {
  readonly name: string;
  readonly unit: string;
  /** The arguments that say what the load is, without those that say which servers are driven, and how often. */
  readonly words: readonly string[];
  readonly needs: ServerNeeds;
  readonly common: RunValues;
  sink(topic: string): Sink | string;
  /** Errors: as `run`. */
  warmUp(context: RunContext): Promise<void>;
  run(context: RunContext): Promise<Figures>;
};

/** A load with options of its own. */
export type Subcommand = {
  readonly name: string;
  readonly summary: string;
  /** `program`: how the program is called that has the sub-command. */
  usage(program: string): string;
  /** Errors: throws an `ArgumentError`. */
  read(words: readonly string[]): ReadyLoad;
};

export function subcommand<T extends OptionTable>(load: Load<T>): Subcommand {
  const { name, unit, summary } = load;
  return {
    name,
    summary,
    usage: (program) => usage(load, program),
    read: (words) => {
      const table: OptionTable = { ...RUN_OPTIONS, ...load.options };
      const read = readOptions(table, words);
      // each table's names have got values of its own kinds
      const common = read as unknown as RunValues;
      const values = read as unknown as OptionValues<T>;
      checkRunOptions(common);
      load.check(values);
      const needs = load.needs(values);
      const memQueueSize = common.memQueueSize ?? needs.memQueueSize;
      return {
        name,
        unit,
        words: wordsOf([...Object.keys(load.options), 'memQueueSize'], table, words),
        needs: { ...needs, memQueueSize },
        common,
        sink: (topic) => load.sink(values, topic),
        warmUp: (context) => warmUp(load, context, values, common.warmUp),
        run: (context) => load.run(context, values),
      };
    },
  };
}

function usage<T extends OptionTable>(load: Load<T>, program: string): string {
  return `usage: ${program} ${load.name} [options]

${load.about}

Of this load:
${describeOptions(load.options)}

Of every load:
${describeOptions(RUN_OPTIONS)}

Examples:
${load.examples.map((words) => `  ${program} ${load.name}${words === '' ? '' : ` ${words}`}`).join('\n')}`;
}
