#!/usr/bin/env node
/**
 * The program's first lines: says so where Node is too old to read the rest, else runs it.
 *
 * This is plain JavaScript that every Node understands, and `index.ts` is a link to it: an older Node refuses a
 * file of TypeScript before anything in it could speak.
 *
 * Thread: main.
 */

const OLDEST_NODE = [22, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(
    `ringmq needs Node ${OLDEST_NODE.join('.')} or newer, this is ${process.version}\n`,
  );
  process.exitCode = 1;
} else {
  import('./program.ts').then(({ runProgram }) => runProgram(process.argv.slice(2)));
}
