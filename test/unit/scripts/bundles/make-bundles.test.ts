import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeBundles } from '../../../../scripts/bundles/make-bundles.ts';
import { freshBundles } from '../../../../src/main/bundles.cjs';

const PROJECT = path.resolve(import.meta.dirname, '../../../..');

/** A project with programs of a line each, which are bundled in a moment. */
function smallProject(t: TestContext): string {
  const root = directoryFor(t);
  const files = {
    'package-lock.json': '{}',
    'scripts/bundles/bundle-programs.ts': '',
    'src/shared/limits.ts': 'export const LIMIT = 1;\n',
    'src/main/program.ts': "import { LIMIT } from '../shared/limits.ts';\nconsole.log(LIMIT);\n",
    'src/workers/pump-thread.ts': 'export {};\n',
    'src/workers/disk-thread.ts': 'export {};\n',
    'src/workers/stream-thread.ts': 'export {};\n',
    'src/companions/program.ts': 'export {};\n',
    'src/ui/page.css': '',
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    setTimeBack(file);
  }
  linkPackages(root);
  return root;
}

/** A copy of all that bundles are made of, without any. */
function copyOfSources(t: TestContext): string {
  const root = directoryFor(t);
  for (const name of ['src', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json']) {
    cpSync(path.join(PROJECT, name), path.join(root, name), {
      recursive: true,
      preserveTimestamps: true,
    });
  }
  linkPackages(root);
  return root;
}

function directoryFor(t: TestContext): string {
  // Bundles know their sources by their real places.
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'ringmq-bundles-')));
  t.after(() => rmSync(root, { recursive: true }));
  return root;
}

function linkPackages(root: string): void {
  symlinkSync(path.join(PROJECT, 'node_modules'), path.join(root, 'node_modules'));
}

function append(file: string, text: string): void {
  appendFileSync(file, text);
  setTimeBack(file);
}

/** What changes in the millisecond in which bundling begins is left to the next start. */
function setTimeBack(file: string): void {
  const aMinuteAgo = new Date(Date.now() - 60_000);
  utimesSync(file, aMinuteAgo, aMinuteAgo);
}

function directories(root: string): string[] {
  return readdirSync(path.join(root, 'bundles'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

test('bundles: they are fresh until a source changes, and are made again then', async (t) => {
  const root = smallProject(t);
  assert.equal(freshBundles(root), undefined);

  await makeBundles(root);
  const first = freshBundles(root);
  append(path.join(root, 'src/shared/limits.ts'), '\nexport const ADDED = 1;\n');
  const afterChange = freshBundles(root);
  await makeBundles(root);

  assert.ok(first !== undefined);
  assert.equal(afterChange, undefined);
  assert.ok(freshBundles(root) !== undefined);
  // what a program that runs has of the first ones stays
  assert.ok(existsSync(path.join(first, 'main/program.js')));
});

test('bundles: starts at the same time make the same ones', async (t) => {
  const root = smallProject(t);

  await Promise.all([makeBundles(root), makeBundles(root), makeBundles(root)]);

  assert.deepEqual(
    directories(root).map((name) => path.join(root, 'bundles', name)),
    [freshBundles(root)],
  );
});

test('bundles: whoever may run the sources may run them', async (t) => {
  const root = smallProject(t);

  await makeBundles(root);

  const { mode } = statSync(freshBundles(root) ?? '');
  assert.equal(mode & 0o777, 0o777 & ~process.umask());
});

test('bundles: only the newest stay', async (t) => {
  const root = smallProject(t);
  for (let version = 0; version < 6; version++) {
    append(path.join(root, 'src/ui/page.css'), `/* ${version} */\n`);
    await makeBundles(root);
  }

  assert.equal(directories(root).length, 4);
  assert.match(
    readFileSync(path.join(freshBundles(root) ?? '', 'ui/page.css'), 'utf8'),
    /5 \*\/\n$/,
  );
});

test('bundles: what is in their place is named, and the broker runs from its sources', (t) => {
  const root = copyOfSources(t);
  writeFileSync(path.join(root, 'bundles'), 'no directory');
  const run = (words: string[]) =>
    spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });

  const bundling = run(['scripts/bundle.ts']);
  const version = run(['src/main/start.cjs', '--version']);

  assert.deepEqual([bundling.status, bundling.stdout], [0, '']);
  assert.match(
    bundling.stderr,
    /^ringmq: the sources are not bundled, so starting takes longer - EEXIST: .*\n$/,
  );
  assert.match(version.stdout, /^nsqd v/);
});

test('bundles: a source with an error is named', (t) => {
  const root = copyOfSources(t);
  append(path.join(root, 'src/shared/limits.ts'), '\nexport const = 1;\n');

  const { status, stderr } = spawnSync(process.execPath, ['scripts/bundle.ts'], {
    cwd: root,
    encoding: 'utf8',
  });

  assert.equal(status, 0);
  assert.match(stderr, /limits\.ts:\d+:13: ERROR: Expected identifier/);
  assert.equal(freshBundles(root), undefined);
});
