import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BOUNDS_US,
  bucketOf,
  durationsOf,
  HISTOGRAM_NUMBERS,
  Histogram,
} from '../../../src/shared/thread-meter.ts';
import { freshSeed, seededRandom } from '../../support/seeded-random.ts';

/** As the documentation says it, one bound after the other. */
function expectedBucket(us: number): number {
  const index = BOUNDS_US.findIndex((bound) => us <= bound);
  return index === -1 ? BOUNDS_US.length : index;
}

test('bucketOf: a duration counts with the first bound that is not shorter', () => {
  const found = [-5, 0, 0.05, 0.0501, 0.1, 1, 1.5, 2, 999_999.9, 1e6, 1e6 + 1, Infinity].map(
    bucketOf,
  );

  assert.deepStrictEqual(found, [0, 0, 0, 1, 1, 4, 5, 5, 22, 22, 23, 23]);
});

test('bucketOf: finds what a search finds, at every bound and for random durations', () => {
  const seed = freshSeed();
  const random = seededRandom(seed);
  const atBounds = BOUNDS_US.flatMap((bound) => [bound - 1, bound, bound + 1]);
  const others = Array.from({ length: 20_000 }, () => 1 + random(2 ** (1 + random(31))));

  for (const us of [...atBounds, ...others]) {
    assert.equal(bucketOf(us / 1000), expectedBucket(us), `${us} µs, seed ${seed}`);
  }
});

test('Histogram: counts durations at its place, and several threads add up', () => {
  const threads = [
    new Float64Array(HISTOGRAM_NUMBERS + 3),
    new Float64Array(HISTOGRAM_NUMBERS + 3),
  ];
  const [one, other] = threads.map((numbers) => new Histogram(numbers, 3));
  one.add(1);
  one.add(3, 10);
  other.add(1);
  other.add(-7);

  const { counts, sumMs } = durationsOf(threads, 3);

  const filled = counts.flatMap((count, bucket) => (count === 0 ? [] : [[bucket, count]]));
  assert.deepStrictEqual(filled, [
    [0, 1],
    [4, 2],
    [6, 10],
  ]);
  assert.equal(sumMs, 32);
  assert.deepStrictEqual([...threads[0].subarray(0, 3)], [0, 0, 0]);
});
