import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadTurns } from '../../../../src/daemon/http/head-turns.ts';
import { RawClient, startApi } from '../../../support/http-api.ts';

const BYTES_PER_TURN = 32 * 1024;
const PART_BYTES = 8 * 1024;
const LONG_HEAD = `GET /ping HTTP/1.1\r\nHost: x\r\n${'a:\r\n'.repeat(15_000)}\r\n`;

test('HeadTurns: a turn has room until it has read so many bytes, and the next one again', () => {
  const ends: (() => void)[] = [];
  const turns = new HeadTurns((callback) => void ends.push(callback));

  turns.take(BYTES_PER_TURN - 1);
  const before = turns.hasRoom;
  turns.take(1);
  const after = turns.hasRoom;
  ends.shift()?.();

  assert.deepEqual([before, after, turns.hasRoom, ends.length], [true, false, true, 0]);
});

test('HeadTurns: four heads are resumed in a turn, in order', () => {
  const ends: (() => void)[] = [];
  const turns = new HeadTurns((callback) => void ends.push(callback));
  const resumed: number[] = [];
  for (let index = 0; index < 6; index++) turns.wait(() => void resumed.push(index));

  ends.shift()?.();
  const first = [...resumed];
  ends.shift()?.();

  assert.deepEqual(first, [0, 1, 2, 3]);
  assert.deepEqual(resumed, [0, 1, 2, 3, 4, 5]);
});

for (const hasLane of [true, false]) {
  test(`HeadTurns: long heads at once are all answered, ${hasLane ? 'from the lane' : 'without a lane'}`, async (t) => {
    const { port } = await startApi(t, {}, { hasLane });
    const clients: RawClient[] = [];
    for (let count = 0; count < 10; count++) clients.push(await RawClient.connect(t, port));

    for (const client of clients) client.write(LONG_HEAD);
    const answers = await Promise.all(clients.map((client) => client.answer()));
    for (const client of clients) client.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
    const later = await Promise.all(clients.map((client) => client.answer()));

    assert.deepEqual(
      [...answers, ...later].map((answer) => answer?.body),
      Array.from({ length: 20 }, () => 'OK'),
    );
  });
}

test('HeadTurns: a long head that arrives in parts is whole', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);
  const parts: string[] = [];
  for (let at = 0; at < LONG_HEAD.length; at += PART_BYTES) {
    parts.push(LONG_HEAD.slice(at, at + PART_BYTES));
  }

  await client.writeParts(parts);

  assert.equal((await client.answer())?.body, 'OK');
});
