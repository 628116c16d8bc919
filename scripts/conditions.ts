// Runs the tests in copies of the checkout under different conditions, and reports conditions that are not possible
// here.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CONDITIONS, type Condition, obstacleTo, together } from './conditions/condition.ts';
import { refuse } from './kit/arguments.ts';

const USAGE = `usage: node scripts/conditions.ts [options] [test file ...]

Runs \`npm test\`, or the given test files, in a copy of this checkout under each of these conditions:

${CONDITIONS.map(({ name, what }) => `  ${name.padEnd(10)}${what}`).join('\n')}

  --only NAME   run only this condition (may be given several times)
  --together    apply all conditions to one run
  --keep        keep the copies and print where they are

Example:
  node scripts/conditions.ts --only user --only umask

Exit code: 0 all passed, 1 a run failed or no condition could be applied, 2 bad arguments.`;
const ROOT = path.dirname(import.meta.dirname);
/** Not copied: files that git does not track, except the packages. */
const LEFT_OUT = ['.git', 'bundles', 'data', 'dist', 'test-report.txt'];
/** How many of the last lines of a failed run are shown. */
const SHOWN_LINES = 60;

const { values, positionals: files } = readCommandLine();
const { only = CONDITIONS.map(({ name }) => name), keep = false } = values;
const wanted = only.map(
  (name) => CONDITIONS.find((one) => one.name === name) ?? refuse(`there is no "${name}"`, USAGE),
);
const obstacles = new Map(wanted.map((condition) => [condition, obstacleTo(condition)]));
const possible = CONDITIONS.filter((one) => obstacles.has(one) && obstacles.get(one) === undefined);
const failed: string[] = [];

for (const condition of values.together && possible.length > 0 ? [together(possible)] : possible) {
  console.log(`${condition.name}: ${condition.what}`);
  const { isGood, log } = runUnder(condition);
  const lines = log.trimEnd().split('\n');
  console.log(
    lines
      .slice(isGood ? -1 : -SHOWN_LINES)
      .map((line) => `    ${line}`)
      .join('\n'),
  );
  if (!isGood) failed.push(condition.name);
}
const impossible = [...obstacles].filter(([, why]) => why !== undefined);
for (const [{ name }, why] of impossible) console.log(`not done, ${name}: ${why}`);
for (const name of failed) console.log(`failed: ${name}`);
console.log(
  `${possible.length} conditions tried, ${failed.length} runs failed, ${impossible.length} not done`,
);
process.exit(failed.length > 0 || possible.length === 0 ? 1 : 0);

/** Runs the tests in a copy that is then removed. */
function runUnder({ folder = 'ringmq', env, wrapper = [], owner }: Condition): {
  isGood: boolean;
  log: string;
} {
  // Only its owner can enter it.
  const base = mkdtempSync(path.join(tmpdir(), 'ringmq-conditions-'));
  const checkout = path.join(base, folder);
  const home = path.join(base, 'home');
  mkdirSync(home);
  copyCheckout(checkout);
  if (owner !== undefined) giveTo(owner, base);
  const command =
    files.length > 0 ? [process.execPath, 'scripts/test.ts', ...files] : ['npm', 'test'];
  const [program = '', ...words] = [...wrapper, ...command];
  // A run takes minutes, so its output is shown at once.
  const logFile = path.join(base, 'log.txt');
  console.log(`    running, with its output in ${logFile}`);
  const output = openSync(logFile, 'w');
  const { status } = spawnSync(program, words, {
    cwd: checkout,
    stdio: ['ignore', output, output],
    // npm's variables describe this checkout, not the copy.
    env: { ...withoutNpm(process.env), HOME: home, ...env },
  });
  closeSync(output);
  const log = readFileSync(logFile, 'utf8');
  if (keep) console.log(`    kept in ${base}`);
  else rmSync(base, { recursive: true });
  return { isGood: status === 0, log };
}

function copyCheckout(to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(ROOT)) {
    if (LEFT_OUT.includes(name)) continue;
    cpSync(path.join(ROOT, name), path.join(to, name), { recursive: true, verbatimSymlinks: true });
  }
}

function giveTo(owner: number, directory: string): void {
  const { status } = spawnSync('chown', ['-R', '-h', `${owner}:${owner}`, directory]);
  if (status !== 0) throw new Error(`chown ended with ${status}`);
}

function withoutNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('npm_')));
}

function readCommandLine() {
  if (process.argv.includes('--help')) {
    console.log(USAGE);
    process.exit(0);
  }
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        only: { type: 'string', multiple: true },
        together: { type: 'boolean' },
        keep: { type: 'boolean' },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), USAGE);
  }
}
