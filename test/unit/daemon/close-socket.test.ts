import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { closeSocket } from '../../../src/daemon/close-socket.ts';
import { socketPair } from '../../support/socket-pair.ts';

test('closeSocket: the other side gets what was written, and then the end', async (t) => {
  const { client, server } = await socketPair(t);
  const received: Buffer[] = [];
  client.on('data', (chunk: Buffer) => received.push(chunk));
  server.write('all of it');

  closeSocket(server);
  const isDestroyed = server.destroyed;
  await once(client, 'end');

  assert.deepStrictEqual([isDestroyed, Buffer.concat(received).toString()], [true, 'all of it']);
});

test('closeSocket: output that the system has not taken yet is written first', async (t) => {
  const { client, server } = await socketPair(t);
  const sent = Buffer.alloc(64 * 1024 * 1024, 'x');
  server.write(sent);

  closeSocket(server);
  const isDestroyed = server.destroyed;
  let received = 0;
  client.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  await once(client, 'end');

  assert.deepStrictEqual([isDestroyed, received], [false, sent.length]);
});
