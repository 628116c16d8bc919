// Runs the test suites: `node scripts/test.ts [path ...]`, files or directories, test/ by default. Each file is a
// separate process, and so is each directory of test/unit. A process in which no test ends for 5 minutes fails
// (RINGMQ_TEST_FILE_SECONDS). test-report.txt contains the duration of every test and the output of the files;
// RINGMQ_TEST_REPORT names another file.
import { appendFileSync, globSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { readNames } from './kit/arguments.ts';
import { LIMIT_VARIABLE } from './tests/file-limit.ts';
import { LateFiles } from './tests/late-files.ts';
import { TestGroups } from './tests/test-groups.ts';
import { TestRun } from './tests/test-run.ts';

const USAGE = `usage: node scripts/test.ts [PATH ...]

Runs the tests in files and directories, all of test/ by default. Each file is a process of its own,
and so is each directory of test/unit; a file that is named runs alone. Exits with 1 if a test fails.

environment:
  RINGMQ_TEST_FILE_SECONDS  a process fails if no test of it ends for this long (default 300)
  RINGMQ_TEST_REPORT        the file that keeps what each test took and what the files printed
                            (default test-report.txt)`;

/** Many tests wait for a process or a socket, so one file per core leaves cores idle. */
const FILES_BESIDE_CORES = 2;
/** The slowest tests take half a minute. Units: seconds. */
const FILE_LIMIT_S = 300;
const root = path.dirname(import.meta.dirname);
const report = process.env['RINGMQ_TEST_REPORT'] ?? path.join(root, 'test-report.txt');
const given = readNames(USAGE).map((name) => path.resolve(name));
const files = (given.length > 0 ? given : [path.join(root, 'test')]).flatMap(testFiles);
// A file that is named runs alone.
const groups = new TestGroups(
  root,
  files.filter((file) => !given.includes(file)),
);

process.chdir(root);
// A short file spends most of its time on compiling TypeScript; the brokers use the same cache.
process.env['NODE_COMPILE_CACHE'] ??= path.join(root, 'node_modules/.cache/ringmq');
const lateFiles = new LateFiles(Number(process.env[LIMIT_VARIABLE] ?? FILE_LIMIT_S));
const startedMs = performance.now();
const tests = new TestRun(root, (file) => groups.titleOf(file));
writeFileSync(report, '');
for await (const event of run({
  files: [...groups.files, ...files.filter((file) => given.includes(file))],
  execArgv: ['--import', new URL('./tests/file-limit.ts', import.meta.url).href],
  concurrency: availableParallelism() + FILES_BESIDE_CORES,
})) {
  const ended = tests.take(event);
  if (ended === undefined) continue;
  console.log(ended.text);
  appendFileSync(report, `${ended.details}\n`);
}
lateFiles.stop();
groups.remove();
const summary = tests.summary(performance.now() - startedMs);
appendFileSync(report, `${summary}\n`);
console.log(summary);
process.exitCode = tests.hasFailed ? 1 : 0;

/** The file itself, or the tests of a directory. Units: absolute paths. */
function testFiles(name: string): string[] {
  const found = globSync('**/*.test.ts', { cwd: name }).sort();
  return found.length > 0 ? found.map((file) => path.join(name, file)) : [name];
}
