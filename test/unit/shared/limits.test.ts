import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as limits from '../../../src/shared/limits.ts';
import { fieldBytes, PUBLISH_WORDS } from '../../../src/shared/records.ts';
import {
  allocateRing,
  capacityFor,
  RING_CAPACITY_MAX,
  RingWriter,
  recordBytes,
} from '../../../src/shared/ring/ring.ts';

test('limits: the largest message fits a ring that can be made', () => {
  const length = limits.MESSAGE_BYTES_MAX + limits.RECORD_OVERHEAD_BYTES;

  assert.equal(capacityFor(length, limits.PUBLISH_RING_BYTES), RING_CAPACITY_MAX);
  assert(recordBytes(length) * 2 <= RING_CAPACITY_MAX);
});

test('limits: a message of the default size fits a publish ring of the default capacity', () => {
  const messageBytes = 1_048_576;
  const capacity = capacityFor(
    messageBytes + limits.RECORD_OVERHEAD_BYTES,
    limits.PUBLISH_RING_BYTES,
  );
  const ring = new RingWriter(allocateRing(capacity));

  assert.equal(capacity, limits.PUBLISH_RING_BYTES);
  assert(ring.lengthMax >= fieldBytes(PUBLISH_WORDS) + limits.SIZE_BYTES + messageBytes);
});

test('limits: header sizes are those of the protocol', () => {
  assert.deepStrictEqual(
    [
      limits.FRAME_HEADER_BYTES,
      limits.MESSAGE_HEADER_BYTES,
      limits.MESSAGE_ID_BYTES,
      limits.SIZE_BYTES,
    ],
    [8, 26, 16, 4],
  );
});
