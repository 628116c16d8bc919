/** The package as users get it: packed, unpacked, and looked at by the tools that know what is wrong with packages. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const PROJECT = path.dirname(path.dirname(import.meta.dirname));
const MODULES = path.join(PROJECT, 'node_modules');
const LIMIT = { timeout: 180_000 };
const USE = "console.log(typeof Producer, typeof Consumer, new NsqError('X', 'y').code);\n";
const USED = 'function function X\n';

/**
 * Where vitest and jest are installed, for tests of the package in programs that use them. They are not among
 * the project's own packages, because they would be two thirds of them.
 */
const RUNNERS = process.env['RINGMQ_TEST_RUNNERS'] ?? '';
const WITH_RUNNERS = {
  ...LIMIT,
  skip: RUNNERS === '' ? 'RINGMQ_TEST_RUNNERS names no directory with vitest and jest' : false,
};
/** A test of a program, in the words of every runner. */
const SUITE = `
test('a broker', async () => {
  const broker = await createBroker({ memory: true });
  const messages = broker.messages('t', 'c');
  await broker.publish('t', { n: 1 });
  const { value: message } = await messages.next();
  if (message.json().n !== 1) throw new Error(message.text());
  await message.finish();
  await broker.close();
});
`;
/** With worker threads and files. It prints \`1 true\`. */
const PROGRAM = `
async function main() {
  const dataPath = mkdtempSync('data-');
  const broker = await createBroker({ dataPath, tcpAddress: '127.0.0.1:0' });
  await broker.publish('t', { n: 1 });
  for await (const message of broker.messages('t', 'c')) {
    console.log(message.json().n, broker.tcpPort > 0);
    await message.finish();
    break;
  }
  await broker.close();
  rmSync(dataPath, { recursive: true });
}
main();
`;

/** Holds the tarball, and a program that has installed it. */
const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-package-'));
const installed = path.join(directory, 'node_modules/ringmq');
let tarball = '';

after(() => rmSync(directory, { recursive: true }));

before(() => {
  run(process.execPath, ['scripts/build.ts'], PROJECT);
  run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], PROJECT);
  tarball = path.join(
    directory,
    readdirSync(directory).find((name) => name.endsWith('.tgz')) ?? '',
  );
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed], directory);
  // what it depends on, and Node's types
  for (const name of readdirSync(MODULES)) {
    if (name === 'ringmq' || name.startsWith('.')) continue;
    symlinkSync(path.join(MODULES, name), path.join(directory, 'node_modules', name));
  }
}, LIMIT);

/** Runs a program to its end, and returns what it has printed. Errors: throws that when it fails. */
function run(program: string, words: readonly string[], cwd: string): string {
  // Runners in it are to know nothing of the one that runs this.
  const env = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
    FORCE_COLOR: undefined,
    NO_COLOR: '1',
  };
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd,
    env,
    encoding: 'utf8',
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${words.join(' ')}: ${error?.message ?? stdout + stderr}`);
}

/** Writes a program beside the installed package. */
function write(name: string, text: string): string {
  writeFileSync(path.join(directory, name), text);
  return name;
}

test('package: publint finds nothing', LIMIT, async () => {
  const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false });

  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    [],
  );
});

test('package: types resolve in every way that Node has', LIMIT, () => {
  const checker = path.join(MODULES, '@arethetypeswrong/cli/dist/index.js');
  // CommonJS reads it with require, which gives modules since Node 22.12; the check knows only of import
  const words = [checker, tarball, '--profile', 'esm-only', '--no-definitely-typed', '-f', 'json'];

  const { analysis } = JSON.parse(run(process.execPath, words, directory));

  const problems = analysis.problems.filter(
    ({ resolutionKind }: { resolutionKind?: string }) =>
      resolutionKind === undefined || !['node10', 'node16-cjs'].includes(resolutionKind),
  );
  assert.deepEqual(problems, []);
  assert.equal(analysis.types.kind, 'included');
});

test('package: it is imported and required', LIMIT, () => {
  const names = '{ Consumer, NsqError, Producer }';
  const esm = write('esm.mjs', `import ${names} from 'ringmq/client';\n${USE}`);
  const cjs = write('cjs.cjs', `const ${names} = require('ringmq/client');\n${USE}`);

  assert.equal(run(process.execPath, [esm], directory), USED);
  assert.equal(run(process.execPath, [cjs], directory), USED);
});

test('package: the compiler accepts its types, all of them', LIMIT, () => {
  const text = `import { Consumer, type Message } from 'ringmq/client';
const consumer = new Consumer<number>({ topic: 't', channel: 'c', nsqd: [] });
export async function sum(): Promise<number> {
  let total = 0;
  for await (const message of consumer) total += valueOf(message);
  return total;
}
const valueOf = (message: Message<number>): number => message.decode();
`;
  const options = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    types: ['node'],
    lib: ['es2024', 'esnext.disposable'],
  };
  write('program.mts', text);
  write('program.cts', text);
  write(
    'tsconfig.json',
    JSON.stringify({ compilerOptions: options, include: ['program.mts', 'program.cts'] }),
  );

  run(process.execPath, [path.join(MODULES, 'typescript/bin/tsc'), '--project', '.'], directory);
});

test('package: a broker with worker threads runs in a module and in a CommonJS file', LIMIT, () => {
  const esm = write(
    'broker.mjs',
    `import { mkdtempSync, rmSync } from 'node:fs';\nimport { createBroker } from 'ringmq';\n${PROGRAM}`,
  );
  const cjs = write(
    'broker.cjs',
    `const { mkdtempSync, rmSync } = require('node:fs');\nconst { createBroker } = require('ringmq');\n${PROGRAM}`,
  );

  assert.equal(run(process.execPath, [esm], directory), '1 true\n');
  assert.equal(run(process.execPath, [cjs], directory), '1 true\n');
});

test('package: a broker runs in tests of node:test', LIMIT, () => {
  const imports = "import { test } from 'node:test';\nimport { createBroker } from 'ringmq';\n";
  const file = write('node.test.mjs', imports + SUITE);

  assert.match(run(process.execPath, ['--test', file], directory), /pass 1\n/);
});

test('package: a broker runs in tests of vitest', WITH_RUNNERS, () => {
  const imports = "import { test } from 'vitest';\nimport { createBroker } from 'ringmq';\n";
  const file = write('broker.vitest.test.mjs', imports + SUITE);
  const vitest = path.join(RUNNERS, 'node_modules/vitest/vitest.mjs');
  symlinkSync(path.dirname(vitest), path.join(directory, 'node_modules/vitest'));

  const printed = run(process.execPath, [vitest, 'run', file], directory);

  assert.match(printed, /Tests\s+1 passed/);
});

test('package: a broker runs in tests of jest, modules and CommonJS', WITH_RUNNERS, () => {
  const jest = path.join(RUNNERS, 'node_modules/jest/bin/jest.js');
  const esm = write('esm.jest.mjs', `import { createBroker } from 'ringmq';\n${SUITE}`);
  const cjs = write('cjs.jest.cjs', `const { createBroker } = require('ringmq');\n${SUITE}`);
  const config = {
    testMatch: ['**/*.jest.{mjs,cjs}'],
    transform: {},
    moduleFileExtensions: ['mjs', 'cjs', 'js', 'json'],
  };
  write('jest.config.json', JSON.stringify(config));

  for (const file of [esm, cjs]) {
    const words = ['--experimental-vm-modules', jest, '--config', 'jest.config.json', file];
    run(process.execPath, words, directory);
  }
});

test('package: a bundle of esbuild that leaves it out finds it', LIMIT, () => {
  const source = write(
    'bundled.mjs',
    `import { mkdtempSync, rmSync } from 'node:fs';\nimport { createBroker } from 'ringmq';\n${PROGRAM}`,
  );
  const esbuild = path.join(MODULES, 'esbuild/bin/esbuild');
  const words = ['--bundle', '--platform=node', '--packages=external', '--format=esm'];

  run(esbuild, [source, ...words, '--outfile=bundle.mjs'], directory);

  assert.equal(run(process.execPath, ['bundle.mjs'], directory), '1 true\n');
});

test('package: the page and the charting library are found from what is installed', LIMIT, () => {
  const files = pathToFileURL(path.join(installed, 'dist/daemon/page/page-files.js'));
  const paths = pathToFileURL(path.join(installed, 'dist/daemon/page/page-paths.js'));
  const program = write(
    'page.mjs',
    `import { PageFiles } from '${files}';
import { FILE_NAMES } from '${paths}';
const files = new PageFiles();
for (const name of FILE_NAMES) console.log(name, (await files.answer(name)).status);
`,
  );

  const lines = run(process.execPath, [program], directory).trim().split('\n');

  assert.ok(lines.includes('app.js 200') && lines.includes('uplot.js 200'), lines.join('\n'));
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' 200')),
    [],
  );
});
