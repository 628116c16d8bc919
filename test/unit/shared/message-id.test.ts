import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOT_HEX, parseHexWord, writeHexWord } from '../../../src/shared/message-id.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const SEED = 3;

test('message id: words are read and written as eight lower-case hex digits', () => {
  const random = seededRandom(SEED);
  const values = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678, 0x9abcdef0];
  for (let count = 0; count < 1000; count++) values.push(random(2 ** 32));
  for (const value of values) {
    const bytes = Buffer.alloc(12, '.');
    writeHexWord(value, bytes, 2);

    const text = value.toString(16).padStart(8, '0');
    assert.equal(bytes.toString('latin1'), `..${text}..`, `seed ${SEED}`);
    assert.equal(parseHexWord(bytes, 2), value, `seed ${SEED}`);
  }
});

test('message id: any other byte in any place is not hex', () => {
  const digits = '0123456789abcdef';
  for (let byte = 0; byte < 256; byte++) {
    const isDigit = digits.includes(String.fromCharCode(byte));
    for (let place = 0; place < 8; place++) {
      const bytes = Buffer.alloc(8, '0');
      bytes[place] = byte;

      assert.equal(parseHexWord(bytes, 0) !== NOT_HEX, isDigit, `byte ${byte} in place ${place}`);
    }
  }
});
