import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** The scripts that would otherwise begin at once, whatever their arguments. */
for (const name of ['api', 'build', 'bundle', 'test', 'tidy']) {
  test(`scripts/${name}.ts --help prints its usage and does nothing else`, () => {
    const { status, stdout, stderr } = run(name, '--help');

    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(stdout.startsWith(`usage: node scripts/${name}.ts`));
    // The usage, and no report of anything done.
    assert.doesNotMatch(stdout, /written:|passed|found$/m);
  });

  test(`scripts/${name}.ts refuses an option that it does not know`, () => {
    const { status, stderr } = run(name, '--no-such-option');

    assert.equal(status, 2);
    assert.match(stderr, /--no-such-option/);
    assert.match(stderr, /^usage: node scripts\//m);
  });
}

function run(name: string, argument: string) {
  const words = [path.join('scripts', `${name}.ts`), argument];
  return spawnSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8' });
}
