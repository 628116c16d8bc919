import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '../..');

/** Runs the program on a Node that says it is of another version. */
function runOn(version: string): { status: number | null; stderr: string } {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const words = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`];
  const program = path.join(ROOT, 'src/main/index.ts');
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

test('what every Node has to read is plain JavaScript, and is what runs', () => {
  const linked = readFileSync(path.join(ROOT, 'src/main/index.ts'), 'utf8');
  const start = readFileSync(path.join(ROOT, 'src/main/start.cjs'), 'utf8');

  assert.equal(linked, start);
});
