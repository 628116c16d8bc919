import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { deflateRawSync } from 'node:zlib';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { line, pub } from '../../src/protocol/commands.ts';
import { snappyCodec } from '../../src/protocol/compression/codecs.ts';
import { LayeredClient } from '../support/layered-client.ts';
import { TlsSite } from '../support/tls-site.ts';

const LIMIT = { timeout: 120_000 };
const ID = '0123456789abcdef';
/** One time may be luck: the answers come from another thread. */
const TIMES = 10;

const THREE_COMMANDS = Buffer.concat([
  pub('u', 'one'),
  line('SUB', 'u', 'c#ephemeral'),
  line('FIN', ID),
]);
const THREE_ANSWERS = ['OK', 'OK', `error: E_FIN_FAILED FIN ${ID} failed ID not in flight`];
/** Of a chunk: its kind, and its length. */
const SNAPPY_HEADER_BYTES = 4;

const broker = await new TlsSite({ after }).start();

for (const layers of [
  {},
  { tls_v1: true },
  { snappy: true },
  { deflate: true },
  { tls_v1: true, snappy: true },
  { tls_v1: true, deflate: true },
]) {
  test(
    `half-close: errors of FIN, REQ and TOUCH precede the end with ${JSON.stringify(layers)}`,
    LIMIT,
    async (t) => {
      for (let time = 0; time < TIMES; time++) {
        const client = await LayeredClient.upgraded(t, broker, layers);

        client.send(
          line('SUB', 't', 'c#ephemeral'),
          line('FIN', ID),
          line('REQ', ID, '0'),
          line('TOUCH', ID),
        );
        client.end();

        assert.deepEqual(await client.textsToEnd(), [
          'OK',
          `error: E_FIN_FAILED FIN ${ID} failed ID not in flight`,
          `error: E_REQ_FAILED REQ ${ID} failed ID not in flight`,
          `error: E_TOUCH_FAILED TOUCH ${ID} failed ID not in flight`,
        ]);
      }
    },
  );

  test(
    `half-close: a publish, and what is cut off behind it, with ${JSON.stringify(layers)}`,
    LIMIT,
    async (t) => {
      const client = await LayeredClient.upgraded(t, broker, layers);

      client.send(pub('u', 'one'), line('PUB', 'u'), Buffer.from([0, 0, 0, 9, 1]));
      client.end();

      assert.deepEqual(await client.textsToEnd(), [
        'OK',
        'error: E_BAD_MESSAGE PUB failed to read message body',
      ]);
    },
  );
}

for (const tls_v1 of [false, true]) {
  const suffix = tls_v1 ? ' within TLS' : '';

  test(`end of stream: deflate's Z_FINISH closes as an end does${suffix}`, LIMIT, async (t) => {
    const client = await LayeredClient.upgraded(t, broker, { tls_v1, deflate: true });

    client.sendCompressed(deflateRawSync(THREE_COMMANDS));

    assert.deepEqual(await client.textsToEnd(), THREE_ANSWERS);
  });

  for (const { end, cut } of [
    { end: 'behind a chunk', cut: 0 },
    { end: 'within the data of a chunk', cut: 3 },
    { end: 'within the header of a chunk', cut: Number.POSITIVE_INFINITY },
  ]) {
    test(
      `end of stream: snappy that ends ${end} answers what was whole${suffix}`,
      LIMIT,
      async (t) => {
        const client = await LayeredClient.upgraded(t, broker, { tls_v1, snappy: true });
        client.send(pub('u', 'one'));
        await client.expectOk();
        const chunk = await snappyChunk(line('NOP'));

        client.send(pub('u', 'two'));
        client.sendCompressed(
          chunk.subarray(0, Math.max(SNAPPY_HEADER_BYTES - 1, chunk.length - cut)),
        );
        client.end();

        assert.deepEqual(await client.textsToEnd(), ['OK']);
      },
    );
  }

  test(
    `end of stream: snappy whose last chunk ends within a command${suffix}`,
    LIMIT,
    async (t) => {
      const client = await LayeredClient.upgraded(t, broker, { tls_v1, snappy: true });
      const command = pub('u', 'two');

      client.send(pub('u', 'one'), command.subarray(0, 5));
      client.sendCompressed(await snappyChunk(command.subarray(5, command.length - 1)));
      client.end();

      assert.deepEqual(await client.textsToEnd(), [
        'OK',
        'error: E_BAD_MESSAGE PUB failed to read message body',
      ]);
    },
  );
}

for (const layers of [{}, { snappy: true }, { deflate: true }]) {
  for (const doesHalfClose of [true, false]) {
    const suffix = doesHalfClose ? '' : ', while the connection stays open';
    test(
      `end of stream: TLS close_notify with ${JSON.stringify(layers)} is answered and closed${suffix}`,
      LIMIT,
      async (t) => {
        const client = await LayeredClient.connect(t, broker);
        await client.identify({ tls_v1: true, ...layers });
        const secured = await client.secure({}, doesHalfClose ? undefined : keptOpen);
        await client.expectOk();
        if (layers.snappy || layers.deflate) {
          client.compress(layers.snappy ? 'snappy' : 'deflate');
          await client.expectOk();
        }

        client.send(THREE_COMMANDS);
        secured.end();

        assert.deepEqual(await client.textsToEnd(), THREE_ANSWERS);
      },
    );
  }
}

for (const request of [
  'GET /stats HTTP/1.0\r\n\r\n',
  'GET /stats?format=json HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /topic/create?topic=v HTTP/1.0\r\n\r\n',
  'POST /topic/empty?topic=v HTTP/1.0\r\n\r\n',
  'POST /channel/create?topic=v&channel=c HTTP/1.0\r\n\r\n',
  'POST /channel/pause?topic=v&channel=c HTTP/1.0\r\n\r\n',
  'POST /channel/empty?topic=v&channel=c HTTP/1.0\r\n\r\n',
  'POST /pub?topic=v HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx',
]) {
  test(
    `half-close: ${JSON.stringify(request)} is answered over HTTP and HTTPS`,
    LIMIT,
    async () => {
      for (let time = 0; time < TIMES; time++) {
        assert.match(await ask(broker, request, false), /^HTTP\/1\.[01] 200 OK\r\n/);
        assert.match(await ask(broker, request, true), /^HTTP\/1\.[01] 200 OK\r\n/);
      }
    },
  );
}

/** A chunk of snappy's framing, without what begins a stream. */
async function snappyChunk(bytes: Buffer): Promise<Buffer> {
  const { encoder } = snappyCodec();
  const encode = (): Promise<Buffer> =>
    new Promise((resolve) => encoder.encode([bytes], (encoded) => resolve(Buffer.concat(encoded))));
  await encode();
  return await encode();
}

/** Passes everything on to the connection and back, but not that this side has ended. */
function keptOpen(socket: Socket): Duplex {
  const between = new Duplex({
    read: () => socket.resume(),
    write: (bytes, _, done) => void socket.write(bytes, done),
    final: (done) => done(),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (bytes) => {
    if (!between.push(bytes)) socket.pause();
  });
  socket.on('end', () => between.push(null));
  return between;
}

/** Sends bytes and ends; resolves with everything that comes until the broker ends too. */
async function ask(
  { httpPort, logged }: BrokerProcess,
  request: string,
  isSecure: boolean,
): Promise<string> {
  const host = '127.0.0.1';
  const [, httpsPort] = await logged.call(broker, /HTTPS: listening on .*:(\d+)$/m);
  const options = { host, port: Number(httpsPort), rejectUnauthorized: false, allowHalfOpen: true };
  const socket = isSecure
    ? connectSecurely({ ...options, servername: 'localhost' })
    : connect({ host, port: httpPort, allowHalfOpen: true });
  socket.end(request);
  return await text(socket);
}
