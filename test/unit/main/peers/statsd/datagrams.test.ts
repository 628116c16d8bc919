import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { openDatagrams } from '../../../../../src/main/peers/statsd/datagrams.ts';

async function listen(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return socket;
}

test('openDatagrams: sends to the listener at the address', async (t) => {
  const socket = await listen(t);
  const datagrams = await openDatagrams(`localhost:${socket.address().port}`);
  t.after(() => datagrams.close());

  const received = once(socket, 'message');
  await datagrams.send(Buffer.from('one\n'));
  const [message] = await received;

  assert.equal(message.toString(), 'one\n');
});

test('openDatagrams: a datagram that is too large is refused, and the next one is sent', async (t) => {
  const socket = await listen(t);
  const datagrams = await openDatagrams(`127.0.0.1:${socket.address().port}`);
  t.after(() => datagrams.close());

  const received = once(socket, 'message');
  await assert.rejects(datagrams.send(Buffer.alloc(100_000)), /EMSGSIZE/);
  await datagrams.send(Buffer.from('two\n'));
  const [message] = await received;

  assert.equal(message.toString(), 'two\n');
});

test('openDatagrams: an invalid address is refused', async () => {
  await assert.rejects(openDatagrams('nonsense'), { message: 'address "nonsense" has no port' });
});
