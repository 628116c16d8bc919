import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, topicStats } from '../support/broker-stats.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
/** Windows has neither process groups nor a shell that execs; its `npm start` is not told here. */
const SKIP = process.platform === 'win32' ? 'there are no process groups' : false;

test('npm start passes flags on, and one Ctrl-C ends it in order', {
  timeout: 120_000,
  skip: SKIP,
}, async (t) => {
  let group = 0;
  t.after(() => killGroup(group));
  const site = new BrokerSite(t);
  const flags = ['--tcp-address=127.0.0.1:0', '-http-address', '127.0.0.1:0'];
  const npm = spawn('npm', ['start', '--', ...flags, `--data-path=${site.dataPath}`], {
    cwd: installedProject(t),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  group = Number(npm.pid);
  const broker = site.adopt(npm);
  await broker.listening();
  assert.equal((await ask(broker, '/mpub?topic=kept', 'one\ntwo')).text, 'OK');

  // A terminal signals every process of the group, and npm passes its signal on to the broker once more.
  process.kill(-group, 'SIGINT');
  await broker.ended;
  const next = await site.start();

  assert.match(broker.log, /INFO: received SIGINT, ending\n/);
  assert.match(broker.log, /INFO: NSQ: bye\n/);
  assert.doesNotMatch(broker.log, /FATAL/);
  assert.equal((await topicStats(next, 'kept'))?.depth, 2);
});

/**
 * A copy of the project whose dependencies are in step with its lock file, so that nothing is installed: this
 * project's own may be in use by others. Sources and packages are this project's.
 */
function installedProject(t: TestContext): string {
  const copy = mkdtempSync(join(tmpdir(), 'ringmq-npm-'));
  t.after(() => rmSync(copy, { recursive: true }));
  for (const folder of ['scripts', 'node_modules']) mkdirSync(join(copy, folder));
  for (const file of ['package.json', 'package-lock.json', '.npmrc', 'scripts/install.mjs']) {
    copyFileSync(join(PROJECT, file), join(copy, file));
  }
  for (const name of ['src', 'scripts/bundle.ts'])
    symlinkSync(join(PROJECT, name), join(copy, name));
  for (const name of readdirSync(join(PROJECT, 'node_modules'))) {
    symlinkSync(join(PROJECT, 'node_modules', name), join(copy, 'node_modules', name));
  }
  return copy;
}

function killGroup(group: number): void {
  // Group 0 would be the test's own.
  if (group === 0) return;
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    // It is gone, as it should be.
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
  }
}
