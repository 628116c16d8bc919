import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt } from '../../../../../src/workers/pump/backend/append-lane.ts';

test('Receipt: settles once all that was expected is settled, and not before it is sealed', () => {
  const log: string[] = [];
  const receipt = new Receipt(true, ({ error }) => log.push(`settled ${error}`));
  receipt.expect(3);
  receipt.settle(3, null);
  receipt.expect(2);
  receipt.seal();
  receipt.settle(1, null);
  log.push('one is left');

  receipt.settle(1, null);

  assert.deepStrictEqual(log, ['one is left', 'settled null']);
});

test('Receipt: settles at once when nothing was expected', () => {
  const settled: Receipt[] = [];
  const receipt = new Receipt(false, (self) => settled.push(self));

  receipt.seal();

  assert.deepStrictEqual(settled, [receipt]);
});

test('Receipt: keeps an error although what comes later goes well', () => {
  const errors: (string | null)[] = [];
  const receipt = new Receipt(true, ({ error }) => errors.push(error));
  receipt.expect(2);
  receipt.seal();

  receipt.settle(1, 'disk full');
  receipt.settle(1, null);

  assert.deepStrictEqual(errors, ['disk full']);
});

test('Receipt: more than was expected cannot be settled', () => {
  const receipt = new Receipt(true, () => undefined);
  receipt.expect(1);

  assert.throws(() => receipt.settle(3, null), /a receipt settles what was expected/);
});
