/** The package as users get it: packed, unpacked, and looked at by the tools that know what is wrong with packages. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const PROJECT = path.dirname(path.dirname(import.meta.dirname));
const MODULES = path.join(PROJECT, 'node_modules');
const LIMIT = { timeout: 180_000 };
const USE = "console.log(typeof Producer, typeof Consumer, new NsqError('X', 'y').code);\n";
const USED = 'function function X\n';

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
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd, encoding: 'utf8' });
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
