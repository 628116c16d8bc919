import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { CrashRun } from '../../scripts/checkers/crash/crash-run.ts';
import { freshSeed } from '../support/seeded-random.ts';

/** Ends a test that hangs: each life and each end of the run has bounds of its own, of a minute. */
const LIMIT = { timeout: 600_000 };
const CRASHES = 2;

/** What `scripts/crash.ts` does at length. */
describe('kill', { concurrency: true }, () => {
  for (const [what, memQueueSize] of [
    ['nothing that is on disk is lost or comes too early', 0],
    ['what was in memory survives a clean shutdown, and nothing is damaged', 100],
  ] as const) {
    test(`kill: ${what}`, LIMIT, async (t) => {
      const seed = freshSeed();
      t.diagnostic(`node scripts/crash.ts --seed ${seed} --crashes ${CRASHES}`);
      const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-kill-'));
      t.after(() => rmSync(dataPath, { recursive: true }));
      const run = new CrashRun({ seed, crashes: CRASHES, memQueueSize, dataPath });

      await run.run();

      t.diagnostic(JSON.stringify(run.figures));
      assert.deepEqual(run.violations.texts, []);
    });
  }
});
