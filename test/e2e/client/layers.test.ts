import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { makeCertificate } from '../../../scripts/bench/certificates.ts';
import type { ConnectionOptions } from '../../../src/client/connection-options.ts';
import { Consumer } from '../../../src/client/consumer.ts';
import { NsqError } from '../../../src/client/nsq-error.ts';
import { Producer } from '../../../src/client/producer.ts';
import { BrokerSite } from '../../support/broker-process.ts';
import { FakeAuthServer } from '../../support/fake-auth-server.ts';
import { TlsSite } from '../../support/tls-site.ts';

const LIMIT = { timeout: 120_000 };
const COUNT = 1000;

const site = new TlsSite({ after });
const broker = await site.start();
const nsqd = [`127.0.0.1:${broker.tcpPort}`];
// the test's certificates are for "localhost"
const TLS = { ca: site.certificate.cert, servername: 'localhost' };

const LAYERS: Readonly<Record<string, ConnectionOptions>> = {
  plain: {},
  tls: { tls: TLS },
  snappy: { snappy: true },
  deflate: { deflate: true, deflateLevel: 1 },
  'tls-snappy': { tls: TLS, snappy: true },
  'tls-deflate': { tls: TLS, deflate: true },
};

const digest = (body: Buffer): string => createHash('sha1').update(body).digest('hex');

for (const [topic, options] of Object.entries(LAYERS)) {
  test(`client: publishes, receives and requeues through ${topic}`, LIMIT, async () => {
    const bodies = Array.from({ length: COUNT }, (_, index) =>
      Buffer.concat([
        Buffer.alloc(index, 'repeats '),
        randomBytes(index % 100 === 0 ? 100_000 : 20),
      ]),
    );
    const producer = new Producer({ nsqd, ...options });
    const consumer = new Consumer({ topic, channel: 'c', nsqd, ...options });
    const received: string[] = [];
    const run = consumer.run(async (message) => {
      if (message.attempts === 1 && message.body.length % 10 === 0) {
        await message.requeue({ delayMs: 0, backoff: false });
        return;
      }
      received.push(digest(message.body));
      if (received.length === COUNT) void consumer.close();
    });

    for (let from = 0; from < COUNT; from += 100) {
      await Promise.all(
        bodies.slice(from, from + 100).map((body) => producer.publish(topic, body)),
      );
    }
    await run;
    await producer.close();

    assert.deepEqual(received.toSorted(), bodies.map(digest).toSorted());
    assert.equal(consumer.stats().lostCount, 0);
  });
}

/** Why a producer cannot connect. */
async function refusalOf(address: string, options: ConnectionOptions): Promise<string> {
  const producer = new Producer({ nsqd: [address], ...options });
  producer.on('error', () => undefined);
  const reason: unknown = await producer.connect().then(
    () => 'connected',
    (error: unknown) => error,
  );
  await producer.close();
  return reason instanceof NsqError ? `${reason.code} ${reason.message}` : String(reason);
}

test(
  'client: a certificate that is not trusted, expired or of another is refused',
  LIMIT,
  async (t) => {
    const expired = new TlsSite(t);
    const notAfter = new Date('2021-01-01T00:00:00Z');
    const old = makeCertificate({ commonName: 'broker', notAfter });
    expired.install(old);
    const oldBroker = await expired.start();
    const address = `127.0.0.1:${oldBroker.tcpPort}`;

    const refusals = [
      await refusalOf(nsqd[0], { tls: true }),
      await refusalOf(address, { tls: { ca: old.cert, servername: 'localhost' } }),
      await refusalOf(nsqd[0], { tls: { ...TLS, servername: 'elsewhere.example' } }),
    ];

    assert.match(refusals[0], /^CONNECT_FAILED TLS with .* failed: .*self-signed certificate/i);
    assert.match(refusals[1], /^CONNECT_FAILED TLS with .* failed: .*expired/i);
    assert.match(refusals[2], /^CONNECT_FAILED TLS with .* failed: .*does not match/i);
  },
);

test('client: a broker without TLS is not told anything in the clear', LIMIT, async (t) => {
  const plain = await new BrokerSite(t).start();

  const refusal = await refusalOf(`127.0.0.1:${plain.tcpPort}`, { tls: true });

  assert.match(refusal, /^CONNECT_FAILED the broker .* does not speak TLS$/);
});

test('client: where compression is not granted, it goes without', LIMIT, async (t) => {
  const plain = await new BrokerSite(t).start({ flags: ['--snappy=false', '--deflate=false'] });
  const address = `127.0.0.1:${plain.tcpPort}`;

  for (const options of [{ snappy: true }, { deflate: true }]) {
    const producer = new Producer({ nsqd: [address], ...options });
    await producer.publish('t', 'x');
    await producer.close();
  }
});

test('client: AUTH is sent where it is asked for', LIMIT, async (t) => {
  const mine = { topic: 'mine', channels: ['.*'], permissions: ['publish', 'subscribe'] };
  const server = await FakeAuthServer.start(t, (secret) =>
    secret === 'sesame' ? { ttl: 60, identity: 'me', authorizations: [mine] } : undefined,
  );
  const guarded = await new BrokerSite(t).start({
    flags: [`--auth-http-address=${server.address}`],
  });
  const address = `127.0.0.1:${guarded.tcpPort}`;
  const producer = new Producer({ nsqd: [address], authSecret: 'sesame' });
  producer.on('error', () => undefined);
  const consumer = new Consumer({
    topic: 'mine',
    channel: 'c',
    nsqd: [address],
    authSecret: 'sesame',
  });

  await producer.publish('mine', 'x');
  const other: unknown = await producer.publish('other', 'x').catch((error: unknown) => error);
  await producer.close();
  const bodies: string[] = [];
  await consumer.run((message) => {
    bodies.push(message.text());
    void consumer.close();
  });

  assert.deepEqual(bodies, ['x']);
  assert.ok(other instanceof NsqError);
  assert.equal(other.code, 'E_UNAUTHORIZED');
  assert.match(await refusalOf(address, {}), /^E_AUTH_FIRST /);
  assert.match(await refusalOf(address, { authSecret: 'wrong' }), /^E_AUTH_FAILED/);
});

test('client: a program that speaks something else is left', LIMIT, async () => {
  const refusal = await refusalOf(`127.0.0.1:${broker.httpPort}`, {});

  assert.match(refusal, /^(?:PROTOCOL_ERROR|CONNECT_FAILED) /);
});
