import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fifo } from '../../../src/client/fifo.ts';

test('Fifo: an empty queue has nothing to shift', () => {
  const fifo = new Fifo<string>();

  assert.deepStrictEqual([fifo.shift(), fifo.count, [...fifo]], [undefined, 0, []]);
});

test('Fifo: behaves as an array does', () => {
  const steps = fc.array(
    fc.constantFrom('push', 'push', 'push', 'unshift', 'shift', 'shift' as const),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(steps, (names) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      for (const [value, name] of names.entries()) {
        if (name === 'push') {
          fifo.push(value);
          model.push(value);
        } else if (name === 'unshift') {
          fifo.unshift(value);
          model.unshift(value);
        } else assert.equal(fifo.shift(), model.shift());
        assert.equal(fifo.count, model.length);
      }
      assert.deepStrictEqual([...fifo], model);
    }),
  );
});
