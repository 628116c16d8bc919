#!/usr/bin/env node
/**
 * The program's first lines: says so where Node is too old to read the rest, else runs it.
 *
 * This is plain JavaScript that every Node understands: an older Node refuses a file of TypeScript, such as
 * `index.ts`, before anything in it can speak.
 *
 * Thread: main.
 */

const { enableCompileCache } = require('node:module');
const { constants } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// nsqd ignores these. Where nobody listens, USR1 has Node open its inspector, through which every user of the machine
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
  // What is compiled once is not compiled again at the next start, nor in each thread: each would otherwise load the
  // compiler that strips the types, 56 MiB in all. Where the directory cannot be written nothing changes.
  process.env['NODE_COMPILE_CACHE'] ??= join(__dirname, '../../node_modules/.cache/ringmq');
  enableCompileCache(process.env['NODE_COMPILE_CACHE']);
  const { programFile } = require('./bundles.cjs');
  const { href } = pathToFileURL(programFile('main/program', './program.ts'));
  import(href).then(({ runProgram }) => runProgram(process.argv.slice(2)));
}
