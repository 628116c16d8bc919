import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonCodec } from '../../../src/client/body-codec.ts';
import { Message, type MessageOwner } from '../../../src/client/message.ts';

const ID = '0123456789abcdef';
const TIMESTAMP_NS = 1_700_000_000_123_456_789n;

/** A message in the middle of other bytes, and what its connection was asked. */
function makeMessage(body: string): { message: Message; asked: string[]; bytes: Buffer } {
  const before = 5;
  const bytes = Buffer.alloc(before + 26 + Buffer.byteLength(body) + 3, '#');
  bytes.writeBigInt64BE(TIMESTAMP_NS, before);
  bytes.writeUInt16BE(0x1234, before + 8);
  bytes.write(ID, before + 10, 'latin1');
  const end = before + 26 + bytes.write(body, before + 26);
  const asked: string[] = [];
  const owner: MessageOwner = {
    finish: (one) => asked.push(`finish ${one.id}`),
    requeue: (one, options) => asked.push(`requeue ${one.id} ${JSON.stringify(options)}`),
    touch: (one) => asked.push(`touch ${one.id}`),
  };
  const origin = { owner, codec: jsonCodec, topic: 'orders', address: 'a:4150' };
  return { message: new Message(bytes, before, end, origin, 77), asked, bytes };
}

test('Message: reads its fields from where it lies', () => {
  const { message, bytes } = makeMessage('grün');

  assert.deepStrictEqual(
    [message.id, message.attempts, message.timestamp, message.timestampMs],
    [ID, 0x1234, TIMESTAMP_NS, 1_700_000_000_123],
  );
  assert.deepStrictEqual([message.text(), message.body.toString()], ['grün', 'grün']);
  assert.deepStrictEqual([message.topic, message.address], ['orders', 'a:4150']);
  assert.deepStrictEqual([message.receivedMs, message.touchedMs], [77, 77]);
  assert.equal(bytes.toString('latin1', message.idAt, message.idAt + 16), ID);
});

test('Message: its body is a view, always the same one', () => {
  const { message, bytes } = makeMessage('abc');

  assert.equal(message.body.buffer, bytes.buffer);
  assert.equal(message.body, message.body);
  assert.equal(message.bytes, bytes);
});

test('Message: a body as JSON and with the codec of its consumer', () => {
  const { message } = makeMessage('{"id":5}');

  assert.deepStrictEqual([message.json(), message.decode()], [{ id: 5 }, { id: 5 }]);
  assert.throws(() => makeMessage('{').message.json(), SyntaxError);
  assert.throws(() => makeMessage('{').message.decode(), SyntaxError);
});

test('Message: answers go to the connection that delivered it', async () => {
  const { message, asked } = makeMessage('x');
  const answers = [
    await message.touch(),
    await message.requeue({ delayMs: 5 }),
    await message.requeue(),
    await message.finish(),
  ];

  assert.deepStrictEqual(answers, [true, true, true, true]);
  assert.deepStrictEqual(asked, [
    `touch ${ID}`,
    `requeue ${ID} {"delayMs":5}`,
    `requeue ${ID} {}`,
    `finish ${ID}`,
  ]);
});

for (const state of ['finished', 'requeued', 'lost'] as const) {
  test(`Message: one that is ${state} is not answered`, async () => {
    const { message, asked } = makeMessage('x');
    message.state_ = state;

    assert.equal(message.state, state);
    assert.deepStrictEqual(
      [await message.finish(), await message.requeue(), await message.touch()],
      [false, false, false],
    );
    assert.deepStrictEqual(asked, []);
  });
}
