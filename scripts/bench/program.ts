/** The program: from the words of its command line to its output and exit code. */

import { writeFileSync } from 'node:fs';
import { SystemClock } from '../../src/shared/clock.ts';
import { ProgressLine } from '../kit/progress-line.ts';
import { ALL, SUBCOMMANDS } from './all-command.ts';
import { BROKERS } from './brokers/brokers-command.ts';
import { CleanUp } from './clean-up.ts';
import { CLIENT } from './client/client-command.ts';
import type { Subcommand } from './load.ts';
import { type BenchPlan, type Command, type EntryPlan, entryPlan } from './load.ts';
import { ArgumentError } from './options.ts';
import { type Comparison, compare } from './report/comparison.ts';
import {
  comparisonText,
  entryText,
  markdownReport,
  type SeriesColumn,
  seriesText,
  summaryText,
} from './report/formats.ts';
import { htmlReport } from './report/html-report.ts';
import {
  type Entry,
  type Failure,
  makeReport,
  type Report,
  readReport,
  serverNames,
} from './report/report.ts';
import { LoadProgress } from './run-load.ts';
import { ServerFacts, specsOf } from './servers.ts';
import { THREADS } from './threads-command.ts';

/** All sub-commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...SUBCOMMANDS.map(loadCommand),
  THREADS,
  BROKERS,
  CLIENT,
  ALL,
];

const PROGRAM = 'ringmq bench';
const NAME_COLUMN = 12;
/** A shell's exit codes for a signal. */
const INTERRUPTED = 130;
const TERMINATED = 143;

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_ARGUMENTS = 2;

/** Runs the command line. Resolves with the exit code: 1 if a load failed, 2 for invalid arguments. */
export async function runBench(words: readonly string[]): Promise<number> {
  const cleanUp = new CleanUp();
  process.once('exit', () => cleanUp.run());
  process.once('SIGINT', () => process.exit(INTERRUPTED));
  process.once('SIGTERM', () => process.exit(TERMINATED));
  try {
    const plan = readPlan(words);
    if (typeof plan === 'string') {
      console.log(plan);
      return EXIT_OK;
    }
    return await runPlan(words, plan, cleanUp);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(error.message);
    if (!(error instanceof ArgumentError)) return EXIT_FAILED;
    const name = words[0] !== undefined && isName(words[0]) ? ` ${words[0]}` : '';
    console.error(`\n"${PROGRAM}${name} --help" says more`);
    return EXIT_ARGUMENTS;
  }
}

/** A plan, or a text to print. Errors: throws an `ArgumentError`. */
function readPlan(words: readonly string[]): BenchPlan | string {
  const [first = '', ...rest] = words;
  const wantsHelp = words.includes('--help') || words.includes('-h');
  const command = COMMANDS.find(({ name }) => name === first);
  if (command !== undefined) return wantsHelp ? command.usage(PROGRAM) : command.read(rest);
  if (first === 'help' || wantsHelp) return overview();
  if (first !== '' && !first.startsWith('-')) {
    const names = COMMANDS.map(({ name }) => name).join(', ');
    throw new ArgumentError(`"${first}" is not one of the sub-commands ${names}`);
  }
  return ALL.read(words);
}

async function runPlan(
  words: readonly string[],
  { common, specs, plans, reportPrefix }: BenchPlan,
  cleanUp: CleanUp,
): Promise<number> {
  // read first, so that a wrong name is reported before an hour of measurements
  const earlier = common.compare === null ? null : readReport(common.compare);
  const facts = new ServerFacts(specs);
  const site = { cleanUp, dataPath: common.dataPath, facts };
  const clock = new SystemClock();
  const line = new ProgressLine(process.stderr, clock);
  const progress = new LoadProgress(line, clock, plans.length);
  const entries: Entry[] = [];
  const series = new Map<string, SeriesColumn[]>();
  const failures: Failure[] = [];
  const command = [...PROGRAM.split(' '), ...words];
  for (const plan of plans) {
    progress.next();
    try {
      const entry = await plan.run(site, progress);
      entries.push(entry);
      addToSeries(series, plan, entry);
      if (!common.json) console.log(`${entryText(entry, serverNames(facts.list()))}\n`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // the other loads of a set are still useful
      failures.push({ name: plan.name, reason: error.message });
      console.error(error.message);
    }
  }
  for (const [title, columns] of series) {
    if (!common.json && columns.length > 1) console.log(`${seriesText(title, columns)}\n`);
  }
  const report = makeReport(command, facts.list(), entries, failures);
  if (!common.json && plans.length > 1) console.log(`${summaryText(report)}\n`);
  const comparison = earlier === null ? null : compare(earlier, report);
  print(report, comparison, common.json);
  if (reportPrefix !== null) write(reportPrefix, report, comparison);
  if (common.html !== null) {
    writeFileSync(common.html, htmlReport(report, earlier, comparison));
    console.error(`page: ${common.html}`);
  }
  return failures.length === 0 ? EXIT_OK : EXIT_FAILED;
}

function addToSeries(
  all: Map<string, SeriesColumn[]>,
  { series }: EntryPlan,
  { unit, results: [first] }: Entry,
): void {
  if (series === null || first === undefined) return;
  const columns = all.get(series.title) ?? [];
  columns.push({ head: series.column, unit, figures: first.median });
  all.set(series.title, columns);
}

function print(report: Report, comparison: Comparison | null, isJson: boolean): void {
  if (isJson) console.log(asJson(report, comparison));
  else if (comparison !== null) console.log(comparisonText(comparison));
}

function write(prefix: string, report: Report, comparison: Comparison | null): void {
  const [markdown, json] = [`${prefix}.md`, `${prefix}.json`];
  writeFileSync(markdown, markdownReport(report, comparison));
  writeFileSync(json, `${asJson(report, comparison)}\n`);
  console.error(`report: ${markdown}, ${json}`);
}

function asJson(report: Report, comparison: Comparison | null): string {
  return JSON.stringify(comparison === null ? report : { ...report, comparison }, null, 2);
}

function overview(): string {
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(NAME_COLUMN)}${summary}`);
  return `usage: ${PROGRAM} [SUBCOMMAND] [options]

Puts load on this broker, or on any nsqd, and measures rates, CPU time per message and latencies.

${lines.join('\n')}

"${PROGRAM} SUBCOMMAND --help" explains one of them.

Examples:
  ${PROGRAM} pub --messages 500k
  ${PROGRAM} latency --rate 10000 --seconds 10
  ${PROGRAM} pub --against-server nsqd --runs 5

Exit code: 0 all loads ran, 1 a load failed, 2 bad arguments.`;
}

function isName(word: string): boolean {
  return COMMANDS.some(({ name }) => name === word);
}

/** A load outside of a set. */
function loadCommand(subcommand: Subcommand): Command {
  const { name, summary } = subcommand;
  return {
    name,
    summary,
    usage: (program) => subcommand.usage(program),
    read: (words) => {
      const load = subcommand.read(words);
      const { common } = load;
      const specs = specsOf(common, common.nullSink);
      const plan = { name: [name, ...load.words].join(' '), load, runs: common.runs };
      return { common, specs, plans: [entryPlan(plan, specs, null)], reportPrefix: null };
    },
  };
}
