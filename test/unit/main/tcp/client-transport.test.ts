import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { makeCertificate, writeFiles } from '../../../../scripts/bench/certificates.ts';
import { TlsContext } from '../../../../src/daemon/tls/tls-context.ts';
import type { TlsFacts } from '../../../../src/daemon/tls/tls-facts.ts';
import { TlsFailure } from '../../../../src/daemon/tls/tls-failure.ts';
import { ClientTransport } from '../../../../src/main/tcp/client-transport.ts';
import { CompressedTransport } from '../../../../src/main/tcp/compressed-transport.ts';
import { SocketTransport } from '../../../../src/main/tcp/socket-transport.ts';
import { snappyCodec } from '../../../../src/protocol/compression/codecs.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { socketPair } from '../../../support/socket-pair.ts';
import { TransportRecorder, written } from '../../../support/transport-recorder.ts';

const CREDENTIALS = makeCertificate({ commonName: 'localhost' });

type Setup = {
  client: Socket;
  transport: ClientTransport;
  told: TransportRecorder;
  context: TlsContext;
};

async function setUp(t: TestContext): Promise<Setup> {
  const files = writeFiles(t, { cert: CREDENTIALS.cert, key: CREDENTIALS.key });
  const context = await TlsContext.load({
    tlsCert: files.cert,
    tlsKey: files.key,
    tlsRootCaFile: '',
    tlsClientAuthPolicy: '',
    tlsMinVersion: 'tls1.2',
  });
  const { client, server } = await socketPair(t);
  const transport = new ClientTransport(server);
  return { client, transport, told: new TransportRecorder(transport), context };
}

function secure({ transport, context }: Setup): Promise<TlsFacts> {
  const handshakeErrorFrame = (): Buffer => Buffer.from('handshakeErrorFrame');
  return transport.secure({ context, clock: new ManualClock(), handshakeErrorFrame });
}

test('ClientTransport: plain, then TLS, then snappy within it', async (t) => {
  const setup = await setUp(t);
  const { client, transport, told } = setup;
  client.write('plain ');
  await told.whenBytes(6);
  await written(transport, Buffer.from('response'));
  const [response] = await once(client, 'data');
  client.removeAllListeners('data').pause();

  const secured = secure(setup);
  const clientTls = new SocketTransport(
    connect({ socket: client, ca: CREDENTIALS.cert, host: 'localhost' }),
  );
  await secured;
  const first = new TransportRecorder(clientTls);
  await written(transport, Buffer.from('OK'));
  await first.whenBytes(2);
  transport.compress(snappyCodec());
  const clientSnappy = new CompressedTransport(clientTls, snappyCodec());
  const second = new TransportRecorder(clientSnappy);
  await Promise.all([
    written(transport, Buffer.from('OK')),
    written(clientSnappy, Buffer.from('PUB')),
  ]);
  await Promise.all([second.whenBytes(2), told.whenBytes(9)]);

  assert.deepEqual(
    [String(response), String(first.bytes), String(second.bytes)],
    ['response', 'OK', 'OK'],
  );
  assert.equal(String(told.bytes), 'plain PUB');
  assert.deepEqual(told.events, []);
});

test('ClientTransport: what is written during the handshake comes after it', async (t) => {
  const setup = await setUp(t);
  const { client, transport } = setup;
  const secured = secure(setup);
  const taken = [written(transport, Buffer.from('heart')), written(transport, Buffer.from('beat'))];
  const received = new TransportRecorder(
    new SocketTransport(connect({ socket: client, ca: CREDENTIALS.cert, host: 'localhost' })),
  );

  await secured;
  await written(transport, Buffer.from(' OK'));
  await Promise.all(taken);
  await received.whenBytes(12);

  assert.equal(String(received.bytes), 'heartbeat OK');
});

test('ClientTransport: ended during the handshake, it ends after it', async (t) => {
  const setup = await setUp(t);
  const { client, transport } = setup;
  const secured = secure(setup);
  transport.write([Buffer.from('last')], () => undefined);
  transport.end();
  const received = new TransportRecorder(
    new SocketTransport(connect({ socket: client, ca: CREDENTIALS.cert, host: 'localhost' })),
  );

  await secured;
  await received.whenEvent('end');

  assert.equal(String(received.bytes), 'last');
});

test('ClientTransport: paused before the handshake, it is paused after it', async (t) => {
  const setup = await setUp(t);
  const { client, transport, told } = setup;
  transport.pause();
  const secured = secure(setup);
  const clientTls = new SocketTransport(
    connect({ socket: client, ca: CREDENTIALS.cert, host: 'localhost' }),
  );
  await secured;

  await written(clientTls, Buffer.from('PUB'));
  for (let round = 0; round < 50; round++) await new Promise(setImmediate);
  const before = told.count;
  transport.resume();
  await told.whenBytes(3);

  assert.equal(before, 0);
});

test('ClientTransport: when the handshake fails, the client is told in plain and the connection closes', async (t) => {
  const setup = await setUp(t);
  const { client, transport, told } = setup;
  const received = new TransportRecorder(new SocketTransport(client));
  const secured = secure(setup);

  client.write('PUB t\n');
  transport.write([Buffer.from('heartbeat')], () => assert.fail('taken'));
  await assert.rejects(secured, new TlsFailure('tls: wrong version number'));
  await Promise.all([told.whenEvent('close'), received.whenEvent('end')]);

  assert.equal(String(received.bytes), 'handshakeErrorFrame');
  assert.deepEqual([told.events, transport.isDestroyed], [['close'], true]);
});

test('ClientTransport: destroyed during the handshake, it closes', async (t) => {
  const setup = await setUp(t);
  const { transport, told } = setup;
  const secured = secure(setup);

  transport.destroy();
  await assert.rejects(secured, TlsFailure);
  await told.whenEvent('close');

  assert.deepEqual(told.events, ['close']);
});
