import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, type TestContext, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { makeCertificate } from '../../scripts/bench/certificates.ts';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { identify, line, MAGIC, pub } from '../../src/protocol/commands.ts';
import { ask, until } from '../support/broker-stats.ts';
import { LayeredClient } from '../support/layered-client.ts';
import { askSecurely, TlsSite } from '../support/tls-site.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const IDENTIFY_TLS = identify({ feature_negotiation: true, tls_v1: true });
const TLS_OK = Buffer.from('\x00\x00\x00\x06\x00\x00\x00\x00OK', 'latin1');
/** Of a frame, the bytes that say how many follow. */
const SIZE_BYTES = 4;
/** What goes wrong before anybody has heard of the client's certificate. */
const REFUSED_BY_BROKER = /ECONNRESET|socket hang up|disconnected|alert/;
const STRANGER = makeCertificate({ commonName: 'stranger' });

const site = new TlsSite({ after });
const broker = await site.start();
const CA = { ca: site.certificate.cert, rejectUnauthorized: true };

test('TLS: the handshake begins behind the answer to IDENTIFY', LIMIT, async (t) => {
  const client = await LayeredClient.connect(t, broker);
  const answer = JSON.parse(await client.identify({ tls_v1: true }));
  const unread = client.unreadBytes;
  const secured = await client.secure(CA);
  await client.expectOk();

  client.send(line('SUB', 'secret', 'all'), line('RDY', 1), pub('secret', 'psst'));
  const texts = await client.texts(3);
  client.send(line('FIN', client.messageId));

  assert.equal(answer.tls_v1, true);
  assert.equal(unread, 0);
  assert.equal(secured.authorized, true);
  assert.deepEqual(texts.sort(), ['OK', 'OK', 'message: psst']);
});

test('TLS: a ClientHello in one piece with IDENTIFY is taken as one', LIMIT, async (t) => {
  const [outside, inside] = duplexPair();
  const secured = tlsConnect({ ...CA, socket: inside, servername: 'localhost' });
  const [hello] = (await once(outside, 'data')) as [Buffer];
  const socket = connect({ port: broker.tcpPort, host: '127.0.0.1' });
  t.after(() => socket.destroy());

  socket.write(Buffer.concat([MAGIC, IDENTIFY_TLS, hello]));
  let received = Buffer.alloc(0);
  while (received.length < SIZE_BYTES || received.length < frameEnd(received)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  outside.write(received.subarray(frameEnd(received)));
  socket.pipe(outside);
  outside.pipe(socket);
  const [first] = await once(secured, 'data');
  // the socket's end is no concern of the pair's
  t.after(() => secured.destroy());

  assert.match(received.toString('latin1', 8, frameEnd(received)), /"tls_v1":true/);
  assert.deepEqual(first, TLS_OK);
});

test(
  'TLS: who breaks off in the handshake, or speaks nonsense, disturbs nobody',
  LIMIT,
  async (t) => {
    const other = await LayeredClient.upgraded(t, broker, { tls_v1: true }, CA);
    const [hello] = await clientHello();

    for (const rubbish of [Buffer.alloc(0), hello.subarray(0, 20), hello]) {
      for (const quit of ['reset', 'halfClose'] as const) {
        const quitter = await WireClient.connect(t, broker, IDENTIFY_TLS);
        await quitter.next();
        await quitter.sendWhole(rubbish);
        quitter[quit]();
      }
    }
    const handshakeErrorFrame = await answerToPlain(t);
    other.send(pub('others', 'go on'));

    assert.match(handshakeErrorFrame, /E_IDENTIFY_FAILED IDENTIFY failed tls: /);
    assert.equal(await other.nextText(), 'OK');
    assert.equal(await producerCount(broker, 'others'), 1);
    assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
  },
);

test('HTTPS: publishes and shows statistics', LIMIT, async () => {
  const published = await askSecurely(broker, '/pub?topic=web', { ...CA, body: 'one' });
  const several = await askSecurely(broker, '/mpub?topic=web', { ...CA, body: 'two\nthree' });
  const stats = await askSecurely(broker, '/stats?format=json&topic=web', CA);
  const { topics } = JSON.parse(stats.text);

  assert.deepEqual(published, { status: 200, text: 'OK', certificateName: 'broker' });
  assert.equal(several.text, 'OK');
  assert.deepEqual([topics[0].depth, topics[0].message_count], [3, 3]);
});

test('HTTPS: plain HTTP on its port disturbs nobody', LIMIT, async () => {
  const [, port] = await broker.logged(/HTTPS: listening on .*:(\d+)$/m);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/ping`));

  const { status } = await askSecurely(broker, '/ping', CA);

  assert.equal(status, 200);
});

test('--tls-required=true refuses what is plain', LIMIT, async (t) => {
  const strict = await new TlsSite(t).start('--tls-required=true');
  const plain = await WireClient.connect(t, strict, pub('topic', 'plain'));
  const identified = await WireClient.connect(t, strict, identify({}), line('SUB', 'a', 'b'));
  const secured = await LayeredClient.upgraded(t, strict, { tls_v1: true });
  secured.send(pub('topic', 'secured'));
  const http = await ask(strict, '/ping');
  const [, httpsPort] = await strict.logged(/HTTPS: listening on .*:(\d+)$/m);

  assert.deepEqual(await plain.textsToEnd(), [
    'error: E_INVALID cannot PUB in current state (TLS required)',
  ]);
  assert.deepEqual(await identified.textsToEnd(), [
    'OK',
    'error: E_INVALID cannot SUB in current state (TLS required)',
  ]);
  assert.equal(await secured.nextText(), 'OK');
  assert.equal(http.status, 403);
  assert.deepEqual(JSON.parse(http.text), {
    message: 'TLS_REQUIRED',
    https_port: Number(httpsPort),
  });
  const https = await askSecurely(strict, '/ping', { rejectUnauthorized: false });
  assert.deepEqual([https.status, https.text], [200, 'OK']);
});

test('--tls-required=tcp-https lets plain HTTP pass', LIMIT, async (t) => {
  const strict = await new TlsSite(t).start('--tls-required=tcp-https');
  const plain = await WireClient.connect(t, strict, pub('topic', 'plain'));
  const http = await ask(strict, '/pub?topic=topic', 'over HTTP');

  assert.deepEqual(await plain.textsToEnd(), [
    'error: E_INVALID cannot PUB in current state (TLS required)',
  ]);
  assert.equal(http.status, 200);
});

test('--tls-client-auth-policy=require takes any certificate, but one', LIMIT, async (t) => {
  const strict = await new TlsSite(t).start('--tls-client-auth-policy=require');
  const { cert, key } = STRANGER;
  const insecure = { rejectUnauthorized: false };

  const stranger = await LayeredClient.upgraded(t, strict, { tls_v1: true }, { cert, key });
  stranger.send(pub('topic', 'by a stranger'));
  const https = await askSecurely(strict, '/ping', { ...insecure, cert, key });

  assert.equal(await stranger.nextText(), 'OK');
  assert.equal(https.status, 200);
  await assert.rejects(confirmedWithout(t, strict));
  await assert.rejects(askSecurely(strict, '/ping', insecure), REFUSED_BY_BROKER);
  // the policy has TLS required as well
  const plain = await WireClient.connect(t, strict, pub('topic', 'plain'));
  assert.match(String(await plain.nextText()), /TLS required/);
});

test(
  '--tls-client-auth-policy=require-verify takes certificates that it knows',
  LIMIT,
  async (t) => {
    const authority = makeCertificate({ commonName: 'authority', isAuthority: true });
    const friend = makeCertificate({ commonName: 'friend', issuer: authority });
    const strictSite = new TlsSite(t);
    const strict = await strictSite.start(
      '--tls-client-auth-policy=require-verify',
      `--tls-root-ca-file=${strictSite.write('authority.pem', authority.cert)}`,
    );
    const known = { cert: friend.cert, key: friend.key };
    const unknown = { cert: STRANGER.cert, key: STRANGER.key };
    const insecure = { rejectUnauthorized: false };

    const client = await LayeredClient.upgraded(t, strict, { tls_v1: true }, known);
    client.send(line('SUB', 'topic', 'channel'));

    assert.equal(await client.nextText(), 'OK');
    await assert.rejects(LayeredClient.upgraded(t, strict, { tls_v1: true }, unknown));
    await assert.rejects(confirmedWithout(t, strict));
    assert.equal((await askSecurely(strict, '/ping', { ...insecure, ...known })).status, 200);
    await assert.rejects(
      askSecurely(strict, '/ping', { ...insecure, ...unknown }),
      REFUSED_BY_BROKER,
    );
    await assert.rejects(askSecurely(strict, '/ping', insecure), REFUSED_BY_BROKER);
  },
);

/** What a client begins a handshake with. */
async function clientHello(): Promise<[Buffer]> {
  const [outside, inside] = duplexPair();
  const secured = tlsConnect({ socket: inside });
  secured.on('error', () => undefined);
  const hello = (await once(outside, 'data')) as [Buffer];
  secured.destroy();
  return hello;
}

/** Upgrades without a certificate of the client's own. */
function confirmedWithout(t: TestContext, to: BrokerProcess): Promise<LayeredClient> {
  return LayeredClient.upgraded(t, to, { tls_v1: true });
}

/** What a client is sent, behind perhaps a TLS alert, that goes on plain after it has asked for TLS. */
async function answerToPlain(t: TestContext): Promise<string> {
  const socket = connect({ port: broker.tcpPort, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  socket.write(Buffer.concat([MAGIC, IDENTIFY_TLS]));
  await once(socket, 'data');
  socket.write(pub('oops', 'plain after all'));
  return await text(socket);
}

function frameEnd(bytes: Buffer): number {
  return SIZE_BYTES + bytes.readInt32BE(0);
}

/** How many clients have published to the topic, once there are some. */
async function producerCount(of: BrokerProcess, topic: string): Promise<number> {
  const { producers } = await until(
    async () => JSON.parse((await ask(of, '/stats?format=json')).text),
    (stats) => stats.producers.length > 0,
  );
  return producers.filter(({ pub_counts }: { pub_counts: { topic: string }[] }) =>
    pub_counts.some((counts) => counts.topic === topic),
  ).length;
}
