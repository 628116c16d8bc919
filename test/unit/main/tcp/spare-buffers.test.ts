import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpareBuffers } from '../../../../src/main/tcp/spare-buffers.ts';

const MIB = 1024 * 1024;

test('SpareBuffers: take gives at least what was asked for, and not much more', () => {
  const spares = new SpareBuffers();
  const sizes = [1, 4096, 4097, 100_000, MIB, MIB + 1, 3 * MIB];

  const lengths = sizes.map((bytes) => spares.take(bytes).length);

  assert.deepStrictEqual(lengths, [4096, 4096, 8192, 131_072, MIB, MIB + 1, 3 * MIB]);
});

test('SpareBuffers: what was given back is taken again, by one at a time', () => {
  const spares = new SpareBuffers();
  const first = spares.take(5000);
  const second = spares.take(8000);
  spares.give(first);
  spares.give(second);

  const again = [spares.take(6000), spares.take(4097), spares.take(5000)];

  assert.deepStrictEqual([again[0] === second, again[1] === first], [true, true]);
  assert.deepStrictEqual([again[2] === first, again[2] === second], [false, false]);
});

test('SpareBuffers: a spare of another size is not taken', () => {
  const spares = new SpareBuffers();
  spares.give(spares.take(8192));

  const lengths = [spares.take(4096).length, spares.take(8193).length, spares.spareBytes];

  assert.deepStrictEqual(lengths, [4096, 16_384, 8192]);
});

test('SpareBuffers: what is not kept is freed at once', () => {
  const spares = new SpareBuffers(4096);
  const buffers = [4096, 4096, 3 * MIB].map((bytes) => spares.take(bytes));

  for (const buffer of buffers) spares.give(buffer);

  assert.deepStrictEqual(
    buffers.map(({ length }) => length),
    [4096, 0, 0],
  );
});

test('SpareBuffers: keeps no more than its bound, and nothing that is too large for it', () => {
  const spares = new SpareBuffers(10_000);
  const buffers = [4096, 4096, 4096, 3 * MIB].map((bytes) => spares.take(bytes));
  const kept = buffers.map((buffer) => {
    spares.give(buffer);
    return spares.spareBytes;
  });

  spares.take(4096);

  assert.deepStrictEqual([kept, spares.spareBytes], [[4096, 8192, 8192, 8192], 4096]);
});
