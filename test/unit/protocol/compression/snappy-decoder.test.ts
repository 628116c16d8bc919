import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskedChecksum } from '../../../../src/protocol/compression/checksum.ts';
import { compressBlock } from '../../../../src/protocol/compression/snappy-block.ts';
import { SnappyDecoder } from '../../../../src/protocol/compression/snappy-decoder.ts';
import { SnappyEncoder } from '../../../../src/protocol/compression/snappy-encoder.ts';
import { randomChunks, singleBytes } from '../../../support/chunks.ts';
import { decodeAll } from '../../../support/decoding.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const IDENTIFIER = Buffer.from('ff060000734e61507059', 'hex');

function chunk(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(4);
  header[0] = type;
  header.writeUIntLE(body.length, 1, 3);
  return Buffer.concat([header, body]);
}

function checksum(plain: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(maskedChecksum(plain));
  return bytes;
}

const stored = (text: string): Buffer => chunk(1, checksum(Buffer.from(text)), Buffer.from(text));

function compressed(text: string): Buffer {
  const plain = Buffer.from(text);
  return chunk(0, checksum(plain), compressBlock(plain));
}

/** A stream with everything in it that a stream may have. */
const STREAM = Buffer.concat([
  IDENTIFIER,
  stored('one '),
  chunk(0xfe, Buffer.alloc(300)),
  IDENTIFIER,
  compressed('two two two two two two two two '),
  chunk(0x80),
  stored(''),
  stored('three'),
]);
const STREAM_TEXT = 'one two two two two two two two two three';

test('SnappyDecoder: reads every kind of chunk', async () => {
  const decoded = await decodeAll(new SnappyDecoder(), [STREAM]);

  assert.deepEqual(decoded, { bytes: Buffer.from(STREAM_TEXT), pieces: [4, 32, 5], end: 'end' });
});

test('SnappyDecoder: reads the same byte by byte', async () => {
  const decoded = await decodeAll(new SnappyDecoder(), singleBytes(STREAM));

  assert.deepEqual(decoded, { bytes: Buffer.from(STREAM_TEXT), pieces: [4, 32, 5], end: 'end' });
});

test('SnappyDecoder: reads what the encoder writes, in random chunks', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let round = 0; round < 20; round++) {
    const encoder = new SnappyEncoder();
    const texts: Buffer[] = [];
    const stream: Buffer[] = [];
    for (let batch = 0; batch < 5; batch++) {
      const alphabet = random(2) === 0 ? 3 : 256;
      const size = 1 + random(100_000);
      const bytes = Buffer.from(Array.from({ length: size }, () => random(alphabet)));
      texts.push(bytes);
      encoder.encode([bytes], (encoded) => stream.push(...encoded));
    }

    const decoded = await decodeAll(
      new SnappyDecoder(),
      randomChunks(Buffer.concat(stream), random, 50_000),
    );

    assert.equal(decoded.end, 'end');
    assert.ok(decoded.bytes.equals(Buffer.concat(texts)));
  }
});

test('SnappyDecoder: an incomplete chunk at the end of input is dropped', async () => {
  const decoded = await decodeAll(new SnappyDecoder(), [STREAM.subarray(0, STREAM.length - 1)]);

  assert.deepEqual(decoded.pieces, [4, 32]);
  assert.equal(decoded.end, 'end');
});

const tooLong = Buffer.concat([Buffer.from([0x81, 0x80, 0x04]), Buffer.alloc(20)]);
const damaged: [what: string, stream: Buffer, error: string][] = [
  ['no identifier', stored('x'), 'snappy: the stream does not begin with its identifier'],
  [
    'an identifier of another kind',
    Buffer.from('ff060000734e6150705a', 'hex'),
    'snappy: a stream identifier that is not one',
  ],
  [
    'an identifier of another length',
    Buffer.from('ff050000734e615070', 'hex'),
    'snappy: a chunk of type 255 with 5 bytes',
  ],
  [
    'a chunk of a reserved type',
    Buffer.concat([IDENTIFIER, chunk(0x02, Buffer.alloc(4))]),
    'snappy: a chunk of unknown type 2',
  ],
  [
    'a chunk of the last reserved type',
    Buffer.concat([IDENTIFIER, chunk(0x7f)]),
    'snappy: a chunk of unknown type 127',
  ],
  [
    'a wrong checksum',
    Buffer.concat([IDENTIFIER, chunk(1, Buffer.alloc(4), Buffer.from('x'))]),
    'snappy: a chunk whose checksum is wrong',
  ],
  [
    'a checksum that is cut off',
    Buffer.concat([IDENTIFIER, chunk(1, Buffer.alloc(3))]),
    'snappy: a chunk of type 1 with 3 bytes',
  ],
  [
    'more than 64 KiB as they are',
    Buffer.concat([IDENTIFIER, Buffer.from([1, 0x05, 0x00, 0x01])]),
    'snappy: a chunk of type 1 with 65541 bytes',
  ],
  [
    'more than 64 KiB can be compressed',
    Buffer.concat([IDENTIFIER, Buffer.from([0, 0xff, 0xff, 0xff])]),
    'snappy: a chunk of type 0 with 16777215 bytes',
  ],
  [
    'more than 64 KiB, uncompressed',
    Buffer.concat([IDENTIFIER, chunk(0, Buffer.alloc(4), tooLong)]),
    'snappy: a chunk of 65537 bytes, uncompressed',
  ],
  [
    'a length that does not end',
    Buffer.concat([IDENTIFIER, chunk(0, Buffer.alloc(4), Buffer.alloc(9, 0xff))]),
    'snappy: a chunk of unknown many bytes, uncompressed',
  ],
  [
    'an empty block',
    Buffer.concat([IDENTIFIER, chunk(0, Buffer.alloc(4))]),
    'snappy: a chunk of unknown many bytes, uncompressed',
  ],
];
for (const [what, stream, error] of damaged) {
  test(`SnappyDecoder: ${what} is an error`, async () => {
    const whole = await decodeAll(new SnappyDecoder(), [stream, stored('after')]);
    const piecemeal = await decodeAll(new SnappyDecoder(), singleBytes(stream));

    const expected = { bytes: Buffer.alloc(0), pieces: [], end: error };
    assert.deepEqual([whole, piecemeal], [expected, expected]);
  });
}

test('SnappyDecoder: a block that is damaged is an error', async () => {
  const block = Buffer.from('0504616263', 'hex');
  const stream = Buffer.concat([IDENTIFIER, chunk(0, Buffer.alloc(4), block)]);

  const decoded = await decodeAll(new SnappyDecoder(), [stream]);

  assert.match(decoded.end, /^snappy: a chunk that cannot be uncompressed, /);
});

test('SnappyDecoder: tells nothing while paused, and goes on where it was', () => {
  const decoder = new SnappyDecoder();
  const told: string[] = [];
  decoder.listen({
    onData: (bytes) => {
      told.push(bytes.toString());
      decoder.pause();
    },
    onUsed: () => told.push('(used)'),
    onEnd: () => told.push('(end)'),
    onError: (error) => told.push(error.message),
  });

  decoder.decode(Buffer.concat([IDENTIFIER, stored('a'), stored('b')]));
  told.push('|');
  decoder.resume();
  told.push('|');
  decoder.resume();
  decoder.end();

  assert.deepEqual(told, ['a', '|', 'b', '|', '(used)', '(end)']);
});

test('SnappyDecoder: resumed from within, it tells everything in order', () => {
  const decoder = new SnappyDecoder();
  const told: string[] = [];
  decoder.listen({
    onData: (bytes) => {
      decoder.pause();
      decoder.resume();
      told.push(bytes.toString());
    },
    onUsed: () => told.push('(used)'),
    onEnd: () => told.push('(end)'),
    onError: (error) => told.push(error.message),
  });

  decoder.decode(Buffer.concat([IDENTIFIER, stored('a'), stored('b'), stored('c')]));

  assert.deepEqual(told, ['a', 'b', 'c', '(used)']);
});

test('SnappyDecoder: closed from within, it tells nothing more', () => {
  const decoder = new SnappyDecoder();
  const told: string[] = [];
  decoder.listen({
    onData: (bytes) => {
      told.push(bytes.toString());
      decoder.close();
    },
    onUsed: () => told.push('(used)'),
    onEnd: () => told.push('(end)'),
    onError: (error) => told.push(error.message),
  });

  decoder.decode(Buffer.concat([IDENTIFIER, stored('a'), stored('b')]));
  decoder.end();

  assert.deepEqual(told, ['a']);
});
