import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { RefusedSockets } from '../../../src/daemon/refused-sockets.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('RefusedSockets: a socket is told the last word, and what it sends is dropped', async () => {
  const clock = new ManualClock();
  const refused = new RefusedSockets(clock);
  const client = new FakeSocket();

  refused.dismiss(client.socket, Buffer.from('no'));
  client.send('please');
  client.end();
  await once(client.socket, 'close');

  assert.deepStrictEqual([client.written.toString(), client.hasEnded], ['no', true]);
  assert.deepStrictEqual([refused.has(client.socket), clock.timerCount], [false, 0]);
});

test('RefusedSockets: one that does not go is cut off', async () => {
  const clock = new ManualClock();
  const refused = new RefusedSockets(clock);
  const client = new FakeSocket();
  refused.dismiss(client.socket, Buffer.from('no'));
  clock.advance(999);
  const before = client.isDestroyed;

  clock.advance(1);
  await once(client.socket, 'close');

  assert.deepStrictEqual([before, client.isDestroyed], [false, true]);
});

test('RefusedSockets: only some are told at a time, the others are closed at once', () => {
  const refused = new RefusedSockets(new ManualClock());
  const clients = Array.from({ length: 40 }, () => new FakeSocket());

  for (const { socket } of clients) refused.dismiss(socket, Buffer.from('no'));

  const told = clients.filter(({ written }) => written.length > 0);
  const destroyed = clients.filter(({ isDestroyed }) => isDestroyed);
  assert.deepStrictEqual([told.length, destroyed.length], [32, 8]);
});

test('RefusedSockets: an error of a socket is ignored', async () => {
  const refused = new RefusedSockets(new ManualClock());
  const client = new FakeSocket();
  refused.dismiss(client.socket, Buffer.from('no'));

  client.socket.destroy(new Error('ECONNRESET'));
  await setImmediate();

  assert.equal(refused.has(client.socket), false);
});

test('RefusedSockets: close cuts off all', () => {
  const refused = new RefusedSockets(new ManualClock());
  const client = new FakeSocket();
  refused.add(client.socket);

  refused.close();

  assert.equal(client.isDestroyed, true);
});
