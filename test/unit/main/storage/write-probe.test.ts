import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { WriteProbe } from '../../../../src/main/storage/write-probe.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** A directory that can be made and removed while it is probed. */
class Setup {
  readonly clock = new ManualClock();
  readonly dataPath: string;
  readonly told: (string | null)[] = [];
  readonly log: string[] = [];
  readonly probe: WriteProbe;

  constructor(t: TestContext) {
    const parent = mkdtempSync(join(tmpdir(), 'ringmq-'));
    t.after(() => rmSync(parent, { recursive: true }));
    this.dataPath = join(parent, 'data');
    const write = (text: string): void => void this.log.push(text);
    this.probe = new WriteProbe({
      dataPath: this.dataPath,
      clock: this.clock,
      logger: { info: write, warn: write },
      onRefusal: (refusal) => this.told.push(refusal),
    });
  }
}

test('WriteProbe: a directory that takes writes is told nothing of, and is left as it was', async (t) => {
  const { dataPath, probe, told, log, clock } = new Setup(t);
  mkdirSync(dataPath);
  writeFileSync(join(dataPath, 'nsqd.dat'), '{}');

  const refusal = await probe.start();

  assert.deepEqual([refusal, told, log, clock.timerCount], [null, [], [], 0]);
  assert.deepEqual(readdirSync(dataPath), ['nsqd.dat']);
});

test('WriteProbe: publishes are refused until the directory takes writes', async (t) => {
  const { dataPath, probe, told, log, clock } = new Setup(t);

  const refusal = await probe.start();
  clock.advance(1000);
  while (told.length < 2) await setImmediate();
  mkdirSync(dataPath);
  clock.advance(1000);
  while (told.length < 3) await setImmediate();

  assert.equal(refusal, 'ENOENT: no such file or directory');
  assert.deepEqual(told, [
    `"${dataPath}" cannot be written - ${refusal}`,
    `"${dataPath}" cannot be written - ${refusal}`,
    null,
  ]);
  assert.deepEqual(log, [
    `"${dataPath}" cannot be written - ${refusal}; publishes are refused until it can, queues are delivered`,
    `publishes are accepted - "${dataPath}" can be written`,
  ]);
  assert.equal(clock.timerCount, 0);
});

test('WriteProbe: asks no more when it is stopped', async (t) => {
  const { probe, clock } = new Setup(t);
  await probe.start();

  probe.stop();

  assert.equal(clock.timerCount, 0);
});
