/**
 * The parts of a sub-command: its plan for the servers and, if it puts a load on them, a table of options and a
 * function that drives a server with their values.
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

/** Entries that differ in one respect only; they are also shown side by side. */
export type Series = {
  readonly title: string;
  /** The name of this entry among the others. */
  readonly column: string;
};

/** An entry to be measured. */
export type EntryPlan = {
  readonly name: string;
  readonly series: Series | null;
  /** Errors: rejects if one of the servers cannot be driven, and names it. */
  run(site: RunSite, progress: RunProgress): Promise<Entry>;
};

/** The meaning of a command line: what is run, and where the results go. */
export type BenchPlan = {
  readonly common: Pick<RunValues, 'compare' | 'json' | 'html' | 'dataPath'>;
  /** The servers that the report names. */
  readonly specs: readonly TargetSpec[];
  readonly plans: readonly EntryPlan[];
  /** The path of the report's files without their extensions; null writes none. */
  readonly reportPrefix: string | null;
};

/** A sub-command. */
export type Command = {
  readonly name: string;
  readonly summary: string;
  /** `program`: the command that the user has typed. */
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
  /** The unit of its rate: `msg`. */
  readonly unit: string;
  /** One line. */
  readonly summary: string;
  /** What the load does, and what its figures mean; wrapped for output. */
  readonly about: string;
  /** Example arguments. */
  readonly examples: readonly string[];
  readonly options: T;
  /** The default warm-up is traffic through a channel. */
  readonly warmUp?: WarmUp<T>;
  /** Errors: throws an `ArgumentError` for values that contradict each other. */
  check(values: OptionValues<T>): void;
  /** The requirements for a server that is started for it. */
  needs(values: OptionValues<T>): ServerNeeds;
  /** The null sink that can take its publishes to such a topic, or the reason why none can. */
  sink(values: OptionValues<T>, topic: string): Sink | string;
  /** Drives the server once. Errors: rejects if that fails. */
  run(context: RunContext, values: OptionValues<T>): Promise<Figures>;
};

/** A load with its values. */
export type ReadyLoad = {
  readonly name: string;
  readonly unit: string;
  /** The arguments that describe the load, without those for servers and runs. */
  readonly words: readonly string[];
  readonly needs: ServerNeeds;
  readonly common: RunValues;
  sink(topic: string): Sink | string;
  /** Errors: as `run`. */
  warmUp(context: RunContext): Promise<void>;
  run(context: RunContext): Promise<Figures>;
};

/** A load with its own options. */
export type Subcommand = {
  readonly name: string;
  readonly summary: string;
  /** `program`: the command that the user has typed. */
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
      // each table's names have values of their own kinds
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
