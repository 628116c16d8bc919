import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { closeStorage } from '../../../../src/main/storage/storage-closing.ts';
import type { ControlReply } from '../../../../src/shared/control.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** Storage that is closed when the test says so. */
class Setup {
  readonly clock = new ManualClock();
  readonly pump = Promise.withResolvers<ControlReply>();
  readonly saved = Promise.withResolvers<void>();
  failure: string | null = null;
  queueError: string | null = null;
  hang: { readonly text: string; readonly ms: number } | null = null;
  outcome: string | null | undefined;

  constructor() {
    closeStorage({
      pumps: [{ close: () => this.pump.promise }],
      metadata: this,
      seen: { save: async () => undefined },
      clock: this.clock,
      queueError: () => this.queueError,
      hang: () => this.hang,
    }).then((outcome) => {
      this.outcome = outcome;
    });
  }

  /** What has been resolved so far. */
  async outcomeAfter(ms: number): Promise<string | null | undefined> {
    this.clock.advance(ms);
    await setImmediate();
    return this.outcome;
  }

  persist(): Promise<void> {
    return this.saved.promise;
  }
}

test('closeStorage: waits for messages and for the list of topics', async () => {
  const setup = new Setup();

  setup.pump.resolve({ error: null });
  const before = await setup.outcomeAfter(0);
  setup.saved.resolve();

  assert.deepStrictEqual([before, await setup.outcomeAfter(0)], [undefined, null]);
  assert.equal(setup.clock.timerCount, 0);
});

test('closeStorage: a disk that is slow and does not fail is waited for', async () => {
  const setup = new Setup();

  const waiting = await setup.outcomeAfter(120_000);
  setup.pump.resolve({ error: null });
  setup.saved.resolve();

  assert.deepStrictEqual([waiting, await setup.outcomeAfter(0)], [undefined, null]);
});

test('closeStorage: a queue that fails is given up after 30 s, not before', async () => {
  const setup = new Setup();
  setup.queueError = 'no space left';

  assert.equal(await setup.outcomeAfter(29_999), undefined);
  assert.equal(
    await setup.outcomeAfter(1),
    'messages or positions could not be written within 30000 ms - no space left',
  );
});

test('closeStorage: a disk that hangs for a moment is waited for, one that hangs for 30 s is given up', async () => {
  const setup = new Setup();
  setup.hang = { text: 'no answer', ms: 3000 };
  const outcomes = [await setup.outcomeAfter(30_000)];
  setup.hang = null;
  outcomes.push(await setup.outcomeAfter(60_000));
  setup.hang = { text: 'no answer', ms: 29_999 };
  outcomes.push(await setup.outcomeAfter(10_000));
  setup.hang = { text: 'no answer', ms: 30_000 };
  outcomes.push(await setup.outcomeAfter(1000));

  const text = 'messages or positions could not be written within 30000 ms - no answer';
  assert.deepStrictEqual(outcomes, [undefined, undefined, undefined, text]);
});

test('closeStorage: a list of topics that cannot be saved is given up after 30 s, not before', async () => {
  const setup = new Setup();
  setup.pump.resolve({ error: null });
  setup.failure = 'failed to persist metadata to /data/nsqd.dat - EIO';

  assert.equal(await setup.outcomeAfter(29_999), undefined);
  assert.equal(
    await setup.outcomeAfter(1),
    'topics and channels could not be saved within 30000 ms - failed to persist metadata to /data/nsqd.dat - EIO',
  );
});

test('closeStorage: tells what a pump has to say', async () => {
  const setup = new Setup();

  setup.pump.resolve({ error: 'sync queue t' });
  setup.saved.resolve();

  assert.equal(await setup.outcomeAfter(0), 'sync queue t');
});
