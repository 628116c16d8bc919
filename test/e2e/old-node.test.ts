import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '../..');

/** Runs the program on a Node that says it is of another version. */
function runOn(version: string, entry = 'start.cjs'): { status: number | null; stderr: string } {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const words = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`];
  const program = path.join(ROOT, 'src/main', entry);
  const { status, stderr } = spawnSync(process.execPath, [...words, program, '--no-such-flag'], {
    encoding: 'utf8',
  });
  return { status, stderr };
}

for (const version of ['20.20.2', '22.18.0']) {
  test(`on Node ${version} the program says in one line that it is too old`, () => {
    const { status, stderr } = runOn(version);

    assert.deepEqual([status, stderr.split('\n').length], [1, 2]);
    assert.match(stderr, /^ringmq needs Node 22\.19 or newer, this is v/);
  });
}

test('on the oldest Node that will do the program reads its flags', () => {
  assert.equal(runOn('22.19.0').status, 2);
});

test('the name of TypeScript starts the same program', () => {
  assert.deepEqual(runOn('22.18.0', 'index.ts'), runOn('22.18.0'));
  assert.equal(runOn('22.19.0', 'index.ts').status, 2);
});

test('a file that every checkout has starts the program, not a link to one', () => {
  for (const entry of ['start.cjs', 'index.ts']) {
    assert.equal(lstatSync(path.join(ROOT, 'src/main', entry)).isSymbolicLink(), false);
  }
});
