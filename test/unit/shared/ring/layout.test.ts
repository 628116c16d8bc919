import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allocateRing,
  capacityFor,
  EMPTY,
  RECORDS_OFFSET,
  RingReader,
  RingWriter,
  recordBytes,
  usedBytes,
} from '../../../../src/shared/ring/ring.ts';

test('layout: a record takes its header and its payload, rounded up to 8 bytes', () => {
  const sizes = [0, 1, 7, 8, 9, 16, 17].map(recordBytes);

  assert.deepStrictEqual(sizes, [8, 16, 16, 16, 24, 24, 32]);
});

test('layout: allocateRing takes powers of two from 64 bytes on', () => {
  const capacities = Array.from({ length: 15 }, (_, index) => 64 << index);

  const sizes = capacities.map((capacity) => allocateRing(capacity).byteLength - RECORDS_OFFSET);

  assert.deepStrictEqual(sizes, capacities);
});

test('layout: allocateRing refuses every other capacity', () => {
  for (const capacity of [0, -64, 1, 32, 63, 65, 96, 64.5, 2 ** 31, Number.NaN]) {
    assert.throws(() => allocateRing(capacity), { name: 'AssertionError' }, String(capacity));
  }
});

test('layout: capacityFor gives the smallest ring that always takes the payload', () => {
  for (let length = 0; length < 2000; length++) {
    const capacity = capacityFor(length, 64);
    const producer = new RingWriter(allocateRing(capacity));

    assert.ok(producer.lengthMax >= length, `length ${length}`);
    assert.ok(capacity === 64 || capacity / 2 < 2 * recordBytes(length), `length ${length}`);
  }
});

test('layout: capacityFor respects the least capacity', () => {
  const capacities = [capacityFor(10, 4096), capacityFor(10, 5000), capacityFor(5000, 4096)];

  assert.deepStrictEqual(capacities, [4096, 8192, 16384]);
});

test('usedBytes: counts what is published and not released, also across the wrap', () => {
  const memory = allocateRing(256);
  const writer = new RingWriter(memory);
  const reader = new RingReader(memory);
  const used: number[] = [usedBytes(memory)];
  for (let round = 0; round < 8; round++) {
    writer.claim(40);
    writer.commit(1, 40);
    writer.publish();
    if (round < 2) used.push(usedBytes(memory));
    reader.look();
    while (reader.front() !== EMPTY) reader.pop();
    reader.release();
  }
  used.push(usedBytes(memory));

  assert.deepStrictEqual(used, [0, 48, 48, 0]);
});
