/** The program: from the words of its command line to what is printed, and its exit code. */

import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../src/shared/clock.ts';
import { allUsage, readAll } from './all-command.ts';
import { CleanUp } from './clean-up.ts';
import { SUBCOMMANDS } from './load-list.ts';
import { ArgumentError } from './option-kinds.ts';
import { ProgressLine } from './progress-line.ts';
import { type Comparison, compare } from './report/comparison.ts';
import { markdownReport } from './report/markdown-report.ts';
import { type Entry, makeReport, type Report, readReport } from './report/report.ts';
import { comparisonText, entryText } from './report/text-report.ts';
import { type LoadPlan, runLoad } from './run-load.ts';
import type { RunValues } from './run-options.ts';
import { ServerFacts, specsOf } from './servers.ts';

const PROGRAM = 'ringmq bench';
const NAME_COLUMN = 12;
/** A shell's exit codes for a signal. */
const INTERRUPTED = 130;
const TERMINATED = 143;

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_ARGUMENTS = 2;

/** All of a command line: what is run, and what becomes of it. */
type BenchPlan = {
  readonly common: RunValues;
  readonly plans: readonly LoadPlan[];
  readonly hasSinks: boolean;
  /** The report's files; null writes none. */
  readonly reportPrefix: string | null;
};

/** Runs what the words say; resolves with the exit code: 1 when a load failed, 2 when the words make no sense. */
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

/** A plan, or a text that is all there is to print. Errors: throws an `ArgumentError`. */
function readPlan(words: readonly string[]): BenchPlan | string {
  const [first = '', ...rest] = words;
  const wantsHelp = words.includes('--help') || words.includes('-h');
  const subcommand = SUBCOMMANDS.find(({ name }) => name === first);
  if (subcommand !== undefined) {
    if (wantsHelp) return subcommand.usage(PROGRAM);
    const load = subcommand.read(rest);
    const { common } = load;
    const name = [subcommand.name, ...load.words].join(' ');
    const plans = [{ name, load, runs: common.runs }];
    return { common, plans, hasSinks: common.nullSink, reportPrefix: null };
  }
  if (first === 'help' || (wantsHelp && first !== 'all')) return overview();
  if (first !== 'all' && first !== '' && !first.startsWith('-')) {
    const names = [...SUBCOMMANDS.map(({ name }) => name), 'all'].join(', ');
    throw new ArgumentError(`"${first}" is none of the sub-commands ${names}`);
  }
  if (wantsHelp) return allUsage(PROGRAM);
  const { common, plans, reportPrefix } = readAll(first === 'all' ? rest : words);
  return {
    common,
    plans,
    hasSinks: true,
    reportPrefix: reportPrefix ?? path.join(os.tmpdir(), `ringmq-bench-${fileDate()}`),
  };
}

async function runPlan(
  words: readonly string[],
  { common, plans, hasSinks, reportPrefix }: BenchPlan,
  cleanUp: CleanUp,
): Promise<number> {
  // read first: a wrong name is told before an hour has passed
  const earlier = common.compare === null ? null : readReport(common.compare);
  const specs = specsOf(common, hasSinks);
  const facts = new ServerFacts(specs);
  const site = { cleanUp, dataPath: common.dataPath, facts };
  const progress = new ProgressLine(process.stderr, new SystemClock());
  const entries: Entry[] = [];
  const failures: string[] = [];
  const command = [...PROGRAM.split(' '), ...words];
  for (const plan of plans) {
    try {
      const entry = await runLoad(plan, specs, site, progress);
      entries.push(entry);
      if (!common.json) console.log(`${entryText(entry)}\n`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // the other loads of a set are worth having all the same
      failures.push(error.message);
      console.error(error.message);
    }
  }
  const report = makeReport(command, facts.list(), entries);
  const comparison = earlier === null ? null : compare(earlier, report);
  print(report, comparison, common.json);
  if (reportPrefix !== null && entries.length > 0) write(reportPrefix, report, comparison);
  return failures.length === 0 ? EXIT_OK : EXIT_FAILED;
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
  const lines = SUBCOMMANDS.map(({ name, summary }) => `  ${name.padEnd(NAME_COLUMN)}${summary}`);
  return `usage: ${PROGRAM} [SUBCOMMAND] [options]

Drives this broker, or any nsqd, with a load, and measures.

${lines.join('\n')}
  ${'all'.padEnd(NAME_COLUMN)}a set of these, with a report; also what runs without a sub-command

"${PROGRAM} SUBCOMMAND --help" explains one of them.`;
}

function isName(word: string): boolean {
  return word === 'all' || SUBCOMMANDS.some(({ name }) => name === word);
}

/** The time as a part of a file's name. */
function fileDate(): string {
  return new Date()
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:]/g, '');
}
