import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacer } from '../../../../scripts/bench/pacer.ts';

test('Pacer: waits, one wait after the other, and the event loop goes on meanwhile', async (t) => {
  const pacer = new Pacer();
  t.after(() => pacer.close());
  let turns = 0;
  const turning = setInterval(() => turns++, 0);
  t.after(() => clearInterval(turning));
  const startMs = performance.now();

  for (let i = 0; i < 20; i++) await pacer.wait(2);
  for (let i = 0; i < 2000; i++) await pacer.wait(0);

  // Each sleep may end a little early, and none is as late as to be missed.
  assert.ok(performance.now() - startMs >= 20, 'time has passed');
  assert.ok(turns > 0);
});
