import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as records from '../../../../src/shared/records.ts';
import { allocateRing } from '../../../../src/shared/ring/ring.ts';
import { Outbox } from '../../../../src/workers/pump/outbox.ts';
import { DeliverySide } from '../../../support/delivery-side.ts';

function makeOutbox(capacity = 1024 * 1024): { outbox: Outbox; main: DeliverySide } {
  const main = new DeliverySide(allocateRing(capacity));
  return { outbox: new Outbox(main.producer), main };
}

/** What main sees after a turn. */
function publish({ outbox, main }: ReturnType<typeof makeOutbox>): unknown[] {
  outbox.ring.publish();
  return main.take();
}

test('Outbox: writes answers, refusals, replies and events as main reads them', () => {
  const side = makeOutbox();
  side.outbox.answer(7, null);
  side.outbox.answer(8, 'disk full');
  side.outbox.refuse(3, records.FINISH, records.REFUSED_NOT_OWNER, 0xffffffff, 2);
  side.outbox.reply(9, { error: null });
  side.outbox.tell({ event: 'backend', topic: 4, error: null });

  const seen = publish(side);

  assert.deepStrictEqual(seen, [
    { answer: 7, error: null },
    { answer: 8, error: 'disk full' },
    { refused: 'ffffffff00000002', consumer: 3, command: 'FIN', reason: 'not owner' },
    { reply: 9, error: null },
    { event: 'backend', topic: 4, error: null },
  ]);
});

test('Outbox: cuts an error text to 1024 bytes', () => {
  const side = makeOutbox();
  side.outbox.answer(1, 'x'.repeat(5000));

  assert.deepStrictEqual(publish(side), [{ answer: 1, error: 'x'.repeat(1024) }]);
});

test('Outbox: sends a long reply in pieces that make a whole', () => {
  const side = makeOutbox();
  const error = 'long '.repeat(40_000);
  side.outbox.reply(5, { error });

  const seen = publish(side);

  assert.deepStrictEqual(seen, [{ reply: 5, error }]);
  assert.equal(side.main.recordCount, 4);
});

test('Outbox: keeps what finds no room, and its order, until there is room', () => {
  const side = makeOutbox(256);
  const tokens = Array.from({ length: 50 }, (_, i) => i + 1);
  for (const token of tokens) side.outbox.answer(token, token % 3 === 0 ? 'no' : null);
  const seen: unknown[] = [];
  const backlogged: boolean[] = [side.outbox.isBacklogged];

  for (let turn = 0; turn < 20; turn++) {
    seen.push(...publish(side));
    // Nothing overtakes what waits, although the ring has room now.
    if (turn === 0) side.outbox.answer(51, null);
    side.outbox.flush();
  }

  backlogged.push(side.outbox.isBacklogged);
  assert.deepStrictEqual(
    seen,
    [...tokens, 51].map((answer) => ({
      answer,
      error: answer % 3 === 0 && answer !== 51 ? 'no' : null,
    })),
  );
  assert.deepStrictEqual(backlogged, [true, false]);
});
