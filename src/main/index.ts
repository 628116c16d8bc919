#!/usr/bin/env node
/**
 * The program: reads the command line, runs a broker until a signal ends it.
 *
 * Exit codes: 0 after SIGINT or SIGTERM, 1 when the broker cannot run or go on, 2 for a bad command line.
 * Thread: main. Source: nsqd `apps/nsqd/main.go`.
 */

import { readFileSync } from 'node:fs';
import os from 'node:os';

const OLDEST_NODE = [22, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(
    `ringmq needs Node ${OLDEST_NODE.join('.')} or newer, this is ${process.version}\n`,
  );
  process.exit(1);
}

// Loaded only now: an older Node could not even read the rest.
const { run } = await import('./program.ts');
await run(process.argv.slice(2), {
  hostname: os.hostname(),
  parallelism: os.availableParallelism(),
  readFile: (path) => readFileSync(path, 'utf8'),
});
