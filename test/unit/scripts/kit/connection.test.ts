import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Connection, type ConnectionListener } from '../../../../scripts/kit/connection.ts';
import { line, MAGIC } from '../../../../src/protocol/commands.ts';

/** A connection, and the broker's side of it, which has read the magic. */
async function setUp(
  t: TestContext,
  listener: ConnectionListener = {},
): Promise<{ connection: Connection; broker: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const accepted = once(server, 'connection');
  const connection = await Connection.open(address.port, listener);
  const [broker]: Socket[] = await accepted;
  t.after(() => {
    connection.destroy();
    broker.destroy();
    server.close();
  });
  const [magic]: Buffer[] = await once(broker, 'data');
  assert.deepEqual(magic, MAGIC);
  return { connection, broker };
}

function frame(type: number, data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4 + bytes.length);
  head.writeUInt32BE(type, 4);
  return Buffer.concat([head, bytes]);
}

test('connection of a checker: answers go to questions in their order, refusals do not', async (t) => {
  const refusals: string[] = [];
  const { connection, broker } = await setUp(t, { onRefusal: (text) => refusals.push(text) });

  const questions = [connection.ask(line('A')), connection.ask(line('B'))];
  broker.write(
    Buffer.concat([frame(0, 'OK'), frame(1, 'E_FIN_FAILED FIN x failed'), frame(1, 'E_INVALID')]),
  );

  assert.deepEqual(await Promise.all(questions), ['OK', 'E_INVALID']);
  assert.deepEqual(refusals, ['E_FIN_FAILED FIN x failed']);
});

test('connection of a checker: a message comes whole, however it is cut', async (t) => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const { broker } = await setUp(t, {
    onMessage: ({ id, attempts, body }) => resolve([id, attempts, body.toString()]),
  });
  const message = Buffer.concat([
    Buffer.alloc(8),
    Buffer.of(1, 2),
    Buffer.from('0123456789abcdef'),
  ]);
  const bytes = frame(2, Buffer.concat([message, Buffer.from('the body')]));

  for (const byte of bytes) {
    await new Promise<void>((written) => broker.write(Buffer.of(byte), () => written()));
  }

  assert.deepEqual(await promise, ['0123456789abcdef', 258, 'the body']);
});

test('connection of a checker: heartbeats are answered and nothing else', async (t) => {
  const { connection, broker } = await setUp(t);

  broker.write(frame(0, '_heartbeat_'));
  const [answer]: Buffer[] = await once(broker, 'data');
  const question = connection.ask(line('A'));
  broker.write(frame(0, 'OK'));

  assert.deepEqual([answer.toString(), await question], ['NOP\n', 'OK']);
});

test('connection of a checker: at the end every question is answered with null', async (t) => {
  const { connection, broker } = await setUp(t);

  const questions = [connection.ask(line('A')), connection.ask(line('B'))];
  broker.destroy();
  await connection.ended;

  assert.deepEqual(await Promise.all([...questions, connection.ask(line('C'))]), [
    null,
    null,
    null,
  ]);
});
