import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type FrameHandler,
  FrameReader,
  MESSAGE_HEAD_BYTES,
  MESSAGE_ID_OFFSET,
} from '../../../../../scripts/bench/wire/frame-reader.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';

/** Counts and collects what it is told. */
class Notes implements FrameHandler {
  oks = 0;
  heartbeats = 0;
  readonly ids: string[] = [];
  readonly stamps: number[] = [];
  readonly errors: string[] = [];
  readonly #hasStamps: boolean;

  constructor(hasStamps: boolean) {
    this.#hasStamps = hasStamps;
  }

  onOk(count: number): void {
    this.oks += count;
  }

  onHeartbeat(): void {
    this.heartbeats++;
  }

  onError(text: string): void {
    this.errors.push(text);
  }

  onMessage(view: DataView, at: number): void {
    const start = view.byteOffset + at + MESSAGE_ID_OFFSET;
    this.ids.push(Buffer.from(view.buffer, start, 16).toString());
    if (this.#hasStamps) this.stamps.push(view.getFloat64(at + MESSAGE_HEAD_BYTES));
  }
}

function frame(type: number, data: Buffer | string): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4 + data.length);
  head.writeUInt32BE(type, 4);
  return Buffer.concat([head, Buffer.from(data)]);
}

function message(id: string, body: Buffer): Buffer {
  return frame(2, Buffer.concat([Buffer.alloc(10), Buffer.from(id), body]));
}

function stamp(value: number, size: number): Buffer {
  const body = Buffer.alloc(size);
  body.writeDoubleBE(value);
  return body;
}

const STREAM = Buffer.concat([
  frame(0, 'OK'),
  message('0000000000000001', stamp(1.5, 8)),
  frame(0, '_heartbeat_'),
  message('0000000000000002', stamp(2.5, 300)),
  frame(0, 'CLOSE_WAIT'),
  frame(0, 'OK'),
  frame(1, 'E_FIN_FAILED FIN failed'),
  message('0000000000000003', stamp(3.5, 9)),
]);
const WHOLE = {
  oks: 2,
  heartbeats: 1,
  ids: ['0000000000000001', '0000000000000002', '0000000000000003'],
  stamps: [1.5, 2.5, 3.5],
  errors: ['E_FIN_FAILED FIN failed'],
};

/** Reads a stream in pieces, all of them in the same memory, as a link does. */
function read(stream: Buffer, sizes: Iterator<number>): Notes {
  const notes = new Notes(true);
  const reader = new FrameReader(notes, 8);
  const memory = Buffer.alloc(stream.length);
  for (let at = 0; at < stream.length; ) {
    const size = Math.min(sizes.next().value ?? 1, stream.length - at);
    stream.copy(memory, 0, at, at + size);
    reader.take(memory, size);
    memory.fill(0xff);
    at += size;
  }
  return notes;
}

function* always(size: number): Generator<number> {
  for (;;) yield size;
}

test('FrameReader: a chunk with everything in it', () => {
  const { oks, heartbeats, ids, stamps, errors } = read(STREAM, always(STREAM.length));

  assert.deepStrictEqual({ oks, heartbeats, ids, stamps, errors }, WHOLE);
});

test('FrameReader: chunks of every size bring the same', () => {
  for (let size = 1; size < STREAM.length; size++) {
    const { oks, heartbeats, ids, stamps, errors } = read(STREAM, always(size));

    assert.deepStrictEqual({ oks, heartbeats, ids, stamps, errors }, WHOLE, `size ${size}`);
  }
});

test('FrameReader: chunks of random sizes bring the same', (t) => {
  const seed = 20_261_122;
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const stream = Buffer.concat(Array.from({ length: 20 }, () => STREAM));
  function* sizes(): Generator<number> {
    for (;;) yield 1 + random(200);
  }
  const notes = read(stream, sizes());

  assert.deepStrictEqual([notes.oks, notes.ids.length, notes.heartbeats], [40, 60, 20]);
});

test('FrameReader: OKs of a chunk are told together', () => {
  const counts: number[] = [];
  const notes = new Notes(false);
  notes.onOk = (count) => counts.push(count);
  const chunk = Buffer.concat([frame(0, 'OK'), frame(0, 'OK'), frame(0, 'OK')]);

  new FrameReader(notes).take(chunk, chunk.length);

  assert.deepStrictEqual(counts, [3]);
});

test('FrameReader: a message without a body is told before anything comes behind it', () => {
  const notes = new Notes(false);
  const chunk = message('0000000000000009', Buffer.alloc(0));

  new FrameReader(notes).take(chunk, chunk.length);

  assert.deepStrictEqual(notes.ids, ['0000000000000009']);
});

test('FrameReader: what is no frame is refused', () => {
  const reader = new FrameReader(new Notes(false));
  const chunk = Buffer.from('HTTP/1.1 400 Bad Request\r\n');

  assert.throws(() => reader.take(chunk, chunk.length), /sent what is no frame: size 1213486160/);
});
