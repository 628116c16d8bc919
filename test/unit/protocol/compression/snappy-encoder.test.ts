import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SnappyEncoder } from '../../../../src/protocol/compression/snappy-encoder.ts';

const OK_FRAME = Buffer.from('00000006000000004f4b', 'hex');
const IDENTIFIER = 'ff060000734e61507059';
const OK_CHUNK = '010e000026982bcf00000006000000004f4b';

function encode(encoder: SnappyEncoder, ...buffers: Buffer[]): Buffer {
  let encoded: Buffer[] = [];
  encoder.encode(buffers, (bytes) => {
    encoded = bytes;
  });
  return Buffer.concat(encoded);
}

test('SnappyEncoder: the first bytes are those of nsqd', () => {
  const encoded = encode(new SnappyEncoder(), OK_FRAME);

  assert.equal(encoded.toString('hex'), IDENTIFIER + OK_CHUNK);
});

test('SnappyEncoder: the identifier comes once', () => {
  const encoder = new SnappyEncoder();
  encode(encoder, OK_FRAME);

  const encoded = encode(encoder, OK_FRAME);

  assert.equal(encoded.toString('hex'), OK_CHUNK);
});

test('SnappyEncoder: what is given together becomes one chunk', () => {
  const encoded = encode(new SnappyEncoder(), OK_FRAME.subarray(0, 4), OK_FRAME.subarray(4));

  assert.equal(encoded.toString('hex'), IDENTIFIER + OK_CHUNK);
});

test('SnappyEncoder: what repeats is compressed, in chunks of at most 64 KiB', () => {
  const encoded = encode(new SnappyEncoder(), Buffer.alloc(65536 * 2 + 1, 'abcdefgh-'));

  const types: number[] = [];
  for (let at = 10; at < encoded.length; at += 4 + encoded.readUIntLE(at + 1, 3)) {
    types.push(encoded[at]);
  }
  assert.deepEqual(types, [0, 0, 1]);
  assert.ok(encoded.length < 10_000);
});
