import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const isPermitted =
  ['unshare', 'ip', 'nsenter'].every(
    (program) => spawnSync(program, ['--help']).error === undefined,
  ) && spawnSync('unshare', ['--net', 'true']).status === 0;

/** What `scripts/rolling-restart.ts` does at length. */
test('rolling restart: a broker of three drains and comes back under load, nothing is lost and no client fails', {
  timeout: 120_000,
  skip: isPermitted ? false : 'network namespaces are not permitted here',
}, (t) => {
  const words = ['--restarts=1', '--steady-ms=1', '--pause-ms=0', '--rate=500'];

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['scripts/rolling-restart.ts', ...words],
    { encoding: 'utf8' },
  );

  for (const line of stdout.trim().split('\n')) t.diagnostic(line);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.match(stdout, /^1 restarts \(drain\)/);
  assert.match(stdout, /, 0 missing$/m);
});
