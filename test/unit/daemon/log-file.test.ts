import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogFile } from '../../../src/daemon/log-file.ts';

function directory(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'ringmq-log-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

test('LogFile: appends, and goes on in a new file after it was moved away', (t) => {
  const name = path.join(directory(t), 'log');
  writeFileSync(name, 'before\n');
  const file = new LogFile(name);
  file.write('one\n');
  renameSync(name, `${name}.old`);
  file.write('two\n');
  const error = file.reopen();
  file.write('three\n');
  file.writeSync('four\n');

  assert.equal(error, null);
  assert.equal(readFileSync(`${name}.old`, 'utf8'), 'before\none\ntwo\n');
  assert.equal(readFileSync(name, 'utf8'), 'three\nfour\n');
});

test('LogFile: where it cannot be opened again, lines go on to the old file', (t) => {
  const name = path.join(directory(t), 'log');
  const file = new LogFile(name);
  renameSync(name, `${name}.old`);
  mkdirSync(name);
  const error = file.reopen();
  file.write('one\n');

  assert.match(error ?? '', /EISDIR/);
  assert.equal(readFileSync(`${name}.old`, 'utf8'), 'one\n');
});

test('LogFile: a file that cannot be opened is an error', (t) => {
  assert.throws(() => new LogFile(directory(t)), /EISDIR/);
});
