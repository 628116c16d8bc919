import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  SLOT_BYTES,
  STATE_FINISHED,
  STATE_UNACKED,
  slotAttempts,
  slotChecksum,
  slotDueMs,
  slotState,
  writeSlot,
} from '../../../../../src/workers/disk/states/state-slots.ts';
import { freshSeed, seededRandom } from '../../../../support/seeded-random.ts';

/** What a slot says, read back. */
function readSlot(bytes: Buffer, at: number): number[] {
  return [
    slotState(bytes, at),
    slotAttempts(bytes, at),
    slotDueMs(bytes, at),
    slotChecksum(bytes, at),
  ];
}

test('state slots: lie in the file as drawn, and nothing of the slots beside them changes', () => {
  const bytes = Buffer.alloc(3 * SLOT_BYTES, 0xee);

  writeSlot(bytes, SLOT_BYTES, STATE_UNACKED, 0x0102, 0x030405060708, 0x090a0b0c);

  const neighbour = 'ee'.repeat(SLOT_BYTES);
  assert.match(
    bytes.toString('hex'),
    /^(?:ee){16}01000102030405060708090a0b0c[\da-f]{4}(?:ee){16}$/,
  );
  assert.equal(bytes.toString('hex', 0, SLOT_BYTES), neighbour);
});

test('state slots: what was written is read, at every place and for every number', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const bytes = Buffer.alloc(64 * SLOT_BYTES);
  const model = new Map<number, number[]>();
  for (let step = 0; step < 5000; step++) {
    const at = SLOT_BYTES * random(64);
    const state = random(2) === 0 ? STATE_UNACKED : STATE_FINISHED;
    const slot = [state, random(0x10000), random(2 ** 32) * random(0x10000), random(2 ** 32)];
    writeSlot(bytes, at, slot[0], slot[1], slot[2], slot[3]);
    model.set(at, slot);
  }

  const found = new Map([...model.keys()].map((at) => [at, readSlot(bytes, at)]));

  assert.deepStrictEqual(found, model);
});

test('state slots: numbers that are too large are written as the largest', () => {
  const bytes = Buffer.alloc(SLOT_BYTES);

  writeSlot(bytes, 0, STATE_UNACKED, 70_000, 2 ** 50, 5);

  assert.deepStrictEqual(readSlot(bytes, 0), [STATE_UNACKED, 0xffff, 2 ** 48 - 1, 5]);
});

test('state slots: zeros are no state, nor is one with any byte changed', () => {
  const empty = Buffer.alloc(SLOT_BYTES);
  const whole = Buffer.alloc(SLOT_BYTES);
  writeSlot(whole, 0, STATE_FINISHED, 3, 1_700_000_000_000, 0xdeadbeef);

  const believed: string[] = [];
  for (let at = 0; at < SLOT_BYTES; at++) {
    for (let value = 0; value < 256; value++) {
      const damaged = Buffer.from(whole);
      damaged[at] = value;
      if (!damaged.equals(whole) && slotState(damaged, 0) !== 0) believed.push(`${at}=${value}`);
    }
  }

  assert.deepStrictEqual([slotState(empty, 0), believed], [0, []]);
});
