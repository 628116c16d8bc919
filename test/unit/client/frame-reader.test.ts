import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ERROR, FrameReader, MESSAGE, RESPONSE } from '../../../src/client/frame-reader.ts';
import { singleBytes } from '../../support/chunks.ts';

const SIZE_MAX = 200_000;

type Frame = readonly [type: number, data: Buffer];

function encode(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.map(([type, data]) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(data.length + 4);
      head.writeUInt32BE(type, 4);
      return Buffer.concat([head, data]);
    }),
  );
}

/** Reads chunks; data is compared at the end, when later frames could have overwritten it. */
function readAll(chunks: readonly Buffer[]): { frames: Frame[]; bad: string[] } {
  const views: Frame[] = [];
  const bad: string[] = [];
  const reader = new FrameReader(
    {
      onFrame: (type, bytes, at, end) => views.push([type, bytes.subarray(at, end)]),
      onBadFrame: (text) => bad.push(text),
    },
    SIZE_MAX,
  );
  for (const chunk of chunks) reader.read(chunk);
  return { frames: views.map(([type, data]) => [type, Buffer.from(data)]), bad };
}

const FRAMES: readonly Frame[] = [
  [RESPONSE, Buffer.from('OK')],
  [ERROR, Buffer.from('E_INVALID')],
  [RESPONSE, Buffer.alloc(0)],
  [MESSAGE, Buffer.alloc(100, 7)],
];

test('FrameReader: frames in one chunk, and byte by byte, are the same', () => {
  const bytes = encode(FRAMES);

  const results = [readAll([bytes]), readAll(singleBytes(bytes))];

  assert.deepStrictEqual(results, [
    { frames: FRAMES, bad: [] },
    { frames: FRAMES, bad: [] },
  ]);
});

test('FrameReader: any frames in any chunks', () => {
  const frame = fc.tuple(
    fc.constantFrom(RESPONSE, ERROR, MESSAGE),
    fc.uint8Array({ maxLength: 90 }).map((data) => Buffer.from(data)),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), sizes, (frames, cuts) => {
      const bytes = encode(frames);
      const chunks: Buffer[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = cuts[turn % cuts.length];
        chunks.push(bytes.subarray(at, at + size));
        at += size;
      }
      assert.deepStrictEqual(readAll(chunks), { frames, bad: [] });
    }),
  );
});

test('FrameReader: a frame larger than its first buffer is gathered from its parts', () => {
  const large: Frame = [MESSAGE, Buffer.alloc(SIZE_MAX - 4, 'abcdefg')];
  const bytes = encode([large, FRAMES[0]]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 30_011) chunks.push(bytes.subarray(at, at + 30_011));

  assert.deepStrictEqual(readAll(chunks), { frames: [large, FRAMES[0]], bad: [] });
});

for (const size of [0, 3, SIZE_MAX + 1, 0xffffffff]) {
  test(`FrameReader: a size of ${size} ends the stream, in one chunk or byte by byte`, () => {
    const bytes = encode(FRAMES);
    const at = encode(FRAMES.slice(0, 2)).length;
    bytes.writeUInt32BE(size, at);

    for (const chunks of [[bytes], singleBytes(bytes)]) {
      const { frames, bad } = readAll(chunks);
      assert.deepStrictEqual(frames, FRAMES.slice(0, 2));
      assert.equal(bad.length, 1);
    }
  });
}

test('FrameReader: stopped from within a call, it keeps the bytes after that frame', () => {
  const seen: number[] = [];
  const reader = new FrameReader(
    {
      onFrame: (type) => {
        seen.push(type);
        if (type === ERROR) reader.stop();
      },
      onBadFrame: () => assert.fail('all frames are valid'),
    },
    SIZE_MAX,
  );

  reader.read(encode(FRAMES));

  assert.deepStrictEqual(seen, [RESPONSE, ERROR]);
  assert.deepStrictEqual(Buffer.from(reader.rest), encode(FRAMES.slice(2)));
});
