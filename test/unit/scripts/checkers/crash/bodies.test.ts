import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY_BYTES_MAX, Bodies } from '../../../../../scripts/checkers/crash/bodies.ts';

const SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 12, 100, 4000, 100_000, BODY_BYTES_MAX];

test('Bodies: every body is of the size that was asked for, and gives its number back', () => {
  const bodies = new Bodies();

  const made = SIZES.map((size) => bodies.make(size));

  assert.deepEqual(
    made.map(({ body }) => body.length),
    SIZES,
  );
  assert.deepEqual(
    made.map(({ body }) => bodies.read(body)),
    made.map(({ number }) => number),
  );
  assert.equal(bodies.count, SIZES.length);
});

test('Bodies: when all bodies of a byte are used up, larger ones are made', () => {
  const bodies = new Bodies();

  const made = Array.from({ length: 300 }, () => bodies.make(1).body);

  const texts = new Set(made.map((body) => body.toString('hex')));
  assert.equal(texts.size, 300);
  assert.deepEqual([made[255].length, made[256].length], [1, 2]);
});

test('Bodies: a damaged, cut or foreign body has no number', () => {
  const bodies = new Bodies();
  const { body } = bodies.make(1000);
  const places = [0, 3, 4, 7, 8, 500, 999];

  const numbers = [
    ...places.map((at) => {
      const damaged = Buffer.from(body);
      damaged[at] ^= 1;
      return bodies.read(damaged);
    }),
    bodies.read(body.subarray(0, 999)),
    bodies.read(Buffer.concat([body, Buffer.of(0)])),
    bodies.read(Buffer.from('x')),
    bodies.read(Buffer.alloc(0)),
  ];

  assert.deepEqual(numbers, Array(numbers.length).fill(undefined));
});
