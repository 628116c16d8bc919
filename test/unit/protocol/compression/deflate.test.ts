import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { DeflateDecoder } from '../../../../src/protocol/compression/deflate-decoder.ts';
import { DeflateEncoder } from '../../../../src/protocol/compression/deflate-encoder.ts';
import { DeflateEngines } from '../../../../src/protocol/compression/deflate-engines.ts';
import { randomChunks, singleBytes } from '../../../support/chunks.ts';
import { decodeAll } from '../../../support/decoding.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

const FLUSHED = { finishFlush: constants.Z_SYNC_FLUSH };

async function encode(encoder: DeflateEncoder, ...buffers: Buffer[]): Promise<Buffer> {
  return new Promise((resolve) => {
    encoder.encode(buffers, (bytes) => resolve(Buffer.concat(bytes)));
  });
}

/** A chunk that is decompressed on another thread. */
function largeChunk(seed: string): Buffer {
  const random = seededRandom(seed.length);
  const chunk = Buffer.from(Array.from({ length: 10_000 }, () => random(256)));
  return deflateRawSync(chunk, FLUSHED);
}

test('DeflateEncoder: every batch is flushed, and can be read with what came before', async (t) => {
  const encoder = new DeflateEncoder(6);
  t.after(() => encoder.close());
  const texts = ['first', 'second, second, second', 'x'.repeat(200_000), 'last'];
  const stream: Buffer[] = [];
  for (const [index, text] of texts.entries()) {
    const [head, tail] = [text.slice(0, 1), text.slice(1)];

    stream.push(await encode(encoder, Buffer.from(head), Buffer.from(tail)));

    if (index > 1) assert.equal(stream[index].subarray(-4).toString('hex'), '0000ffff');
    const plain = inflateRawSync(Buffer.concat(stream), FLUSHED).toString();
    assert.equal(plain, texts.slice(0, index + 1).join(''));
  }
});

test('DeflateEncoder: what is small is stored, at once and without a compressor', () => {
  const engines = new DeflateEngines();
  const encoder = new DeflateEncoder(6, engines);
  const stream: Buffer[] = [];

  encoder.encode([Buffer.from('O'), Buffer.from('K')], (bytes) => stream.push(...bytes));
  encoder.encode([Buffer.from('heartbeat')], (bytes) => stream.push(...bytes));

  assert.equal(stream[0].toString('hex'), '000200fdff4f4b000000ffff');
  assert.equal(inflateRawSync(Buffer.concat(stream), FLUSHED).toString(), 'OKheartbeat');
  assert.equal(engines.count, 0);
});

test('DeflateEncoder: streams that share one compressor can each be read whole', async () => {
  const engines = new DeflateEngines(1);
  const encoders = [1, 6, 6].map((level) => new DeflateEncoder(level, engines));
  const streams = encoders.map((): Buffer[] => []);
  const plain = encoders.map(() => '');
  const seed = freshSeed();
  const random = seededRandom(seed);

  for (let round = 0; round < 50; round++) {
    await Promise.all(
      encoders.map(async (encoder, index) => {
        const text = `${index} says ${'something '.repeat(random(100))}`;
        plain[index] += text;
        streams[index].push(await encode(encoder, Buffer.from(text)));
      }),
    );
  }

  const read = streams.map((pieces) => inflateRawSync(Buffer.concat(pieces), FLUSHED).toString());
  assert.deepEqual(read, plain, `seed ${seed}`);
  assert.equal(engines.count, 1);
});

test('DeflateEngines: a client that releases its compressor while it waits is not called back', async () => {
  const engines = new DeflateEngines(1);
  const [first, second, third] = [6, 6, 6].map((level) => new DeflateEncoder(level, engines));
  const called: string[] = [];
  const done = (name: string, encoder: DeflateEncoder): Promise<void> =>
    new Promise((resolve) => {
      encoder.encode([Buffer.alloc(1000)], () => {
        called.push(name);
        resolve();
      });
    });

  void done('first', first);
  void done('second', second);
  const last = done('third', third);
  first.close();
  second.close();
  await last;

  assert.deepEqual(called, ['third']);
});

test('DeflateEncoder: calls back no more once closed', async () => {
  const encoder = new DeflateEncoder(1);
  let calls = 0;
  encoder.encode([Buffer.alloc(1000)], () => calls++);

  encoder.close();
  // A batch that another encoder begins later is done later.
  await encode(new DeflateEncoder(1), Buffer.alloc(1000));

  assert.equal(calls, 0);
});

test('DeflateDecoder: reads a stream whole, byte by byte and in random chunks', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const encoder = new DeflateEncoder(9);
  t.after(() => encoder.close());
  const stream: Buffer[] = [];
  let plain = '';
  for (let batch = 0; batch < 30; batch++) {
    const text = `${batch} bottles of `.repeat(batch * 7 + 1);
    plain += text;
    stream.push(await encode(encoder, Buffer.from(text)));
  }
  const bytes = Buffer.concat(stream);

  for (const chunks of [
    [bytes],
    singleBytes(bytes),
    randomChunks(bytes, seededRandom(seed), 100),
  ]) {
    const decoded = await decodeAll(new DeflateDecoder(), chunks);

    assert.equal(decoded.end, 'end');
    assert.equal(decoded.bytes.toString(), plain);
  }
});

test('DeflateDecoder: ends where the stream says so, whatever follows', async () => {
  const stream = Buffer.concat([deflateRawSync('done'), Buffer.from('and more')]);

  const decoded = await decodeAll(new DeflateDecoder(), [stream]);

  assert.deepEqual(decoded, { bytes: Buffer.from('done'), pieces: [4], end: 'end' });
});

for (const [what, cut] of [
  ['as a whole', 0],
  ['in two parts', 4],
  ['with its last byte alone', 1],
] as const) {
  test(`DeflateDecoder: a stream that comes ${what} ends with its last block, though its input goes on`, async () => {
    const text = 'x'.repeat(200_000);
    const stream = deflateRawSync(text);
    const parts = [stream.subarray(0, stream.length - cut), stream.subarray(stream.length - cut)];
    const told: string[] = [];

    await new Promise<void>((resolve) => {
      const decoder = new DeflateDecoder();
      decoder.listen({
        onData: (bytes) => told.push(bytes.toString()),
        onUsed: () => {
          const part = parts.shift();
          assert.ok(part !== undefined && part.length > 0, 'it asks for more behind the end');
          decoder.decode(part);
        },
        onEnd: resolve,
        onError: (error) => assert.fail(error),
      });
      decoder.decode(parts.shift() ?? assert.fail());
    });

    assert.equal(told.join(''), text);
  });
}

test('DeflateDecoder: damage is an error', async () => {
  const decoded = await decodeAll(new DeflateDecoder(), [Buffer.from('ffffffff', 'hex')]);

  assert.deepEqual(decoded, {
    bytes: Buffer.alloc(0),
    pieces: [],
    end: 'deflate: invalid block type',
  });
});

test('DeflateDecoder: of a bomb it makes no more than someone takes', async (t) => {
  const bomb = deflateRawSync(Buffer.alloc(256 * 1024 * 1024), FLUSHED);
  const decoder = new DeflateDecoder();
  t.after(() => decoder.close());
  let count = 0;
  let onPiece = (): void => undefined;
  decoder.listen({
    onData: (bytes) => {
      count += bytes.length;
      decoder.pause();
      onPiece();
    },
    onUsed: () => assert.fail('the bomb is not used up'),
    onEnd: () => assert.fail('the bomb has not ended'),
    onError: assert.fail,
  });
  const piece = (): Promise<void> =>
    new Promise((resolve) => {
      onPiece = resolve;
    });
  const before = process.memoryUsage().arrayBuffers;

  const first = piece();
  decoder.decode(bomb);
  await first;
  const second = piece();
  decoder.resume();
  await second;

  assert.ok(count <= 2 * 65536, `${count} bytes`);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 2 * 1024 * 1024, `${grown} bytes more`);
});

test('DeflateDecoder: the end waits while paused', async (t) => {
  const decoder = new DeflateDecoder();
  t.after(() => decoder.close());
  const told: string[] = [];
  const ended = new Promise<void>((resolve) => {
    decoder.listen({
      onData: (bytes) => told.push(bytes.toString()),
      onUsed: () => {
        told.push('(used)');
        decoder.end();
        decoder.resume();
        told.push('(resumed)');
      },
      onEnd: resolve,
      onError: assert.fail,
    });
  });
  decoder.pause();

  decoder.decode(deflateRawSync('text', FLUSHED));
  await ended;

  assert.deepEqual(told, ['(used)', '(resumed)', 'text']);
});

test('DeflateDecoder: a small chunk is used up at once, in pieces until the listener closes', () => {
  const told: string[] = [];
  const stream = deflateRawSync(Buffer.alloc(200_000, 'x'), FLUSHED);
  for (const closesAt of [Number.POSITIVE_INFINITY, 2]) {
    const decoder = new DeflateDecoder();
    decoder.listen({
      onData: (bytes) => {
        if (told.push(`${bytes.length}`) >= closesAt) decoder.close();
      },
      onUsed: () => told.push('used'),
      onEnd: () => assert.fail('end'),
      onError: assert.fail,
    });
    decoder.decode(stream);
    decoder.close();

    assert.deepEqual(
      told.splice(0),
      closesAt === 2 ? ['65536', '65536'] : ['65536', '65536', '65536', '3392', 'used'],
    );
  }
});

test('DeflateDecoder: small and large chunks keep their order, also where it is paused in between', async (t) => {
  const seed = freshSeed();
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const plain = Buffer.concat(
    Array.from({ length: 60 }, () => {
      const size = 1 + random(60_000);
      const byte = random(256);
      return random(2) === 0
        ? Buffer.alloc(size * 5, byte)
        : Buffer.from(Array.from({ length: size }, () => random(256)));
    }),
  );
  const stream = deflateRawSync(plain, FLUSHED);
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const bytes = random(2) === 0 ? 1 + random(4096) : 4097 + random(50_000);
    chunks.push(stream.subarray(at, at + bytes));
    at += bytes;
  }
  const pieces: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const decoder = new DeflateDecoder();
    decoder.listen({
      onData: (bytes) => {
        pieces.push(Buffer.from(bytes));
        if (random(4) > 0) return;
        decoder.pause();
        setImmediate(() => decoder.resume());
      },
      onUsed: () => {
        const chunk = chunks.shift();
        if (chunk === undefined) decoder.end();
        else decoder.decode(chunk);
      },
      onEnd: resolve,
      onError: assert.fail,
    });
    decoder.decode(chunks.shift() ?? assert.fail());
  });

  assert.ok(Buffer.concat(pieces).equals(plain));
});

test('DeflateDecoder: tells nothing once closed', async () => {
  const decoder = new DeflateDecoder();
  decoder.listen({
    onData: () => assert.fail('data'),
    onUsed: () => assert.fail('used'),
    onEnd: () => assert.fail('end'),
    onError: assert.fail,
  });

  decoder.decode(largeChunk('first'));
  decoder.close();

  // A chunk that another decoder begins later is done later.
  const other = await decodeAll(new DeflateDecoder(), [largeChunk('second')]);
  assert.equal(other.end, 'end');
});
