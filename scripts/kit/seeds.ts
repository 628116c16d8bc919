/**
 * The loop of scripts that run many seeds: which seeds, the sum of their results, and where it ends.
 */

import { wholeNumber } from './arguments.ts';

/** Besides these a script has `seeds`, with its own default. */
export const SEED_ARGUMENTS = {
  from: { type: 'string', default: '1' },
  seed: { type: 'string' },
  trace: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
} as const;

export type SeedArguments = {
  readonly seeds: string;
  readonly from: string;
  readonly seed?: string | undefined;
  readonly trace: boolean;
  readonly 'keep-going': boolean;
};

/** The counts over all seeds, by their names in the progress lines. */
type Counts = Record<string, number>;

export type SeedRuns<R> = {
  readonly usage: string;
  /** Seeds between two lines of progress. */
  readonly progressEvery: number;
  /** Rejects if the seed fails. `print` is absent unless `--trace` requests each step. */
  readonly run: (seed: number, print?: (line: string) => void) => Promise<R> | R;
  readonly countsOf: (result: R) => Counts;
};

/** Prints failures as they occur, and exits, with 1 if a seed failed. */
export async function runSeeds<R>(values: SeedArguments, runs: SeedRuns<R>): Promise<never> {
  const { usage, progressEvery, run, countsOf } = runs;
  const first = wholeNumber('seed', values.seed ?? values.from, 0, usage);
  const count = values.seed === undefined ? wholeNumber('seeds', values.seeds, 1, usage) : 1;
  const totals: Counts = {};
  let seeds = 0;
  let failures = 0;
  const printTotals = (): void => {
    const counts = Object.entries(totals).map(([name, total]) => `${total} ${name}`);
    console.log([`${seeds} seeds`, ...counts, `${failures} failures`].join(', '));
  };

  for (let seed = first; seed < first + count; seed++) {
    seeds++;
    try {
      const result = values.trace ? await run(seed, (line) => console.log(line)) : await run(seed);
      for (const [name, one] of Object.entries(countsOf(result))) {
        totals[name] = (totals[name] ?? 0) + one;
      }
      if (count === 1) console.log(result);
    } catch (error) {
      failures++;
      console.error(error);
      if (!values['keep-going']) break;
    }
    if (seeds % progressEvery === 0) printTotals();
  }
  printTotals();
  process.exit(failures > 0 ? 1 : 0);
}
