import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { shareReads, stopSharing } from '../../../src/daemon/shared-reads.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { socketPair } from '../../support/socket-pair.ts';

/** The next chunk itself, and what is in it. */
function nextChunk(socket: Socket): Promise<{ chunk: Buffer; text: string }> {
  return new Promise((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve({ chunk, text: chunk.toString() }));
  });
}

test('shareReads: all sockets read into the same memory', async (t) => {
  const pairs = [await socketPair(t), await socketPair(t)];
  const chunks: { chunk: Buffer; text: string }[] = [];

  for (const [index, { client, server }] of pairs.entries()) {
    const next = nextChunk(server);
    client.write(`hello ${index}`);
    chunks.push(await next);
  }

  assert.deepStrictEqual(
    chunks.map(({ text }) => text),
    ['hello 0', 'hello 1'],
  );
  const [first, second] = chunks.map(({ chunk }) => chunk);
  assert.deepStrictEqual(
    [first.buffer === second.buffer, first.byteOffset, second.byteOffset],
    [true, 0, 0],
  );
});

test('shareReads: a large stream comes whole, in reads of up to 256 KiB', async (t) => {
  const { client, server } = await socketPair(t);
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
  const received: Buffer[] = [];
  server.on('data', (chunk: Buffer) => received.push(Buffer.from(chunk)));

  client.end(sent);
  await once(server, 'end');

  assert.deepStrictEqual(Buffer.concat(received).equals(sent), true);
  assert(received.every(({ length }) => length <= 256 * 1024));
});

test('shareReads: the first reads are smaller', async (t) => {
  const { client, server } = await socketPair(t);
  const lengths: number[] = [];
  server.on('data', (chunk: Buffer) => lengths.push(chunk.length));
  server.pause();

  // As much as the system holds, so that every read finds all that it can take.
  await new Promise<void>((resolve) => {
    client.write(Buffer.alloc(1_000_000), () => resolve());
    server.resume();
  });
  client.end();
  await once(server, 'end');

  const larger = lengths.findIndex((length) => length > 64 * 1024);
  const full = lengths.slice(0, larger).filter((length) => length === 64 * 1024);
  assert.ok(larger === -1 || full.length >= 2, `reads of ${lengths.join(', ')} bytes`);
});

test('shareReads: nothing comes while it is paused, and nothing is lost', async (t) => {
  const { client, server } = await socketPair(t);
  let received = '';
  server.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  server.pause();
  await new Promise((resolve) => client.write('while paused', resolve));
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  const before = received;

  server.resume();
  client.end();
  await once(server, 'end');

  assert.deepStrictEqual([before, received], ['', 'while paused']);
});

test('shareReads: a client that has ended its side can still be written to', async (t) => {
  const { client, server } = await socketPair(t);
  server.resume();
  client.end('last');
  await once(server, 'end');

  server.end('answer');
  const { text } = await nextChunk(client);

  assert.equal(text, 'answer');
});

test('shareReads: the address is known, and close is told once', async (t) => {
  const { client, server } = await socketPair(t);
  const { localPort } = client;
  let closed = 0;
  server.on('close', () => closed++);
  const seen = [server.remoteAddress, server.remotePort];

  client.resume();
  server.destroy();
  await once(client, 'end');

  assert.deepStrictEqual([seen, closed], [['127.0.0.1', localPort], 1]);
});

test('stopSharing: the memory of what is taken at once is free, and what waits stays', async (t) => {
  const { client, server } = await socketPair(t);
  const sent = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index % 251));
  const taken: Buffer[] = [];
  const chunks: Buffer[] = [];
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    taken.push(Buffer.from(chunk));
  };
  server.pause();
  stopSharing(server);
  server.on('data', onData);
  server.resume();
  client.write(sent);
  while (Buffer.concat(taken).length < sent.length) await once(server, 'data');
  const lengths = new Set(chunks.map(({ length }) => length));

  server.pause();
  client.end(sent);
  server.resume();
  await once(server, 'end');

  assert.deepEqual([...lengths], [0]);
  assert.ok(Buffer.concat(taken).equals(Buffer.concat([sent, sent])));
});

test('shareReads: a socket without such insides stays as it is', () => {
  const { socket } = new FakeSocket();

  assert.equal(shareReads(socket), false);
});
