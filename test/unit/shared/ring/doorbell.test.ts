import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateDoorbell, Doorbell } from '../../../../src/shared/ring/doorbell.ts';

test('Doorbell: ringing changes the count only while the owner sleeps', () => {
  const bell = new Doorbell(allocateDoorbell());
  const counts = [bell.rings()];

  bell.ring();
  counts.push(bell.rings());
  bell.fallAsleep();
  bell.ring();
  bell.ring();
  counts.push(bell.rings());
  bell.wakeUp();
  bell.ring();
  counts.push(bell.rings());

  assert.deepStrictEqual(counts, [0, 0, 2, 2]);
});

test('Doorbell: a nudge wakes an owner that sleeps, a ring also one that dozes', () => {
  const bell = new Doorbell(allocateDoorbell());
  const counts: number[] = [];
  const disturb = (): void => {
    bell.nudge();
    counts.push(bell.rings());
    bell.ring();
    counts.push(bell.rings());
  };

  disturb();
  bell.fallAsleep();
  disturb();
  bell.doze();
  disturb();
  bell.wakeUp();
  disturb();

  assert.deepStrictEqual(counts, [0, 0, 1, 2, 2, 3, 3, 3]);
});

test('Doorbell: wait returns at once when the bell was rung since the count was read', () => {
  const bell = new Doorbell(allocateDoorbell());
  const rings = bell.rings();
  bell.fallAsleep();
  bell.ring();

  bell.wait(rings, Number.POSITIVE_INFINITY);
});

test('Doorbell: wait ends when the time is over', () => {
  const bell = new Doorbell(allocateDoorbell());
  const rings = bell.rings();
  bell.fallAsleep();

  bell.wait(rings, 0.5);

  assert.strictEqual(bell.rings(), rings);
});

test('Doorbell: waitAsync resolves when the bell is rung', async () => {
  const bell = new Doorbell(allocateDoorbell());
  const rings = bell.rings();
  bell.fallAsleep();
  const awake = bell.waitAsync(rings);

  // a pending waitAsync keeps no event loop alive, an immediate does
  setImmediate(() => bell.ring());
  await awake;

  assert.strictEqual(bell.rings(), rings + 1);
});

test('Doorbell: waitAsync resolves at once when the bell was rung since the count was read', async () => {
  const bell = new Doorbell(allocateDoorbell());
  const rings = bell.rings();
  bell.fallAsleep();
  bell.ring();

  await bell.waitAsync(rings);
});
