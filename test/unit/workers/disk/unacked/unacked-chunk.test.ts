import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnackedChunk } from '../../../../../src/workers/disk/unacked/unacked-chunk.ts';

const SEGMENT = 4;
const POSITION = 10_000;
const ORDINAL = 70;
const RECORDS_MAX = 512;

/** A chunk with this many records of 50 bytes each, without gaps. */
function chunkOf(count: number): UnackedChunk {
  const chunk = new UnackedChunk(900, SEGMENT, POSITION, ORDINAL);
  for (let i = 0; i < count; i++) chunk.add(POSITION + i * 50, 50, i, ORDINAL + i);
  return chunk;
}

test('UnackedChunk: keeps of each record what it was given, also when it grows', () => {
  const sizes = fc.integer({ min: 30, max: 2 ** 32 - 1 });
  const records = fc.array(fc.tuple(sizes, fc.nat(2 ** 32 - 1), fc.nat(60), fc.nat(5000)), {
    minLength: 1,
    maxLength: 100,
  });
  fc.assert(
    fc.property(records, (given) => {
      const chunk = new UnackedChunk(900, SEGMENT, POSITION, ORDINAL);
      let ordinal = ORDINAL;
      let position = POSITION;
      const model = given.map(([sizeBytes, checksum, skipped, gap], index) => {
        // The first record is where the chunk begins.
        if (index > 0) {
          ordinal += 1 + skipped;
          position += gap;
        }
        return { position, sizeBytes, checksum, ordinal };
      });

      for (const one of model) chunk.add(one.position, one.sizeBytes, one.checksum, one.ordinal);

      const kept = model.map((_, index) => ({
        position: chunk.position(index),
        sizeBytes: chunk.sizeBytes(index),
        checksum: chunk.checksum(index),
        ordinal: chunk.ordinal(index),
      }));
      const bytes = model.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      assert.deepStrictEqual(kept, model);
      assert.deepStrictEqual(
        [chunk.count, chunk.unacked, chunk.unackedBytes, chunk.unwritten],
        [model.length, model.length, bytes, 0],
      );
    }),
  );
});

test('UnackedChunk: a record fits if it is of the segment, and neither too many nor too far away', () => {
  const chunk = chunkOf(3);
  const next = ORDINAL + 3;
  const fits = {
    next: chunk.fits(SEGMENT, POSITION + 150, next),
    otherSegment: chunk.fits(SEGMENT + 1, POSITION + 150, next),
    farthest: chunk.fits(SEGMENT, POSITION + 2 ** 32 - 1, next),
    tooFar: chunk.fits(SEGMENT, POSITION + 2 ** 32, next),
    mostSkipped: chunk.fits(SEGMENT, POSITION + 150, next + 0xffff),
    tooManySkipped: chunk.fits(SEGMENT, POSITION + 150, next + 0x10000),
  };
  const isRoomBeforeLast = chunkOf(RECORDS_MAX - 1).fits(SEGMENT, POSITION, ORDINAL + 600);
  const isRoomAfterLast = chunkOf(RECORDS_MAX).fits(SEGMENT, POSITION, ORDINAL + 600);

  assert.deepStrictEqual(fits, {
    next: true,
    otherSegment: false,
    farthest: true,
    tooFar: false,
    mostSkipped: true,
    tooManySkipped: false,
  });
  assert.deepStrictEqual([isRoomBeforeLast, isRoomAfterLast], [true, false]);
});

test('UnackedChunk: finds the oldest unacked record, in whatever order records are finished', () => {
  const count = 40;
  const order = fc.shuffledSubarray(
    Array.from({ length: count }, (_, index) => index),
    { minLength: 0, maxLength: count - 1 },
  );
  fc.assert(
    fc.property(order, (finished) => {
      const chunk = chunkOf(count);
      const unacked = new Set(Array.from({ length: count }, (_, index) => index));

      for (const index of finished) {
        chunk.finish(index);
        unacked.delete(index);
        assert.equal(chunk.oldest(), Math.min(...unacked));
      }

      assert.deepStrictEqual(
        [chunk.unacked, chunk.unackedBytes, chunk.unwritten],
        [unacked.size, unacked.size * 50, finished.length],
      );
    }),
  );
});

test('UnackedChunk: a finished record is unwritten until the states are written', () => {
  const chunk = chunkOf(3);
  chunk.finish(0);
  const before = [0, 1].map((index) => chunk.isUnwritten(index));
  chunk.onStatesWritten();
  const after = [0, 1].map((index) => chunk.isUnwritten(index));
  chunk.finish(2);

  const unacked = [0, 1, 2].map((index) => chunk.isUnacked(index));

  assert.deepStrictEqual(
    { before, after, unacked, unwritten: chunk.unwritten, last: chunk.isUnwritten(2) },
    {
      before: [true, false],
      after: [false, false],
      unacked: [false, true, false],
      unwritten: 1,
      last: true,
    },
  );
});
