import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputBuffer } from '../../../../src/main/tcp/input-buffer.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

const KIB = 1024;

const textOf = ({ bytes, at, end }: InputBuffer): string => bytes.toString('latin1', at, end);

test('InputBuffer: shows a chunk without a copy', () => {
  const input = new InputBuffer();
  const chunk = Buffer.from('one two');

  input.show(chunk, 4);

  assert.deepStrictEqual([input.bytes === chunk, textOf(input), input.heldBytes], [true, 'two', 3]);
});

test('InputBuffer: what is kept of a chunk outlives it', () => {
  const input = new InputBuffer();
  const chunk = Buffer.from('one two');
  input.show(chunk, 4);
  input.keep();

  chunk.fill('x');

  assert.deepStrictEqual([textOf(input), input.at], ['two', 0]);
});

test('InputBuffer: keeps nothing of a chunk that is used up', () => {
  const input = new InputBuffer();
  input.show(Buffer.from('one'), 0);
  input.at = 3;

  input.keep();

  assert.deepStrictEqual([input.heldBytes, input.bytes.length], [0, 0]);
});

test('InputBuffer: a chunk cannot be lent, its own memory can', () => {
  const input = new InputBuffer();
  input.show(Buffer.from('one'), 0);
  const isChunkLent = input.lend();
  input.keep();

  assert.deepStrictEqual([isChunkLent, input.lend()], [false, true]);
});

test('InputBuffer: lent bytes stay intact when more is appended than fits', () => {
  const input = new InputBuffer();
  input.show(Buffer.alloc(4000, 'a'), 0);
  input.keep();
  input.at = 3000;
  input.lend();
  const lent = input.bytes;

  input.append(Buffer.alloc(2000, 'b'), 0, 2000, Number.POSITIVE_INFINITY);

  assert.equal(lent.toString('latin1', 0, 4000), 'a'.repeat(4000));
  assert.equal(textOf(input), 'a'.repeat(1000) + 'b'.repeat(2000));
});

test('InputBuffer: a large body gets memory of its declared size at once', () => {
  const input = new InputBuffer();
  const all = 1000 * KIB;
  input.show(Buffer.alloc(200 * KIB, 'a'), 0);
  input.keep();

  input.append(Buffer.alloc(200 * KIB, 'b'), 0, 200 * KIB, all);
  const { bytes } = input;
  for (let held = 400 * KIB; held < all; held += 200 * KIB) {
    input.append(Buffer.alloc(200 * KIB, 'c'), 0, 200 * KIB, all);
  }

  assert.deepStrictEqual(
    [input.bytes === bytes, input.heldBytes, bytes.length >= all],
    [true, all, true],
  );
});

test('InputBuffer: a small piece in many chunks doubles its memory', () => {
  const input = new InputBuffer();
  const lengths = new Set<number>();
  input.show(Buffer.from('a'), 0);
  input.keep();

  for (let held = 1; held < 100 * KIB; held++) {
    input.append(Buffer.from('b'), 0, 1, 200 * KIB);
    lengths.add(input.bytes.length);
  }

  assert.deepStrictEqual(
    [...lengths].map((length) => length / KIB),
    [4, 8, 16, 32, 64, 128],
  );
});

test('InputBuffer: takeAll returns a copy and holds nothing', () => {
  const input = new InputBuffer();
  input.show(Buffer.from('one two'), 4);
  input.keep();

  const taken = input.takeAll();

  assert.deepStrictEqual([taken.toString(), input.heldBytes, input.bytes.length], ['two', 0, 0]);
});

test('InputBuffer: holds what a plain buffer would, in any order of calls', () => {
  const seed = freshSeed();
  const random = seededRandom(seed);
  const input = new InputBuffer();
  let model = Buffer.alloc(0);
  for (let step = 0; step < 2000; step++) {
    const chunk = Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256)));
    if (model.length === 0) {
      input.show(chunk, 0);
      input.keep();
      model = Buffer.from(chunk);
    } else {
      const from = random(chunk.length);
      input.append(chunk, from, chunk.length, 400);
      model = Buffer.concat([model, chunk.subarray(from)]);
    }
    chunk.fill(0);
    const used = random(model.length + 1);
    input.at += used;
    model = model.subarray(used);
    if (model.length === 0) input.letGo();
    const held = input.bytes.subarray(input.at, input.end);
    assert.ok(held.equals(model), `seed ${seed}, step ${step}`);
  }
});
