import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSlabStart, MessageStore } from '../../../../../src/workers/pump/store/message-store.ts';
import { NO_RECORD, NO_ROOM } from '../../../../../src/workers/pump/store/slab.ts';
import {
  frameBytes,
  idText,
  idWords,
  publishedBytes,
  recordBytes,
} from '../../../../support/message-bytes.ts';

const SLAB_BYTES = 256 * 1024;
const SLOTS = 8192;
const TIMESTAMP_NS = 1_700_000_000_123_456_789n;
const ID = '18a373e374a69000';

/** Puts bodies as one batch. Returns the runs: first position and count of each. */
function putBodies(
  store: MessageStore,
  bodies: readonly (string | Buffer)[],
  id = ID,
  timestampNs = TIMESTAMP_NS,
): [position: number, count: number][] {
  const bytes = Buffer.concat([Buffer.from('before'), publishedBytes(bodies)]);
  const [high, low] = idWords(id);
  const runs: [number, number][] = [];
  let at = 6;
  let put = 0;
  while (put < bodies.length) {
    store.putBodies(
      bytes,
      at,
      bodies.length - put,
      high,
      low + put,
      Number(timestampNs >> 32n),
      Number(timestampNs & 0xffffffffn),
    );
    runs.push([store.position, store.count]);
    at += store.bytesTaken;
    put += store.count;
  }
  assert.equal(at, bytes.length);
  return runs;
}

function putRecords(
  store: MessageStore,
  records: readonly Buffer[],
  first = 0,
): [number, number][] {
  const bytes = Buffer.concat(records);
  const runs: [number, number][] = [];
  let at = 0;
  let put = 0;
  while (put < records.length) {
    store.putRecords(bytes, at, records.length - put, first + put);
    runs.push([store.position, store.count]);
    at += store.bytesTaken;
    put += store.count;
  }
  assert.equal(at, bytes.length);
  return runs;
}

function positions(runs: readonly [number, number][]): number[] {
  return runs.flatMap(([position, count]) => Array.from({ length: count }, (_, i) => position + i));
}

function frame(store: MessageStore, position: number, attempts: number): Buffer {
  const target = Buffer.alloc(store.frameBytes(position) + 2, 0xee);
  const end = store.writeFrame(position, attempts - 1, target, 1, target.length - 1);
  assert.deepEqual([end, target[0], target[end]], [target.length - 1, 0xee, 0xee]);
  return target.subarray(1, end);
}

function record(store: MessageStore, position: number, attempts: number): Buffer {
  const target = Buffer.alloc(store.recordBytes(position) + 2, 0xee);
  const end = store.writeRecord(position, attempts, target, 1);
  assert.deepEqual([end, target[0], target[end]], [target.length - 1, 0xee, 0xee]);
  return target.subarray(1, end);
}

function idOf(store: MessageStore, position: number): string {
  frame(store, position, 1);
  return idText(store.idHigh, store.idLow);
}

test('MessageStore: a published body comes back as a frame and as a disk record', () => {
  const store = new MessageStore();
  const [[position]] = putBodies(store, ['hello']);

  const bytes = [frame(store, position, 3), record(store, position, 65_535)];

  assert.deepStrictEqual(bytes, [
    frameBytes(TIMESTAMP_NS, 3, ID, 'hello'),
    recordBytes(TIMESTAMP_NS, 65_535, ID, 'hello'),
  ]);
  assert.deepStrictEqual(
    [store.recordBytes(position), store.attempts(position), idOf(store, position)],
    [35, 0, ID],
  );
});

test('MessageStore: messages of a batch have its timestamp and consecutive ids', () => {
  const store = new MessageStore();
  putBodies(store, ['other', 'batch'], '00000000000000ff');
  const runs = putBodies(store, ['a', 'bc', 'd'.repeat(300)]);

  const frames = positions(runs).map((position) => frame(store, position, 1));

  assert.deepStrictEqual(frames, [
    frameBytes(TIMESTAMP_NS, 1, '18a373e374a69000', 'a'),
    frameBytes(TIMESTAMP_NS, 1, '18a373e374a69001', 'bc'),
    frameBytes(TIMESTAMP_NS, 1, '18a373e374a69002', 'd'.repeat(300)),
  ]);
});

test('MessageStore: a disk record keeps timestamp and id, and has the attempts that it was written with', () => {
  const store = new MessageStore();
  const [[position]] = putRecords(store, [recordBytes(5_000_000_000n, 7, ID, 'x')]);

  const seen = {
    attempts: store.attempts(position),
    seconds: store.timestampSeconds(position),
    frame: frame(store, position, 8),
    record: record(store, position, 7),
    id: [store.idHigh, store.idLow],
  };

  assert.deepStrictEqual(seen, {
    attempts: 7,
    seconds: 5,
    frame: frameBytes(5_000_000_000n, 8, ID, 'x'),
    record: recordBytes(5_000_000_000n, 7, ID, 'x'),
    id: idWords(ID),
  });
});

test('MessageStore: a time of publication is comparable between batches and disk records', () => {
  const store = new MessageStore();
  const [[older]] = putBodies(store, ['a'], ID, 1_700_000_000_000_000_000n);
  const [[newer]] = putRecords(store, [recordBytes(1_700_000_000_001_000_000n, 1, ID, 'b')]);

  const difference = store.timestampSeconds(newer) - store.timestampSeconds(older);

  assert.ok(Math.abs(difference - 0.001) < 1e-6, String(difference));
});

for (const id of ['zzzzzzzzzzzzzzzz', '18A373E374A69000', '18a373e3........']) {
  test(`MessageStore: the id "${id}" of a disk record is replaced by one that a client can answer`, () => {
    const store = new MessageStore();
    const [[first]] = putRecords(store, [recordBytes(1n, 1, id, 'a'), recordBytes(2n, 1, id, 'b')]);

    const ids = [idOf(store, first), idOf(store, first + 1)];

    assert.match(ids[0], /^[0-9a-f]{16}$/);
    assert.notEqual(ids[0], ids[1]);
    assert.deepStrictEqual(frame(store, first, 2), frameBytes(1n, 2, ids[0], 'a'));
    assert.deepStrictEqual(record(store, first + 1, 2), recordBytes(2n, 2, ids[1], 'b'));
  });
}

test('MessageStore: an empty body is kept', () => {
  const store = new MessageStore();
  const [[published]] = putBodies(store, ['']);
  const [[read]] = putRecords(store, [recordBytes(1n, 1, ID, '')]);

  assert.deepStrictEqual(
    [frame(store, published, 1), frame(store, read, 2)],
    [frameBytes(TIMESTAMP_NS, 1, ID, ''), frameBytes(1n, 2, ID, '')],
  );
});

test('MessageStore: a batch that does not fit goes on in the next slab', () => {
  const store = new MessageStore();
  const bodies = Array.from({ length: 1000 }, (_, i) => Buffer.alloc(500 + (i % 7), i));

  const runs = putBodies(store, bodies);

  assert.deepStrictEqual([runs.length, store.bytes], [2, 2 * SLAB_BYTES]);
  assert.equal(isSlabStart(runs[1][0]), true);
  for (const [i, position] of positions(runs).entries()) {
    const id = (BigInt(`0x${ID}`) + BigInt(i)).toString(16);
    assert.deepEqual(frame(store, position, 1), frameBytes(TIMESTAMP_NS, 1, id, bodies[i]));
  }
});

test('MessageStore: disk records that do not fit go on in the next slab', () => {
  const store = new MessageStore();
  const records = Array.from({ length: 600 }, (_, i) =>
    recordBytes(BigInt(i), i, ID, Buffer.alloc(600, i)),
  );

  const runs = putRecords(store, records);

  assert.equal(runs.length, 2);
  for (const [i, position] of positions(runs).entries()) {
    assert.deepEqual(record(store, position, i), records[i]);
  }
});

test('MessageStore: tiny messages fill the slots of a slab before its bytes', () => {
  const store = new MessageStore();

  const runs = putBodies(store, new Array(SLOTS + 3).fill('x'));

  assert.deepStrictEqual(
    runs.map(([position, count]) => [isSlabStart(position), count]),
    [
      [true, SLOTS],
      [true, 3],
    ],
  );
  const [, [last]] = runs;
  assert.equal(idOf(store, last + 2), (BigInt(`0x${ID}`) + BigInt(SLOTS + 2)).toString(16));
});

test('MessageStore: a message larger than a slab gets one of its own size, and gives it back', () => {
  const store = new MessageStore();
  const body = Buffer.alloc(3 * SLAB_BYTES + 1, 'large');
  const [[small]] = putBodies(store, ['small']);
  const [[large]] = putBodies(store, [body]);
  const [[read]] = putRecords(store, [recordBytes(1n, 1, ID, body)]);

  assert.deepStrictEqual(frame(store, large, 1), frameBytes(TIMESTAMP_NS, 1, ID, body));
  assert.deepStrictEqual(frame(store, read, 2), frameBytes(1n, 2, ID, body));
  assert.ok(store.bytes < 8 * SLAB_BYTES);
  for (const position of [small, large, read]) store.release(position, 1);
  putBodies(store, ['x'.repeat(4 * SLAB_BYTES)]);
  assert.ok(store.bytes < 5 * SLAB_BYTES);
});

test('MessageStore: a slab is free when the last of all references is gone', () => {
  const store = new MessageStore();
  const [[first, count]] = putBodies(store, ['a', 'b', 'c']);
  store.retain(first, count, 2);
  putBodies(store, [Buffer.alloc(SLAB_BYTES - 60)]);
  const full = store.bytes;
  store.release(first, 3);
  store.release(first, 3);
  store.release(first + 1, 2);
  const before = store.bytes;

  store.release(first, 1);

  assert.deepStrictEqual([full - before, before - store.bytes], [0, SLAB_BYTES]);
  assert.throws(() => store.recordBytes(first), /a position is in a slab that is in use/);
});

test('MessageStore: more references than there are cannot be released', () => {
  const store = new MessageStore();
  const [[first]] = putBodies(store, ['a', 'b']);

  assert.throws(() => store.release(first, 3), /released once for each reference/);
});

test('MessageStore: starts over in the open slab when nothing in it is held', () => {
  const store = new MessageStore();
  for (let round = 0; round < 50; round++) {
    const runs = putBodies(store, [Buffer.alloc(100_000, round), `${round}`]);
    const bodies = positions(runs).map((position) => frame(store, position, 1).subarray(34));
    assert.deepEqual(bodies, [Buffer.alloc(100_000, round), Buffer.from(`${round}`)]);
    for (const [position, count] of runs) store.release(position, count);
  }

  assert.equal(store.bytes, SLAB_BYTES);
});

test('MessageStore: disk records are numbered from the first on, beyond 2^32 from 0 again', () => {
  const store = new MessageStore();
  const [[published]] = putBodies(store, ['published']);
  const records = ['a', 'b', 'c'].map((body) => recordBytes(1n, 1, ID, body));

  const numbers = positions(putRecords(store, records, 2 ** 32 - 2)).map((position) =>
    store.recordNumber(position),
  );

  assert.deepStrictEqual(numbers, [2 ** 32 - 2, 2 ** 32 - 1, 0]);
  assert.equal(store.recordNumber(published), NO_RECORD);
});

test('MessageStore: a frame that does not fit is not written', () => {
  const store = new MessageStore();
  const [[position]] = putBodies(store, ['hello']);
  const target = Buffer.alloc(store.frameBytes(position) + 1, 0xee);

  const ends = [
    store.writeFrame(position, 0, target, 1, target.length - 1),
    store.writeFrame(position, 0, target, 1, target.length),
  ];

  assert.deepStrictEqual(ends, [NO_ROOM, target.length]);
});

test('MessageStore: attempts go on from the sendings before, or from the record, and wrap', () => {
  const store = new MessageStore();
  const [[published]] = putBodies(store, ['published']);
  const [[read]] = putRecords(store, [recordBytes(1n, 7, ID, 'read')]);
  const target = Buffer.alloc(100);

  const written = [
    [published, 0],
    [published, 3],
    [read, 0],
    [read, 9],
    [read, 65_535],
  ].map(([position, sentBefore]) => {
    store.writeFrame(position, sentBefore, target, 0, target.length);
    return [store.attemptsWritten, target.readUInt16BE(16)];
  });

  assert.deepStrictEqual(
    written,
    [1, 4, 8, 10, 0].map((attempts) => [attempts, attempts]),
  );
});

test('MessageStore: bytes of a run are those of its disk records', () => {
  const store = new MessageStore();
  const [[published]] = putBodies(store, ['', 'a', 'bcd']);
  const [[read]] = putRecords(store, [recordBytes(1n, 1, ID, 'ef'), recordBytes(1n, 1, ID, 'g')]);

  const bytes = [
    store.runBytes(published, 3),
    store.runBytes(published + 1, 1),
    store.runBytes(read, 2),
  ];

  assert.deepStrictEqual(bytes, [94, 31, 63]);
});

test('MessageStore: a message that is to last leaves its slab, and is the same elsewhere', () => {
  const store = new MessageStore();
  const [[published]] = putBodies(store, ['a', 'to last', 'c']);
  const [[read]] = putRecords(
    store,
    [recordBytes(5n, 7, ID, 'x'), recordBytes(6n, 8, ID, 'y')],
    40,
  );
  const before = [record(store, published + 1, 1), record(store, read + 1, 8)];
  // The open slab is full from now on.
  const [[large]] = putBodies(store, [Buffer.alloc(SLAB_BYTES - 60)]);

  const moved = [store.moveToLasting(published + 1), store.moveToLasting(read + 1)];
  const again = moved.map((position) => store.moveToLasting(position));
  store.release(published, 1);
  store.release(published + 2, 1);
  store.release(read, 1);
  const { bytes } = store;
  store.release(large, 1);

  assert.deepStrictEqual(
    [record(store, moved[0], 1), record(store, moved[1], 8), again],
    [...before, moved],
  );
  assert.deepStrictEqual(
    moved.map((position) => store.recordNumber(position)),
    [NO_RECORD, 41],
  );
  // The slab of the lasting ones, and the open one.
  assert.deepStrictEqual([bytes, store.referenceCount], [2 * SLAB_BYTES, 2]);
});

test('MessageStore: its queues share what is beyond its slabs and what others have for its messages', () => {
  let others = 0;
  const store = new MessageStore(4 * SLAB_BYTES, () => others);
  const full = Buffer.alloc(SLAB_BYTES - 60);
  const runs = [putBodies(store, [full]), putBodies(store, [full])];
  const steps = [store.shares.hasRoom(SLAB_BYTES)];
  others = 2 * SLAB_BYTES + 1;
  steps.push(store.shares.hasRoom(0));
  store.release(runs[0][0][0], 1);
  steps.push(store.shares.hasRoom(0), store.shares.hasRoom(SLAB_BYTES));

  assert.deepStrictEqual(steps, [true, false, true, false]);
});

test('MessageStore: bytes that runs take add up, whatever lies between them', () => {
  const store = new MessageStore();
  const bodies = [100, 0, 1, 5000, 37].map((size) => Buffer.alloc(size));
  const [[a]] = putBodies(store, bodies);
  putBodies(store, [Buffer.alloc(3)]);
  const whole = store.heldBytes(a, 6);
  const parts = [store.heldBytes(a, 2), store.heldBytes(a + 2, 3), store.heldBytes(a + 5, 1)];

  assert.equal(
    parts.reduce((sum, bytes) => sum + bytes, 0),
    whole,
  );
  // The body, its size, its slot, a batch header.
  assert.ok(parts[2] >= 3 + 4 + 8 + 20 && parts[2] < 3 + 4 + 8 + 24);
});

test('MessageStore: returns what was put, through any order of puts and releases', () => {
  type Held = { position: number; references: number; record: Buffer };
  const body = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 120 }) },
    { weight: 4, arbitrary: fc.integer({ min: 10_000, max: 90_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 250_000, max: 600_000 }) },
  );
  const action = fc.record({
    do: fc.constantFrom('bodies', 'records', 'release', 'release'),
    sizes: fc.array(body, { minLength: 1, maxLength: 12 }),
    copies: fc.integer({ min: 1, max: 3 }),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const store = new MessageStore();
      const held: Held[] = [];
      let next = 1n;
      for (const { do: what, sizes, copies, pick } of actions) {
        if (what === 'release') {
          for (let i = 0; i < sizes.length && held.length > 0; i++) {
            const [message] = held.splice((pick + i) % held.length, 1);
            const attempts = message.record.readUInt16BE(12);
            assert.equal(record(store, message.position, attempts).equals(message.record), true);
            for (let k = 0; k < message.references; k++) store.release(message.position, 1);
          }
          continue;
        }
        const isPublished = what === 'bodies';
        const bodies = sizes.map((size, i) => Buffer.alloc(size, Number(next) + i));
        const records = bodies.map((bytes, i) =>
          recordBytes(
            next,
            isPublished ? 0 : i,
            (next + BigInt(i)).toString(16).padStart(16, '0'),
            bytes,
          ),
        );
        const runs = isPublished
          ? putBodies(store, bodies, next.toString(16).padStart(16, '0'), next)
          : putRecords(store, records);
        next += BigInt(sizes.length);
        for (const [position, count] of runs) store.retain(position, count, copies - 1);
        for (const [i, position] of positions(runs).entries()) {
          held.push({ position, references: copies, record: records[i] });
        }
      }
      for (const { position, record: bytes } of held) {
        assert.equal(record(store, position, bytes.readUInt16BE(12)).equals(bytes), true);
      }
      // Positions of messages that are held are never given out twice.
      assert.equal(new Set(held.map(({ position }) => position)).size, held.length);
    }),
    { numRuns: 40 },
  );
});

test('MessageStore: a large message gives its memory back at once', () => {
  const store = new MessageStore();
  const [[position]] = putBodies(store, [Buffer.alloc(8 * 1024 * 1024)]);
  putBodies(store, ['next']);
  const before = process.memoryUsage().arrayBuffers;

  store.release(position, 1);

  assert.equal(before - process.memoryUsage().arrayBuffers >= 8 * 1024 * 1024, true);
});
