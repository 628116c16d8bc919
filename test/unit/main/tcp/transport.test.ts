/** What every transport promises, whatever it is made of: both ends of a connection are of the same making. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { makeCertificate, writeFiles } from '../../../../scripts/bench/certificates.ts';
import { TlsContext } from '../../../../src/daemon/tls/tls-context.ts';
import { ClientTransport } from '../../../../src/main/tcp/client-transport.ts';
import { CompressedTransport } from '../../../../src/main/tcp/compressed-transport.ts';
import { SocketTransport } from '../../../../src/main/tcp/socket-transport.ts';
import type { Transport } from '../../../../src/main/tcp/transport.ts';
import { deflateCodec, snappyCodec } from '../../../../src/protocol/compression/codecs.ts';
import { randomChunks, singleBytes } from '../../../support/chunks.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { socketPair } from '../../../support/socket-pair.ts';
import { TransportRecorder, written } from '../../../support/transport-recorder.ts';

const CREDENTIALS = makeCertificate({ commonName: 'localhost' });

const COMPRESSIONS = {
  '': undefined,
  snappy: snappyCodec,
  deflate: () => deflateCodec(6),
};

type Pair = { server: ClientTransport; client: Transport; socket: Socket };

/** A connection whose server has been upgraded as a client would have it. */
async function open(
  t: TestContext,
  isTls: boolean,
  compression: keyof typeof COMPRESSIONS,
): Promise<Pair> {
  const { client, server } = await socketPair(t);
  const transport = new ClientTransport(server);
  let other: Transport = new SocketTransport(client);
  if (isTls) {
    const files = writeFiles(t, { cert: CREDENTIALS.cert, key: CREDENTIALS.key });
    const context = await TlsContext.load({
      tlsCert: files.cert,
      tlsKey: files.key,
      tlsRootCaFile: '',
      tlsClientAuthPolicy: '',
      tlsMinVersion: 'tls1.2',
    });
    const secured = transport.secure({
      context,
      clock: new ManualClock(),
      handshakeErrorFrame: () => Buffer.from('handshakeErrorFrame'),
    });
    other = new SocketTransport(
      connect({ socket: client, ca: CREDENTIALS.cert, host: 'localhost' }),
    );
    await secured;
  }
  const codec = COMPRESSIONS[compression];
  if (codec !== undefined) {
    transport.compress(codec());
    other = new CompressedTransport(other, codec());
  }
  return { server: transport, client: other, socket: client };
}

for (const isTls of [false, true]) {
  for (const compression of ['', 'snappy', 'deflate'] as const) {
    const name = `Transport: ${isTls ? 'TLS' : 'plain'}${compression && ` with ${compression}`}:`;

    test(`${name} bytes arrive both ways, and their writer is told`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const atServer = new TransportRecorder(server);
      const atClient = new TransportRecorder(client);
      const large = Buffer.alloc(300_000, 'some text that repeats ');

      await Promise.all([
        written(client, Buffer.from('hello '), Buffer.from('server')),
        written(server, Buffer.from('hello client')),
        written(server, large),
      ]);
      await Promise.all([atServer.whenBytes(12), atClient.whenBytes(300_012)]);

      assert.equal(atServer.bytes.toString(), 'hello server');
      assert.ok(atClient.bytes.equals(Buffer.concat([Buffer.from('hello client'), large])));
      assert.deepEqual([atServer.events, atClient.events], [[], []]);
    });

    test(`${name} many small writes keep their order`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const told = new TransportRecorder(client);
      const texts = Array.from({ length: 500 }, (_, index) => `${index},`);

      await Promise.all(texts.map((text) => written(server, Buffer.from(text))));
      await told.whenBytes(texts.join('').length);

      assert.equal(told.bytes.toString(), texts.join(''));
    });

    test(`${name} paused, it holds the other side back`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const random = seededRandom(1);
      // Random, so that compression does not make it fit the system's buffers.
      const piece = Buffer.from(Array.from({ length: 64 * 1024 }, () => random(256)));
      const pieces = 256;
      const told = new TransportRecorder(server);
      server.pause();

      let taken = 0;
      for (let index = 0; index < pieces; index++) client.write([piece], () => taken++);
      // A round through the event loop for each piece is more than a transport that reads on would need.
      for (let index = 0; index < pieces; index++) await new Promise(setImmediate);
      const heldBack = { bytes: told.count, isTaken: taken === pieces };
      server.resume();
      await told.whenBytes(piece.length * pieces);

      assert.deepEqual(heldBack, { bytes: 0, isTaken: false });
    });

    test(`${name} paused and resumed at every piece, it loses nothing`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const told = new TransportRecorder(server);
      told.onBytes = () => {
        server.pause();
        setImmediate(() => server.resume());
      };
      const text = Array.from({ length: 50_000 }, (_, index) => index).join();

      await written(client, Buffer.from(text));
      await told.whenBytes(text.length);

      assert.equal(told.bytes.toString(), text);
    });

    test(`${name} what was written before the end arrives, and each side ends by itself`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const atServer = new TransportRecorder(server);
      const atClient = new TransportRecorder(client);

      client.write([Buffer.from('question')], () => undefined);
      client.end();
      await atServer.whenEvent('end');
      await written(server, Buffer.from('answer'));
      server.write([Buffer.alloc(100_000, 'x')], () => undefined);
      server.end();
      server.end();
      await Promise.all([atServer.whenEvent('close'), atClient.whenEvent('close')]);

      assert.equal(atServer.bytes.toString(), 'question');
      assert.equal(atClient.count, 100_006);
      assert.deepEqual(
        [atServer.events, atClient.events],
        [
          ['end', 'close'],
          ['end', 'close'],
        ],
      );
      assert.equal(server.isDestroyed, true);
    });

    test(`${name} the end is told behind bytes that a pause holds back`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const told = new TransportRecorder(server);
      server.pause();

      await written(client, Buffer.from('last'));
      client.end();
      for (let round = 0; round < 100; round++) await new Promise(setImmediate);
      const before = [...told.events];
      server.resume();
      await told.whenEvent('end');

      assert.deepEqual(before, []);
      assert.equal(told.bytes.toString(), 'last');
    });

    test(`${name} destroyed, it tells that it is closed and takes nothing more`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const told = new TransportRecorder(server);
      new TransportRecorder(client);
      server.write([Buffer.alloc(1000)], () => undefined);

      server.destroy();
      server.write([Buffer.from('x')], () => assert.fail('taken'));
      server.end();
      await told.whenEvent('close');

      assert.deepEqual(told.events, ['close']);
      assert.equal(server.isDestroyed, true);
    });

    test(`${name} destroyed by the other side, it tells that it is closed`, async (t) => {
      const { server, client, socket } = await open(t, isTls, compression);
      const told = new TransportRecorder(server);
      await written(client, Buffer.from('x'));
      await told.whenBytes(1);

      socket.resetAndDestroy();
      await told.whenEvent('close');

      assert.deepEqual(told.events.at(-1), 'close');
      assert.deepEqual(told.events.filter((event) => event === 'close').length, 1);
    });

    test(`${name} input that is discarded is not told, but its end is`, async (t) => {
      const { server, client } = await open(t, isTls, compression);
      const told = new TransportRecorder(server);
      server.pause();

      server.discardInput();
      for (let index = 0; index < 64; index++) {
        client.write([Buffer.alloc(65536, index)], () => undefined);
      }
      client.end();
      await told.whenEvent('end');

      assert.deepEqual([told.count, told.events], [0, ['end']]);
    });
  }
}

for (const [compression, codec] of Object.entries(COMPRESSIONS)) {
  if (codec === undefined) continue;

  test(`CompressedTransport: ${compression} comes through byte by byte and in random chunks`, async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    t.diagnostic(`seed ${seed}`);
    const encoder = codec().encoder;
    t.after(() => encoder.close());
    const stream = await new Promise<Buffer>((resolve) => {
      encoder.encode([Buffer.from('PUB t\n'.repeat(2000))], (bytes) =>
        resolve(Buffer.concat(bytes)),
      );
    });
    for (const chunks of [singleBytes(stream), randomChunks(stream, seededRandom(seed), 20)]) {
      const { client, server } = await socketPair(t);
      const transport = new CompressedTransport(new SocketTransport(server), codec());
      const told = new TransportRecorder(transport);

      for (const chunk of chunks) {
        client.write(chunk);
        await new Promise(setImmediate);
      }
      await told.whenBytes(12_000);

      assert.equal(told.bytes.toString(), 'PUB t\n'.repeat(2000));
    }
  });

  test(`CompressedTransport: ${compression} that is damaged ends the input, not the output`, async (t) => {
    const { client, server } = await socketPair(t);
    const transport = new CompressedTransport(new SocketTransport(server), codec());
    const told = new TransportRecorder(transport);
    const received = new TransportRecorder(new SocketTransport(client));

    client.write(Buffer.from('ffffffffffffffffffffffff', 'hex'));
    await told.whenEvent('end');
    client.write(Buffer.alloc(100_000));
    await written(transport, Buffer.from('error'));
    transport.end();
    await received.whenEvent('end');
    client.end();
    await told.whenEvent('close');

    assert.match(told.events[0], /^error (?:snappy|deflate): /);
    assert.deepEqual(told.events.slice(1), ['end', 'close']);
    assert.ok(received.count > 0);
  });
}

test('CompressedTransport: what comes while a batch is compressed is compressed together', async (t) => {
  const { client, server } = await socketPair(t);
  const batches: string[] = [];
  const onEncoded: (() => void)[] = [];
  const transport = new CompressedTransport(new SocketTransport(server), {
    encoder: {
      encode: (buffers, done) => {
        batches.push(Buffer.concat(buffers).toString());
        onEncoded.push(() => done([...buffers]));
      },
      close: () => undefined,
    },
    decoder: snappyCodec().decoder,
  });
  new TransportRecorder(transport);
  const received = new TransportRecorder(new SocketTransport(client));
  const taken: string[] = [];

  for (const text of ['a', 'b', 'c']) {
    transport.write([Buffer.from(text)], () => taken.push(text));
  }
  transport.end();
  onEncoded.shift()?.();
  onEncoded.shift()?.();
  await received.whenEvent('end');

  assert.deepEqual(batches, ['a', 'bc']);
  assert.deepEqual(taken, ['a', 'b', 'c']);
  assert.equal(received.bytes.toString(), 'abc');
});
