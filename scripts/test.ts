// Runs the test suites: `node scripts/test.ts [path ...]`, all of test/ when no path is given. Each file is a process
// of its own. test-report.txt keeps what every test took, and what the files printed.
import { appendFileSync, globSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { TestRun } from './tests/test-run.ts';

/** Many tests wait for a process or a socket, so one file at a time leaves even a single core idle. */
const FILES_AT_A_TIME_MIN = 2;
const root = path.dirname(import.meta.dirname);
const report = path.join(root, 'test-report.txt');
const given = process.argv.slice(2).map((name) => path.resolve(name));
const files = given.length > 0 ? given : globSync('test/**/*.test.ts', { cwd: root }).sort();

process.chdir(root);
// Most of the time of a short file goes into reading TypeScript, which the brokers keep there as well.
process.env['NODE_COMPILE_CACHE'] ??= path.join(root, 'node_modules/.cache/ringmq');
const startedMs = performance.now();
const tests = new TestRun(root);
writeFileSync(report, '');
for await (const event of run({
  files: files.map((file) => path.resolve(root, file)),
  concurrency: Math.max(availableParallelism(), FILES_AT_A_TIME_MIN),
})) {
  const ended = tests.take(event);
  if (ended === undefined) continue;
  console.log(ended.text);
  appendFileSync(report, `${ended.details}\n`);
}
const summary = tests.summary(performance.now() - startedMs);
appendFileSync(report, `${summary}\n`);
console.log(summary);
process.exitCode = tests.hasFailed ? 1 : 0;
