import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readInt32,
  readUint16,
  readUint32,
  writeUint16,
  writeUint32,
} from '../../../src/shared/big-endian.ts';

for (const value of [0, 1, 0x12345678, 0x7fffffff, 0x80000000, 0xffffffff]) {
  test(`big-endian: 32 bits of ${value}`, () => {
    const bytes = Buffer.alloc(6, 0xee);
    writeUint32(value, bytes, 1);

    assert.deepStrictEqual(
      [bytes[0], bytes.readUInt32BE(1), bytes[5], readUint32(bytes, 1), readInt32(bytes, 1)],
      [0xee, value, 0xee, value, value | 0],
    );
  });
}

test('big-endian: a negative number is written as its low 32 bits', () => {
  const bytes = Buffer.alloc(4);
  writeUint32(-2, bytes, 0);

  assert.deepStrictEqual([readInt32(bytes, 0), readUint32(bytes, 0)], [-2, 0xfffffffe]);
});

test('big-endian: 16 bits, of larger numbers the low ones', () => {
  const bytes = Buffer.alloc(4, 0xee);
  writeUint16(0x1234567, bytes, 1);

  assert.deepStrictEqual([bytes[0], readUint16(bytes, 1), bytes[3]], [0xee, 0x4567, 0xee]);
});
