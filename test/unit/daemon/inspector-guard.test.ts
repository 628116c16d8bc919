import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const MODULE = JSON.stringify(new URL('../../../src/daemon/inspector-guard.ts', import.meta.url));
const PROGRAM = `
  import inspector from 'node:inspector';
  import { guardInspector } from ${MODULE};
  if (process.argv[1] === 'open') inspector.open(0, '127.0.0.1');
  guardInspector({ warn: (text) => process.stdout.write(text.replace(/ws:\\S+\\w/, 'URL') + '\\n') });
  process.stdout.write(String(inspector.url() === undefined));
`;

test('guardInspector: closes an inspector that was not asked for', () => {
  assert.equal(run(['open']), "a signal had opened Node's inspector on URL; it is closed\ntrue");
});

test('guardInspector: leaves one that options of Node ask for, and says so', () => {
  const said =
    "Node's inspector listens on URL: anyone who reaches it can run code in this broker\nfalse";

  assert.equal(run([], ['--inspect=127.0.0.1:0']), said);
  assert.equal(run([], [], '--no-warnings --inspect=127.0.0.1:0'), said);
});

test('guardInspector: does nothing without an inspector', () => {
  assert.equal(run([]), 'true');
});

function run(words: readonly string[], nodeFlags: readonly string[] = [], options = ''): string {
  const flags = [...nodeFlags, '--input-type=module', '--eval', PROGRAM, '--', ...words];
  const env = { ...process.env, NODE_OPTIONS: options };
  return spawnSync(process.execPath, flags, { encoding: 'utf8', env }).stdout;
}
