import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NullBackend } from '../../../../../src/workers/pump/backend/null-backend.ts';
import { MessageStore } from '../../../../../src/workers/pump/store/message-store.ts';
import { bodiesIn, putInStore } from '../../../../support/pump-parts.ts';

test('NullBackend: drops what is put, with its references', () => {
  const store = new MessageStore();
  const backend = new NullBackend(store);
  const position = putInStore(store, ['a', 'b']);

  backend.put(position, 1);

  assert.deepStrictEqual([backend.depth, backend.fetched.count], [0, 0]);
  assert.deepStrictEqual(bodiesIn(store, position + 1, 1), ['b']);
  store.release(position + 1, 1);
  assert.throws(() => store.release(position, 1), /released once for each reference/);
});

test('NullBackend: whatever it is asked for is done at once', () => {
  const backend = new NullBackend(new MessageStore());
  const done: string[] = [];

  backend.demand();
  backend.take();
  backend.finish();
  backend.update();
  backend.empty((error) => done.push(`empty ${error}`));
  backend.close((error) => done.push(`close ${error}`));
  backend.delete((error) => done.push(`delete ${error}`));

  assert.deepStrictEqual(done, ['empty null', 'close null', 'delete null']);
  assert.deepStrictEqual([backend.isSettled, backend.isDurable], [true, false]);
  assert.deepStrictEqual([backend.deferredCount, backend.bytes], [0, 0]);
});
