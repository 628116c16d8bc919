/**
 * Load tests: `node scripts/bench.ts [SUBCOMMAND] [options]`, or `ringmq bench` where the package is installed.
 *
 * Each sub-command drives a server with one kind of load and prints what it has measured. `all`, which also runs
 * without a sub-command, runs a documented set of loads and writes a report. docs/benchmarks.md explains them.
 */

import { runBench } from './bench/program.ts';

process.exitCode = await runBench(process.argv.slice(2));
