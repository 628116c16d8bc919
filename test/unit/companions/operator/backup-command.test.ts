import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runBackup } from '../../../../src/companions/operator/backup-command.ts';
import { lockDataPath } from '../../../../src/daemon/data-lock.ts';
import { runWords } from '../../../support/operator.ts';

const FIXTURES = join(import.meta.dirname, '../../../fixtures');

/** Messages of each directory of nsqd, by queue. */
const GOLDEN: Readonly<Record<string, readonly number[]>> = {
  finished: [0, 0],
  'in-flight': [0, 3],
  'multi-file': [0, 25],
  'stale-metadata': [5],
  'two-channels': [0, 12, 10],
};

/** A directory for backups, and a copy of the fixture in it. */
function siteOf(t: TestContext, fixture: string): { directory: string; source: string } {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-backup-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const source = join(directory, 'source');
  cpSync(join(FIXTURES, fixture), source, { recursive: true });
  return { directory, source };
}

test("ringmq backup: copies nsqd's directories, used or not, with nsqd.dat and policies", async (t) => {
  for (const [fixture, expected] of Object.entries(GOLDEN)) {
    const { directory, source } = siteOf(t, fixture);
    mkdirSync(join(source, '.ringmq'));
    cpSync(join(source, 'nsqd.dat'), join(source, '.ringmq/seen.json'));
    const idle = await runWords(runBackup, [source, join(directory, 'idle'), '--json']);
    const lock = await lockDataPath(source, () => undefined);
    const used = await runWords(runBackup, [source, join(directory, 'used'), '--json']);
    await lock.release();

    for (const { code, stdout, stderr } of [idle, used]) {
      const report = JSON.parse(stdout);
      const counts = report.queues.map(({ messages }: { messages: number }) => messages);
      assert.deepEqual([code, stderr, counts, report.verdict], [0, '', expected, 'whole'], fixture);
      for (const name of ['nsqd.dat', '.ringmq/seen.json']) {
        const bytes = readFileSync(join(report.target, name), 'utf8');
        assert.equal(bytes, readFileSync(join(source, name), 'utf8'), name);
      }
    }
    assert.equal(JSON.parse(idle.stdout).usedBy, null);
    assert.match(JSON.parse(used.stdout).usedBy, /possibly in use by another instance/);
  }
});

test('ringmq backup: ends where directories cannot be made', async (t) => {
  const { source } = siteOf(t, 'finished');

  const { code, stderr } = await runWords(runBackup, [source, '/proc/ringmq/target']);

  assert.deepEqual([code, /mkdir '\/proc/.test(stderr)], [3, true], stderr);
});

test('ringmq backup: damage is copied and reported, and nothing is made where it cannot be', async (t) => {
  const { directory, source } = siteOf(t, 'multi-file');
  truncateSync(join(source, 'q:c.diskqueue.000002.dat'), 70);
  const target = join(directory, 'target');

  const damaged = await runWords(runBackup, [source, target]);
  const again = await runWords(runBackup, [source, target]);
  const missing = await runWords(runBackup, [join(directory, 'none'), join(directory, 'second')]);
  const usage = await runWords(runBackup, [source]);

  assert.deepEqual([damaged.code, damaged.stderr], [1, `${target} is damaged\n`]);
  assert.match(damaged.stdout, /^damage: .*no record at/m);
  assert.equal(again.code, 3);
  assert.match(again.stderr, /target exists already/);
  assert.equal(missing.code, 3);
  assert.equal(existsSync(join(directory, 'second')), false);
  assert.equal(existsSync(`${target}.partial`), false);
  assert.equal(usage.code, 2);
});

test('ringmq backup: makes no copy within the directory itself', async (t) => {
  const { source } = siteOf(t, 'finished');

  const { code, stderr } = await runWords(runBackup, [source, join(source, 'backups/one')]);

  assert.equal(code, 3);
  assert.match(stderr, /one is inside the directory that it would copy/);
  assert.equal(existsSync(join(source, 'backups')), false);
});
