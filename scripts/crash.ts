// Kills a broker again and again under load, and checks that it keeps its guarantees. Exits with 1 if it does not, and
// prints the violations with the command that repeats them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../src/shared/clock.ts';
import { CrashRun } from './checkers/crash/crash-run.ts';
import { RULES, type Rule } from './checkers/crash/violations.ts';
import { readArguments, refuse, wholeNumber } from './kit/arguments.ts';
import { ProgressLine } from './kit/progress-line.ts';

/** How many rules are on the first line of their list. */
const RULE_LINE = 5;
const USAGE = `usage: node scripts/crash.ts [options]

Kills a broker under load again and again, and checks its guarantees: which publishes and finishes
survive, and when deferred messages are delivered.

  --crashes N          kills in each run (default 20)
  --runs N             number of runs, each with its own seed and directory (default 1)
  --seed S             seed of the first run (default: the time)
  --mem-queue-size N   memory queue size of the broker (default 0). With 0 no acknowledged message
                       may be lost; otherwise a clean shutdown must lose none
  --brokers N          check ringmq multi with N brokers: one, several or all are killed
  --server COMMAND     check another broker; the command gets nsqd's flags
  --ignore RULE        skip a rule that the broker does not guarantee (may be given several times):
                       ${RULES.slice(0, RULE_LINE).join(', ')},
                       ${RULES.slice(RULE_LINE).join(', ')}
  --keep-going         continue after a run that fails

Examples:
  node scripts/crash.ts --runs 50
  node scripts/crash.ts --runs 50 --mem-queue-size 100
  node scripts/crash.ts --brokers 4
  node scripts/crash.ts --server nsqd --ignore lost --keep-going

Exit code: 0 every run passed, 1 a run failed, 2 bad arguments.`;

const values = readArguments(USAGE, {
  crashes: { type: 'string', default: '20' },
  runs: { type: 'string', default: '1' },
  seed: { type: 'string' },
  'mem-queue-size': { type: 'string', default: '0' },
  brokers: { type: 'string' },
  server: { type: 'string' },
  ignore: { type: 'string', multiple: true, default: [] },
  'keep-going': { type: 'boolean', default: false },
});
const crashes = wholeNumber('crashes', values.crashes, 1, USAGE);
const runs = wholeNumber('runs', values.runs, 1, USAGE);
const memQueueSize = wholeNumber('mem-queue-size', values['mem-queue-size'], 0, USAGE);
const brokers =
  values.brokers === undefined ? undefined : wholeNumber('brokers', values.brokers, 1, USAGE);
const first = wholeNumber('seed', values.seed ?? String(Date.now() & 0x7fffffff), 0, USAGE);
const ignored = values.ignore.map(
  (name): Rule =>
    RULES.find((rule) => rule === name) ?? refuse(`--ignore: "${name}" is no rule`, USAGE),
);

const progress = new ProgressLine(process.stderr, new SystemClock());
let failures = 0;
for (let seed = first; seed < first + runs; seed++) {
  if (!(await runSeed(seed))) {
    failures++;
    if (!values['keep-going']) break;
  }
}
process.exit(failures > 0 ? 1 : 0);

async function runSeed(seed: number): Promise<boolean> {
  const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-crash-'));
  const run = new CrashRun({
    seed,
    crashes,
    memQueueSize,
    brokers,
    server: values.server,
    dataPath,
    ignored,
    onProgress: (text) => progress.update(`seed ${seed}: ${text}`),
  });
  progress.print(`seed ${seed}: ${run.flags.join(' ')}`);
  let failure: unknown;
  try {
    await run.run();
  } catch (error) {
    failure = error;
  }
  const { violations, figures } = run;
  progress.print(`seed ${seed}: ${describe(figures)}`);
  if (failure === undefined && violations.total === 0) {
    rmSync(dataPath, { recursive: true });
    return true;
  }
  for (const text of violations.texts) console.error(text);
  for (const [rule, count] of violations.counts) console.error(`${rule}: ${count}`);
  if (failure !== undefined) console.error(failure);
  console.error(`the data directory is left: ${dataPath}\nto run it again: ${commandOf(seed)}`);
  return false;
}

function describe(figures: CrashRun['figures']): string {
  return [
    `${figures.lives} lives, ${figures.kills} kills`,
    `${figures.acknowledged} of ${figures.published} published messages acknowledged`,
    `${figures.deliveries} deliveries, ${figures.redeliveries} of them again`,
    `${figures.finishes} finishes`,
    `${figures.deferralsKept} deferred over an end`,
    `longest start ${figures.longestStartMs.toFixed()} ms`,
  ].join('; ');
}

function commandOf(seed: number): string {
  const words = ['node scripts/crash.ts', `--seed ${seed}`, `--crashes ${crashes}`];
  if (memQueueSize > 0) words.push(`--mem-queue-size ${memQueueSize}`);
  if (brokers !== undefined) words.push(`--brokers ${brokers}`);
  for (const rule of ignored) words.push(`--ignore '${rule}'`);
  if (values.server !== undefined) words.push(`--server '${values.server}'`);
  return words.join(' ');
}
