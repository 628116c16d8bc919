import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { removeTemporaryFiles } from '../../../../src/main/storage/temporary-files.ts';

function directoryWith(t: TestContext, ...names: readonly string[]): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, '.ringmq'));
  for (const name of names) writeFileSync(join(path, name), '');
  return path;
}

const KEPT = [
  '.ringmq',
  '.ringmq/t.diskqueue.000000.sums',
  'nsqd.dat',
  'nsqd.dat.tmp',
  'other.123.tmp',
  't.diskqueue.000000.dat',
  't.diskqueue.000000.dat.bad',
  't.diskqueue.meta.dat',
];

test('removeTemporaryFiles: takes away what a killed broker or nsqd has left, and nothing else', (t) => {
  const path = directoryWith(
    t,
    ...KEPT.slice(1),
    'nsqd.dat.1234567.tmp',
    't.diskqueue.meta.dat.0.tmp',
    't:c.diskqueue.meta.dat.5577006791947779410.tmp',
    '.ringmq/probe',
  );
  const warnings: string[] = [];

  removeTemporaryFiles(path, (text) => warnings.push(text));

  assert.deepEqual(readdirSync(path, { recursive: true, encoding: 'utf8' }).sort(), KEPT);
  assert.deepEqual(warnings, []);
});

test('removeTemporaryFiles: says which file it could not remove, and goes on', (t) => {
  const path = directoryWith(t, 'nsqd.dat.2.tmp');
  mkdirSync(join(path, 'nsqd.dat.1.tmp'));
  const warnings: string[] = [];

  removeTemporaryFiles(path, (text) => warnings.push(text));

  assert.deepEqual(readdirSync(path).sort(), ['.ringmq', 'nsqd.dat.1.tmp']);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^failed to remove a temporary file - .*nsqd\.dat\.1\.tmp/);
});
