import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Turn } from '../../../../src/main/pumps/turn.ts';

test('Turn: its end comes once, after what the turn has brought', async () => {
  const seen: string[] = [];
  const turn = new Turn(() => seen.push('end'));
  turn.request();
  turn.request();
  seen.push('work');
  await Promise.resolve();
  const before = [...seen];

  await setImmediate();

  assert.deepStrictEqual([before, seen], [['work'], ['work', 'end']]);
});

test('Turn: what its end asks for comes at the end of the next one', async () => {
  let ends = 0;
  const turn = new Turn(() => {
    ends++;
    if (ends < 3) turn.request();
  });
  turn.request();

  const counts: number[] = [];
  for (let pass = 0; pass < 4; pass++) {
    await setImmediate();
    counts.push(ends);
  }

  assert.deepStrictEqual(counts, [1, 2, 3, 3]);
});

test('Turn: nothing happens unasked', async () => {
  let ends = 0;
  new Turn(() => ends++).request();
  await setImmediate();

  await setImmediate();

  assert.equal(ends, 1);
});
