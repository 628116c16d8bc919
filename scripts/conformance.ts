// Runs the conformance kit against the broker: `node scripts/conformance.ts <kit directory> [the kit's options]`. Exits
// with 1 if a case fails that neither list in test/compat names, or if a case passes that is listed as not passing yet.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type CaseResult, evaluate, parseList, parseResult } from './conformance/verdict.ts';

const root = path.dirname(import.meta.dirname);
const bin = path.join(root, 'node_modules', '.bin');
const USAGE = `usage: node scripts/conformance.ts <kit directory> [options of the kit]

Runs a conformance kit, and compares its results with the lists of expected failures in test/compat.

Exit code: 0 every case passes or fails as listed, 1 otherwise, 2 bad arguments.`;
const [kit, ...options] = process.argv.slice(2);
if (kit === '--help' || kit === '-h') {
  console.log(USAGE);
  process.exit(0);
}
if (kit === undefined || !existsSync(path.join(kit, 'run.mjs'))) {
  const reason = kit === undefined ? '' : `there is no run.mjs in ${JSON.stringify(kit)}\n`;
  console.error(reason + USAGE);
  process.exit(2);
}

const lists = {
  notPassingYet: readList('not-passing-yet.json'),
  betterThanNsqd: readList('better-than-nsqd.json'),
};
const excused = new Set([...lists.notPassingYet, ...lists.betterThanNsqd].map((it) => it.case));
const { results, isFinished } = await play(path.resolve(kit, 'run.mjs'));
const verdict = evaluate(results, lists, options.length === 0);
const faults = [...verdict.faults];
if (!isFinished) faults.push('the kit did not come to its end');
if (results.length === 0) faults.push('no case was run');

console.log('');
for (const fault of faults) console.log(`conformance: ${fault}`);
if (verdict.excused > 0) console.log(`${verdict.excused} listed cases fail as expected`);
console.log(`${verdict.passed} passed, ${faults.length} failed`);
process.exit(faults.length > 0 ? 1 : 0);

function readList(name: string): ReturnType<typeof parseList> {
  return parseList(name, readFileSync(path.join(root, 'test', 'compat', name), 'utf8'));
}

/** Runs the kit, and prints each case when its result arrives. */
async function play(run: string): Promise<{ results: CaseResult[]; isFinished: boolean }> {
  // the kit starts the broker in its own directories, so no path here may be relative
  const server = `${quoted(path.join(bin, 'node'))} ${quoted(path.join(root, 'src/main/start.cjs'))}`;
  const child = spawn(process.execPath, [run, '--server', server, '--json', ...options], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const played: CaseResult[] = [];
  let hasClosingLine = false;
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) {
    const result = parseResult(line);
    if (result === undefined) hasClosingLine ||= /^\d+ passed, \d+ failed$/.test(line);
    else {
      played.push(result);
      show(result);
    }
  }
  const [status]: (number | null)[] = await closed;
  // 0 and 1 are verdicts of the kit, any other code means that the kit has failed
  return { results: played, isFinished: hasClosingLine && (status === 0 || status === 1) };
}

function show({ name, ok, why }: CaseResult): void {
  if (ok) console.log(`ok   ${name}`);
  else if (excused.has(name)) console.log(`list ${name}`);
  else console.log(`FAIL ${name}\n${why ?? ''}`);
}

/** A word for the shell in which the kit starts the broker. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
