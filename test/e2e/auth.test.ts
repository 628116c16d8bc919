import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from '../../scripts/bench/certificates.ts';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { dpub, line, mpub, pub, sized } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { topicStats } from '../support/broker-stats.ts';
import {
  type AuthAnswer,
  type Authorization,
  FakeAuthServer,
} from '../support/fake-auth-server.ts';
import { deadPort } from '../support/fake-lookupd.ts';
import { Inbox } from '../support/inbox.ts';
import { LayeredClient } from '../support/layered-client.ts';
import { type NsqMessage, openReader, Publisher } from '../support/nsqjs.ts';
import { TlsSite } from '../support/tls-site.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const HOUR_S = 3600;
const PUBLISH: Authorization = {
  topic: '^orders$',
  channels: ['^$'],
  permissions: ['publish'],
};
const SUBSCRIBE: Authorization = {
  topic: '^orders$',
  channels: ['^billing$', '^temporary.*#ephemeral$'],
  permissions: ['subscribe'],
};
const EVERYTHING: Authorization = {
  topic: '.*',
  channels: ['.*'],
  permissions: ['publish', 'subscribe'],
};
const FAILED = 'error: E_AUTH_FAILED AUTH failed';

test('AUTH: a client may do what the auth server says, and nothing else', LIMIT, async (t) => {
  const server = await FakeAuthServer.start(t, () => granted(PUBLISH, SUBSCRIBE));
  const broker = await startWith(t, server.address);

  const answers = async (...commands: Buffer[]): Promise<string[]> => {
    const client = await WireClient.connect(t, broker, auth('s e&cret'), ...commands);
    const texts: (string | null)[] = [await client.nextText()];
    assert.deepEqual(texts, [
      '{"identity":"joe","identity_url":"http://joe/","permission_count":2}',
    ]);
    client.halfClose();
    return await client.textsToEnd();
  };

  assert.deepEqual(await answers(pub('orders', 'one')), ['OK']);
  assert.deepEqual(await answers(mpub('orders', ['two', 'three'])), ['OK']);
  assert.deepEqual(await answers(dpub('orders', 1, 'four')), ['OK']);
  assert.deepEqual(await answers(line('SUB', 'orders', 'billing')), ['OK']);
  assert.deepEqual(await answers(line('SUB', 'orders', 'temporary-1#ephemeral')), ['OK']);
  assert.deepEqual(await answers(pub('others', 'five')), [
    'error: E_UNAUTHORIZED AUTH failed for PUB on "others" ""',
  ]);
  assert.deepEqual(await answers(mpub('orders2', ['six'])), [
    'error: E_UNAUTHORIZED AUTH failed for MPUB on "orders2" ""',
  ]);
  assert.deepEqual(await answers(dpub('others', 1, 'seven')), [
    'error: E_UNAUTHORIZED AUTH failed for DPUB on "others" ""',
  ]);
  assert.deepEqual(await answers(line('SUB', 'orders', 'shipping')), [
    'error: E_UNAUTHORIZED AUTH failed for SUB on "orders" "shipping"',
  ]);
  assert.deepEqual(await answers(auth('again')), ['error: E_INVALID AUTH already set']);
  assert.equal(
    server.journal.lines[0],
    'GET /auth?common_name=&remote_ip=127.0.0.1&secret=s+e%26cret&tls=false',
  );
  assert.equal((await topicStats(broker, 'orders'))?.message_count, 4);
  assert.equal(await topicStats(broker, 'others'), undefined);
});

test('AUTH: without it, nothing is published or consumed', LIMIT, async (t) => {
  const server = await FakeAuthServer.start(t, () => granted(EVERYTHING));
  const broker = await startWith(t, server.address);

  const publisher = await WireClient.connect(t, broker, pub('orders', 'one'));
  const consumer = await WireClient.connect(t, broker, line('SUB', 'orders', 'billing'));

  assert.deepEqual(await publisher.textsToEnd(), ['error: E_AUTH_FIRST AUTH required before PUB']);
  assert.deepEqual(await consumer.textsToEnd(), ['error: E_AUTH_FIRST AUTH required before SUB']);
  assert.deepEqual(server.journal.lines, []);
});

test('AUTH: a broker without auth servers says so', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start();
  const client = await WireClient.connect(t, broker, auth('secret'));

  assert.deepEqual(await client.textsToEnd(), ['error: E_AUTH_DISABLED AUTH disabled']);
});

test('AUTH: what has expired is asked for again, and its answer counts', LIMIT, async (t) => {
  const server = await FakeAuthServer.start(t, () => ({ ...granted(EVERYTHING), ttl: 1 }));
  const broker = await startWith(t, server.address);
  const renewed = await authorised(t, broker, 'renewed');
  const revoked = await authorised(t, broker, 'revoked');
  const failing = await authorised(t, broker, 'failing');

  server.answer = (secret) => {
    if (secret === 'failing') return undefined;
    return secret === 'revoked' ? granted(SUBSCRIBE) : granted(EVERYTHING);
  };
  const last = await Promise.all([renewed, revoked, failing].map(publishUntilAskedAgain));

  assert.deepEqual(last, [
    'OK',
    'error: E_UNAUTHORIZED AUTH failed for PUB on "orders" ""',
    FAILED,
  ]);
  assert.equal(await failing.nextText(), null);
  assert.equal(await publishOne(renewed), 'OK');
  assert.equal(server.journal.matching(/secret=renewed/).length, 2);

  /** What the command was answered that had the server asked. */
  async function publishUntilAskedAgain(client: WireClient, index: number): Promise<string | null> {
    const secret = new RegExp(`secret=${['renewed', 'revoked', 'failing'][index]}`);
    for (;;) {
      const answer = await publishOne(client);
      if (server.journal.matching(secret).length > 1) return answer;
      assert.equal(answer, 'OK');
    }
  }
});

test('AUTH: a slow server delays nobody but who waits for it', LIMIT, async (t) => {
  const server = await FakeAuthServer.start(t, () => granted(EVERYTHING));
  const broker = await startWith(t, server.address);
  const other = await authorised(t, broker, 'quick');
  server.isHolding = true;
  const slow = await WireClient.connect(t, broker, auth('slow'), pub('orders', 'behind AUTH'));
  await server.journal.until(/secret=slow/);

  const quick = await publishOne(other);
  const countBefore = (await topicStats(broker, 'orders'))?.message_count;
  server.release();
  const [granting, published] = await slow.texts(2);

  assert.equal(quick, 'OK');
  assert.equal(countBefore, 1);
  assert.match(String(granting), /"permission_count":1/);
  assert.equal(published, 'OK');
  assert.equal((await topicStats(broker, 'orders'))?.message_count, 2);
});

test(
  'AUTH: who leaves while the server thinks, and an end meanwhile, do no harm',
  LIMIT,
  async (t) => {
    const server = await FakeAuthServer.start(t, () => granted(EVERYTHING));
    const broker = await startWith(t, server.address);
    server.isHolding = true;
    const quitter = await WireClient.connect(t, broker, auth('quitter'), pub('orders', 'gone'));
    await server.journal.until(/secret=quitter/);
    quitter.reset();
    server.release();
    const other = await authorised(t, broker, 'other');
    server.isHolding = true;
    await WireClient.connect(t, broker, auth('waiting'));
    await server.journal.until(/secret=waiting/);

    assert.equal(await publishOne(other), 'OK');
    assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  },
);

test(
  'AUTH: fails where the answer makes no sense, and the secret is not logged',
  LIMIT,
  async (t) => {
    const server = await FakeAuthServer.start(t, () => undefined);
    const broker = await startWith(t, server.address);

    for (const answer of [
      undefined,
      'welcome!',
      JSON.stringify({ ...granted(EVERYTHING), ttl: 0 }),
      permitting({ ...EVERYTHING, permissions: ['delete'] }),
      permitting({ ...EVERYTHING, topic: '(' }),
    ]) {
      server.answer = () => answer;
      const client = await WireClient.connect(t, broker, auth('my secret'), pub('orders', 'no'));
      assert.deepEqual(await client.textsToEnd(), [FAILED], `to ${answer}`);
    }

    assert.match(broker.log, /ERROR: client\(127\.0\.0\.1:\d+\) - failed to auth against /);
    assert.doesNotMatch(broker.log, /my.{1,3}secret/);
    assert.equal(await topicStats(broker, 'orders'), undefined);
  },
);

test('AUTH: who is authorised for nothing is told', LIMIT, async (t) => {
  const server = await FakeAuthServer.start(t, () => granted());
  const broker = await startWith(t, server.address);
  const client = await WireClient.connect(t, broker, auth('secret'));

  assert.deepEqual(await client.textsToEnd(), [
    'error: E_UNAUTHORIZED AUTH no authorizations found',
  ]);
});

test('AUTH: fails where no server is there, and another takes its place', LIMIT, async (t) => {
  const dead = `127.0.0.1:${await deadPort()}`;
  const server = await FakeAuthServer.start(t, () => granted(EVERYTHING));
  const alone = await startWith(t, dead);
  const together = await startWith(t, dead, server.address);

  const client = await WireClient.connect(t, alone, auth('secret'));

  assert.deepEqual(await client.textsToEnd(), [FAILED]);
  // the first to be asked is chosen at random
  for (let round = 0; round < 5; round++) {
    assert.equal(await publishOne(await authorised(t, together, 'secret')), 'OK');
  }
});

test('AUTH: the server is told of TLS and the name in the certificate', LIMIT, async (t) => {
  const server = await FakeAuthServer.start(t, () => granted(EVERYTHING));
  const broker = await new TlsSite(t).start(
    '--tls-client-auth-policy=require',
    `--auth-http-address=${server.address}`,
  );
  const { cert, key } = makeCertificate({ commonName: 'joe' });
  const settings = { tls_v1: true, snappy: true };
  const client = await LayeredClient.upgraded(t, broker, settings, { cert, key });
  client.send(auth('secret'), pub('orders', 'one'));

  const [, published] = await client.texts(2);

  assert.equal(published, 'OK');
  assert.deepEqual(server.journal.lines, [
    'GET /auth?common_name=joe&remote_ip=127.0.0.1&secret=secret&tls=true',
  ]);
});

test('AUTH: nsqjs publishes and consumes with its secret', LIMIT, async (t) => {
  const server = await FakeAuthServer.start(t, (secret) =>
    secret === 'right' ? granted(EVERYTHING) : undefined,
  );
  const broker = await startWith(t, server.address);
  const options = { authSecret: 'right' };
  const received = new Inbox<NsqMessage>();
  const onMessage = (message: NsqMessage): void => {
    message.finish();
    received.put(message);
  };
  const { errors } = openReader(t, broker, 'orders', 'billing', onMessage, {
    maxInFlight: 1,
    ...options,
  });
  const writer = await Publisher.connect(t, broker, options);
  await writer.publish('orders', [Buffer.from('one')]);

  const [message] = await received.atLeast(1);

  assert.equal(message.body.toString(), 'one');
  assert.deepEqual(errors, []);
});

function startWith(t: TestContext, ...addresses: readonly string[]): Promise<BrokerProcess> {
  const flags = addresses.map((address) => `--auth-http-address=${address}`);
  return new BrokerSite(t).start({ flags });
}

function auth(secret: string): Buffer {
  return Buffer.concat([line('AUTH'), sized(secret)]);
}

async function authorised(
  t: TestContext,
  broker: BrokerProcess,
  secret: string,
): Promise<WireClient> {
  const client = await WireClient.connect(t, broker, auth(secret));
  assert.match(String(await client.nextText()), /"permission_count":1/);
  return client;
}

async function publishOne(client: WireClient): Promise<string | null> {
  client.send(pub('orders', 'one'));
  return await client.nextText();
}

function granted(...authorizations: readonly Authorization[]): AuthAnswer {
  return { ttl: HOUR_S, identity: 'joe', identity_url: 'http://joe/', authorizations };
}

function permitting(authorization: Authorization): string {
  return JSON.stringify(granted(authorization));
}
