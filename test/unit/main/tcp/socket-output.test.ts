import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ClientTransport } from '../../../../src/main/tcp/client-transport.ts';
import { SocketOutput } from '../../../../src/main/tcp/socket-output.ts';
import { spareBuffers } from '../../../../src/main/tcp/spare-buffers.ts';
import { responseFrame } from '../../../../src/protocol/frames.ts';
import { FakeSocket } from '../../../support/fake-socket.ts';

const MIB = 1024 * 1024;

class Setup {
  readonly client = new FakeSocket();
  readonly calls: string[] = [];
  readonly traffic = { sentBytes: 0 };
  readonly output = new SocketOutput(new ClientTransport(this.client.socket), this.traffic, {
    onPending: () => this.calls.push('pending'),
    onCredit: (bytes) => this.calls.push(`credit ${bytes}`),
    onDrained: () => this.calls.push('drained'),
  });
}

test('SocketOutput: what a turn adds is asked for once and written in order', async () => {
  const { client, calls, output } = new Setup();
  output.addOk();
  output.addOk();
  output.add(responseFrame(Buffer.from('x')));
  output.addFrames(responseFrame(Buffer.from('y')));
  output.addOk();
  const before = [client.frames(), [...calls]];
  output.flush();
  await setImmediate();

  assert.deepStrictEqual(before, [[], ['pending']]);
  assert.deepStrictEqual(client.frames(), [
    'response OK',
    'response OK',
    'response x',
    'response y',
    'response OK',
  ]);
  assert.deepStrictEqual([calls, output.waitingBytes], [['pending', 'drained'], 0]);
});

test('SocketOutput: any number of OKs', () => {
  const { client, output } = new Setup();
  for (let count = 0; count < 200; count++) output.addOk();

  output.flush();

  assert.deepStrictEqual(client.frames(), Array<string>(200).fill('response OK'));
});

test('SocketOutput: many small frames are written as one, whose memory is given back', async () => {
  const { client, output } = new Setup();
  // What others have given back, so that there is something to use again.
  spareBuffers.give(spareBuffers.take(4096));
  const before = spareBuffers.spareBytes;
  const writes: number[] = [];
  const { socket } = client;
  const write = socket.write.bind(socket);
  socket.write = (chunk: Uint8Array | string, done?: unknown): boolean => {
    writes.push(chunk.length);
    // As it was called.
    return write(chunk, done as () => void);
  };
  for (let count = 0; count < 20; count++) output.add(responseFrame(Buffer.from(`${count}`)));

  output.flush();
  const meanwhile = spareBuffers.spareBytes;
  await setImmediate();

  assert.deepStrictEqual(
    client.frames(),
    Array.from({ length: 20 }, (_, count) => `response ${count}`),
  );
  assert.deepStrictEqual(writes, [10 * 9 + 10 * 10]);
  assert.deepStrictEqual([meanwhile < before, spareBuffers.spareBytes], [true, before]);
});

test('SocketOutput: message frames may be overwritten once they are added', () => {
  const { client, output } = new Setup();
  const frames = responseFrame(Buffer.from('kept'));
  output.addFrames(frames);
  frames.fill(0);

  output.flush();

  assert.deepStrictEqual(client.frames(), ['response kept']);
});

test('SocketOutput: memory of frames is not used again before the socket has taken them', async () => {
  const { client, output } = new Setup();
  // What other sockets have given back, so that there is something to use again.
  spareBuffers.give(spareBuffers.take(100_000));
  const before = spareBuffers.spareBytes;
  client.isStalled = true;
  output.addFrames(Buffer.alloc(100_000));
  output.flush();
  await setImmediate();
  const whileStalled = spareBuffers.spareBytes;
  client.isStalled = false;
  client.take();
  await setImmediate();

  assert.deepStrictEqual(
    [before - whileStalled, before - spareBuffers.spareBytes],
    [128 * 1024, 0],
  );
});

test('SocketOutput: it is backed up beyond 1 MiB, until the socket has taken it', async () => {
  const { client, calls, output } = new Setup();
  client.isStalled = true;
  output.add(Buffer.alloc(MIB));
  output.flush();
  const atLimit = output.isBackedUp;
  output.add(Buffer.alloc(1));
  output.flush();
  const beyond = output.isBackedUp;
  client.isStalled = false;
  client.take();
  await setImmediate();

  assert.deepStrictEqual([atLimit, beyond, output.isBackedUp], [false, true, false]);
  assert.deepStrictEqual([calls.at(-1), output.progress], ['drained', 2]);
});

test('SocketOutput: credit is given for message frames that were taken, in large pieces', async () => {
  const { calls, output } = new Setup();
  output.add(Buffer.alloc(500_000));
  for (let count = 0; count < 3; count++) {
    output.addFrames(Buffer.alloc(100_000));
    output.flush();
    await setImmediate();
  }

  assert.deepStrictEqual(
    calls.filter((call) => call.startsWith('credit')),
    ['credit 300000'],
  );
});

test('SocketOutput: end comes behind everything, and nothing behind the end', () => {
  const { client, output } = new Setup();
  output.end();
  output.addOk();
  output.flush();
  const before = [client.frames(), client.socket.writableEnded];
  output.addOk();
  output.addFrames(Buffer.alloc(10));
  output.end();

  output.flush();

  assert.deepStrictEqual(before, [['response OK'], true]);
  assert.deepStrictEqual([client.frames(), client.errors], [[], []]);
});

test('SocketOutput: nothing is written to a socket that is gone', () => {
  const { client, output } = new Setup();
  output.addOk();
  client.socket.destroy();

  output.flush();

  assert.deepStrictEqual([client.frames(), client.errors], [[], []]);
});
