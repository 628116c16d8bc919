import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAddress } from '../../../src/client/address.ts';
import { CoarseTimers } from '../../../src/client/coarse-timers.ts';
import { CommandBuffer } from '../../../src/client/command-buffer.ts';
import { consumerSettings } from '../../../src/client/consumer-options.ts';
import { Fifo } from '../../../src/client/fifo.ts';
import { FrameReader } from '../../../src/client/frame-reader.ts';
import { NsqError } from '../../../src/client/nsq-error.ts';
import { producerSettings } from '../../../src/client/producer-options.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { idOf, messageFrame } from '../../support/scripted-nsqd.ts';
import { freshSeed, seededRandom } from '../../support/seeded-random.ts';

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof NsqError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing';
};

test('connectionSettings: a client says which version it is', () => {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version }: { version: string } = JSON.parse(text);

  const { connection } = producerSettings({ nsqd: ['127.0.0.1:4150'] });

  assert.equal(connection.userAgent, `ringmq-client/${version}`);
});

test('Address: host and port, as users write them', () => {
  const texts = ['127.0.0.1:4150', 'broker', '[::1]:4151', 'a.example:1'];

  assert.deepEqual(
    texts.map((text) => parseAddress(text, 'nsqd')),
    [
      { host: '127.0.0.1', port: 4150, text: '127.0.0.1:4150' },
      { host: 'broker', port: 4150, text: 'broker:4150' },
      { host: '::1', port: 4151, text: '[::1]:4151' },
      { host: 'a.example', port: 1, text: 'a.example:1' },
    ],
  );
});

test('Address: anything else is refused', () => {
  for (const text of ['', ':4150', 'a:0', 'a:65536', 'a:x', 'http://a:1', '::1:4150', 'a b:1']) {
    assert.match(
      codeOf(() => parseAddress(text, 'nsqd')),
      /^INVALID_OPTION option nsqd/,
      text,
    );
  }
});

test('Options: what cannot be used is refused, with its name', () => {
  const nsqd = ['a:1'];
  const good = { topic: 't', channel: 'c', nsqd };
  // what a program without types may hand in
  const bad: Record<string, unknown>[] = [
    { maxInFlight: 0 },
    { maxInFlight: 1.5 },
    { jitter: 2 },
    { jitter: Number.NaN },
    { nsqd: 'a:1' },
    { nsqd: [1] },
    { lookupd: ['ftp://a'] },
    { lookupd: ['http://'] },
    { snappy: true, deflate: true },
    { tls: 'yes' },
    { heartbeatIntervalMs: 10 },
    { clientId: '' },
    { autoTouch: 1 },
    { onDiscard: 7 },
    { maxInflight: 7 },
    { sampleRate: 100 },
  ];

  const refused = bad.map((options) => codeOf(() => consumerSettings({ ...good, ...options })));

  for (const [index, text] of refused.entries()) {
    assert.match(text, /^INVALID_OPTION option \w+: /, JSON.stringify(bad[index]));
  }
  assert.match(
    codeOf(() => consumerSettings({ ...good, topic: 'no topic' })),
    /^E_BAD_TOPIC/,
  );
  assert.match(
    codeOf(() => consumerSettings({ ...good, channel: '' })),
    /^E_BAD_CHANNEL/,
  );
  assert.match(
    codeOf(() => producerSettings({})),
    /^INVALID_OPTION option nsqd/,
  );
});

test('Fifo: as an array, whatever is done', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const fifo = new Fifo<number>();
  const model: number[] = [];

  for (let step = 0; step < 5000; step++) {
    const action = random(5);
    if (action < 2) {
      fifo.push(step);
      model.push(step);
    } else if (action === 2) {
      fifo.unshift(step);
      model.unshift(step);
    } else assert.equal(fifo.shift(), model.shift(), `seed ${seed}, step ${step}`);
    assert.equal(fifo.count, model.length);
  }

  assert.deepEqual([...fifo], model);
});

/** What a reader tells of chunks. */
function framesOf(chunks: readonly Buffer[], sizeMax = 1_000_000): string[] {
  const told: string[] = [];
  const held: Buffer[] = [];
  const reader = new FrameReader(
    {
      onFrame: (type, bytes, at, end) => {
        held.push(bytes.subarray(at, end));
        told.push(`${type} ${end - at}`);
      },
      onBadFrame: (text) => told.push(text),
    },
    sizeMax,
  );
  for (const chunk of chunks) reader.read(chunk);
  return told.map((text, index) =>
    held[index] === undefined ? text : `${text} ${held[index].toString('latin1').slice(26, 60)}`,
  );
}

test('FrameReader: frames are the same however the stream is cut', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const sizes = [0, 1, 200, 70_000, 3, 200_000, 5];
  const frames = sizes.map((size, index) => messageFrame(idOf(index), String(index).repeat(size)));
  const stream = Buffer.concat(frames);
  const whole = framesOf([stream]);

  const bytewise = framesOf([...stream.subarray(0, 1000)].map((byte) => Buffer.from([byte])));
  assert.deepEqual(bytewise, whole.slice(0, bytewise.length));
  assert.equal(bytewise.length, 3);
  for (let run = 0; run < 50; run++) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const length = 1 + random(random(4) === 0 ? 100_000 : 300);
      chunks.push(stream.subarray(at, at + length));
      at += length;
    }
    assert.deepEqual(framesOf(chunks), whole, `seed ${seed}, run ${run}`);
  }
});

test('FrameReader: sizes that cannot be are told once, and nothing after them', () => {
  const small = Buffer.from([0, 0, 0, 3, 0, 0, 0, 0]);
  const large = Buffer.from('QUIT 400 Bad Request\r\n');
  const good = messageFrame(idOf(1), 'x');

  assert.deepEqual(framesOf([Buffer.concat([good, small, good]), good], 1000), [
    '2 27 x',
    'a frame of 3 bytes, 1000 at most',
  ]);
  assert.deepEqual(framesOf([large, large], 1000), ['a frame of 1364543828 bytes, 1000 at most']);
  assert.deepEqual(framesOf([large.subarray(0, 3), large.subarray(3)], 1000), [
    'a frame of 1364543828 bytes, 1000 at most',
  ]);
});

test('FrameReader: an answer in HTTP is called so', () => {
  assert.deepEqual(framesOf([Buffer.from('HTTP/1.1 400 Bad Request\r\n')]), [
    'HTTP, so this is an HTTP port; the TCP port of a broker is usually 4150',
  ]);
});

test('FrameReader: what is gathered follows what has come, not what is announced', () => {
  const before = process.memoryUsage().arrayBuffers;
  const reader = new FrameReader(
    { onFrame: () => undefined, onBadFrame: () => undefined },
    2 ** 31,
  );
  const head = Buffer.alloc(16);
  head.writeUInt32BE(2 ** 30, 0);

  reader.read(head);

  assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
});

test('CommandBuffer: one write a turn, of what was written in the turn', async () => {
  const sent: string[] = [];
  const writer = new CommandBuffer({ send: (bytes) => sent.push(bytes.toString('latin1')) });
  const frame = messageFrame('0123456789abcdef', 'x');
  const idAt = 8 + 10;

  writer.finish(frame, idAt);
  await Promise.resolve();
  writer.touch(frame, idAt);
  writer.requeue(frame, idAt, 1500);
  writer.bytes(Buffer.from('RDY 5\n'));
  const before = sent.length;
  await new Promise(process.nextTick);

  assert.equal(before, 0);
  assert.deepEqual(sent, [
    'FIN 0123456789abcdef\nTOUCH 0123456789abcdef\nREQ 0123456789abcdef 1500\nRDY 5\n',
  ]);
});

test('CommandBuffer: more than a slab goes in pieces, and bytes that were sent stay as they are', async () => {
  const sent: Buffer[] = [];
  const writers = [1, 2].map(() => new CommandBuffer({ send: (bytes) => sent.push(bytes) }));
  const expected: string[] = [];

  for (let turn = 0; turn < 30; turn++) {
    for (const [index, writer] of writers.entries()) {
      const body = `${turn}/${index} `.repeat(1000);
      writer.sized(body, Buffer.byteLength(body));
      expected.push(body);
    }
    if (turn % 3 === 0) await new Promise(process.nextTick);
  }
  await new Promise(process.nextTick);

  const all = Buffer.concat(sent).toString('latin1');
  for (const body of expected) assert.ok(all.includes(body));
  assert.equal(Buffer.concat(sent).length, expected.join('').length + 4 * expected.length);
});

test('CommandBuffer: nothing is handed over when it is closed', async () => {
  const sent: Buffer[] = [];
  const writer = new CommandBuffer({ send: (bytes) => sent.push(bytes) });
  writer.bytes(Buffer.from('NOP\n'));

  writer.close();
  await new Promise(process.nextTick);

  assert.deepEqual(sent, []);
});

test('CoarseTimers: many deadlines, one timer, and none without a deadline', () => {
  const clock = new ManualClock();
  const timers = CoarseTimers.of(clock);
  const rung: string[] = [];
  const [a, b, c] = ['a', 'b', 'c'].map((name) => timers.timer(() => rung.push(name)));
  a.setIn(300);
  b.setIn(100);
  c.setIn(200);
  const timerCount = clock.timerCount;

  clock.advance(150);
  c.setIn(500);
  a.clear();
  clock.advance(400);
  const before = [...rung];
  clock.advance(100);

  assert.equal(timerCount, 1);
  assert.deepEqual(before, ['b']);
  assert.deepEqual(rung, ['b', 'c']);
  assert.equal(clock.timerCount, 0);
  assert.equal(CoarseTimers.of(clock), timers);
});

test('CoarseTimers: an timer that rings may set and clear others and itself', () => {
  const clock = new ManualClock();
  const timers = CoarseTimers.of(clock);
  const rung: string[] = [];
  const second = timers.timer(() => rung.push('second'));
  const first = timers.timer(() => {
    rung.push('first');
    second.clear();
    if (rung.length < 3) first.setIn(10);
  });
  first.setIn(10);
  second.setIn(11);

  clock.advance(100);

  assert.deepEqual(rung, ['first', 'first', 'first']);
  assert.equal(clock.timerCount, 0);
});
