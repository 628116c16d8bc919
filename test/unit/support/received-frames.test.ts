import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameText, takeTexts, takeTextsToEnd } from '../../support/frame-texts.ts';
import { ReceivedFrames, toMessage } from '../../support/received-frames.ts';

const ID = '0123456789abcdef';

function frame(type: number, data: string | Buffer): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(4 + data.length, 0);
  bytes.writeInt32BE(type, 4);
  return Buffer.concat([bytes, Buffer.from(data)]);
}

function message(attempts: number, body: string): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(attempts, 8);
  return frame(2, Buffer.concat([head, Buffer.from(ID + body)]));
}

/** A client that has received these texts. */
function source(...texts: readonly string[]): { nextText(): Promise<string | null> } {
  const rest = [...texts];
  return { nextText: async () => rest.shift() ?? null };
}

test('ReceivedFrames: frames come whole and without heartbeats, however the bytes are cut', () => {
  const bytes = Buffer.concat([
    frame(0, '_heartbeat_'),
    frame(0, 'OK'),
    message(3, 'hello'),
    frame(0, '_heartbeat_'),
    frame(1, 'E_INVALID'),
    frame(1, '_heartbeat_'),
    frame(0, 'cut'),
  ]);
  const frames = new ReceivedFrames();
  const texts: string[] = [];
  for (const byte of bytes.subarray(0, -1)) {
    frames.add(Buffer.of(byte));
    for (let next = frames.take(); next !== undefined; next = frames.take()) {
      texts.push(frameText(next));
    }
  }
  const before = frames.restBytes;

  const rest = frames.takeRest();

  assert.deepStrictEqual(texts, ['OK', 'message: hello', 'error: E_INVALID', 'error: _heartbeat_']);
  assert.deepStrictEqual([before, rest.toString('latin1', 8), frames.restBytes], [10, 'cu', 0]);
});

test('ReceivedFrames: a message has an id, attempts and a body', () => {
  const frames = new ReceivedFrames();
  frames.add(message(65_535, 'hello'));
  const data = frames.take()?.data ?? Buffer.alloc(0);

  assert.deepStrictEqual(toMessage(data), {
    id: ID,
    attempts: 65_535,
    body: Buffer.from('hello'),
  });
});

test('ReceivedFrames: a frame that is too short for its type is an error', () => {
  const frames = new ReceivedFrames();
  frames.add(Buffer.alloc(8));

  assert.throws(() => frames.take(), /a frame of 0 bytes came/);
});

test('takeTexts: takes a number of texts, also beyond the end', async () => {
  assert.deepStrictEqual(await takeTexts(source('a', 'b', 'c'), 2), ['a', 'b']);
  assert.deepStrictEqual(await takeTexts(source('a'), 2), ['a', null]);
});

test('takeTextsToEnd: takes all texts that there are', async () => {
  assert.deepStrictEqual(await takeTextsToEnd(source('a', 'b')), ['a', 'b']);
});
