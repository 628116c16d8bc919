#!/usr/bin/env node
/**
 * The entry of the program. It reports a Node that is too old for the rest, and otherwise runs it.
 *
 * It is plain JavaScript that every Node understands: an older Node refuses a TypeScript file, such as `index.ts`,
 * before any of it can run.
 *
 * Thread: main.
 */

const { enableCompileCache } = require('node:module');
const { constants } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// nsqd ignores these. Without a listener, USR1 makes Node open its inspector, through which every user of the machine
// can run code in the broker, and the others end the process.
const IGNORED_SIGNALS = ['USR1', 'USR2', 'ALRM', 'VTALRM', 'PROF', 'IO', 'PWR', 'XCPU'];
for (const name of process.platform === 'win32' ? [] : IGNORED_SIGNALS) {
  if (`SIG${name}` in constants.signals) process.on(`SIG${name}`, () => undefined);
}

const OLDEST_NODE = [22, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(
    `ringmq needs Node ${OLDEST_NODE.join('.')} or newer, this is ${process.version}\n`,
  );
  process.exitCode = 1;
} else {
  // The compile cache saves compiling again at the next start and in each thread, each of which would otherwise load
  // the compiler that strips the types, 56 MiB in all. If the directory cannot be written, there is no cache.
  process.env['NODE_COMPILE_CACHE'] ??= join(__dirname, '../../node_modules/.cache/ringmq');
  enableCompileCache(process.env['NODE_COMPILE_CACHE']);
  const { programFile } = require('./bundles.cjs');
  const { href } = pathToFileURL(programFile('main/program', './program.ts'));
  import(href).then(({ runProgram }) => runProgram(process.argv.slice(2)));
}
