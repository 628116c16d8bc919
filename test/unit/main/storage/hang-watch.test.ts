import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HangWatch } from '../../../../src/main/storage/hang-watch.ts';
import { allocatePulse, Pulse } from '../../../../src/shared/ring/pulse.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

class Setup {
  readonly clock = new ManualClock();
  readonly idle = new Pulse(allocatePulse());
  readonly pulse = new Pulse(allocatePulse());
  readonly log: string[] = [];
  readonly watch: HangWatch;

  constructor() {
    const write = (text: string): void => void this.log.push(text);
    this.watch = new HangWatch({
      callers: [this.idle, this.pulse],
      patienceMs: 2000,
      clock: this.clock,
      logger: { error: write, info: write },
    });
    this.watch.start();
  }
}

test('HangWatch: a call that does not come back is told after the patience, and until it does', () => {
  const { clock, pulse, watch, log } = new Setup();
  pulse.begin();
  const failures: (string | null)[] = [];
  for (const ms of [500, 1999, 1, 1000]) {
    clock.advance(ms);
    failures.push(watch.failure);
  }
  pulse.end();
  clock.advance(500);
  failures.push(watch.failure);

  assert.deepEqual(failures, [
    null,
    null,
    'the disk does not answer, for 2 s now',
    'the disk does not answer, for 3 s now',
    null,
  ]);
  assert.deepEqual(log, ['the disk does not answer, for 2 s now', 'the disk answers again']);
});

test('HangWatch: a long turn of many calls is well', () => {
  const { clock, pulse, watch } = new Setup();
  pulse.begin();
  const failures: (string | null)[] = [];
  for (let call = 0; call < 20; call++) {
    pulse.beat();
    clock.advance(1500);
    failures.push(watch.failure);
  }
  clock.advance(1000);
  failures.push(watch.failure);

  assert.deepEqual(failures, [...Array(20).fill(null), 'the disk does not answer, for 2 s now']);
});

test('HangWatch: one call after another, and a thread without work, are well', () => {
  const { clock, pulse, watch } = new Setup();

  for (let turn = 0; turn < 20; turn++) {
    pulse.begin();
    clock.advance(1500);
    pulse.end();
    pulse.begin();
    clock.advance(1500);
    pulse.end();
  }
  clock.advance(60_000);

  assert.equal(watch.failure, null);
});

test('HangWatch: looks no more when it is stopped', () => {
  const { clock, watch } = new Setup();

  watch.stop();

  assert.equal(clock.timerCount, 0);
});
