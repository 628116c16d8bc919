import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import { makeCertificate, writeFiles } from '../../../../scripts/bench/certificates.ts';
import { TlsContext, type TlsContextOptions } from '../../../../src/daemon/tls/tls-context.ts';
import { tlsFacts } from '../../../../src/daemon/tls/tls-facts.ts';
import { TlsFailure } from '../../../../src/daemon/tls/tls-failure.ts';
import { upgradeToTls } from '../../../../src/daemon/tls/tls-upgrade.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { socketPair } from '../../../support/socket-pair.ts';

const ROOT = makeCertificate({ commonName: 'root', isAuthority: true });
const SERVER = makeCertificate({ commonName: 'localhost', issuer: ROOT });
const CLIENT = makeCertificate({ commonName: 'client', issuer: ROOT });
const STRANGER = makeCertificate({ commonName: 'stranger' });
const OLD = makeCertificate({
  commonName: 'old',
  issuer: ROOT,
  digest: 'sha1',
  keyType: 'rsa',
  notAfter: new Date('2021-01-01T00:00:00Z'),
});
const NOTHING = Buffer.alloc(0);

async function loadContext(
  t: TestContext,
  options: Partial<TlsContextOptions> = {},
  credentials = SERVER,
): Promise<TlsContext> {
  const files = writeFiles(t, { cert: credentials.cert, key: credentials.key, root: ROOT.cert });
  return TlsContext.load({
    tlsCert: files.cert,
    tlsKey: files.key,
    tlsRootCaFile: files.root,
    tlsClientAuthPolicy: '',
    tlsMinVersion: 'tls1.0',
    ...options,
  });
}

type Attempt = {
  client: Socket;
  server: Socket;
  clock: ManualClock;
  /** The server's side of the connection, or why there is none. */
  outcome: Promise<TLSSocket | TlsFailure>;
};

async function attempt(
  t: TestContext,
  context: TlsContext,
  firstBytes = NOTHING,
): Promise<Attempt> {
  const { client, server } = await socketPair(t);
  const clock = new ManualClock();
  const upgrade = {
    context,
    clock,
    firstBytes,
    handshakeErrorFrame: (failure: TlsFailure) =>
      Buffer.from(`handshakeErrorFrame: ${failure.message}`),
  };
  const outcome = upgradeToTls(server, upgrade).catch((error: unknown) => {
    if (error instanceof TlsFailure) return error;
    throw error;
  });
  return { client, server, clock, outcome };
}

/** The client's side: resolves with what it has agreed on, or its error. */
async function handshake(client: Socket, options: ConnectionOptions = {}): Promise<string> {
  const secured = connect({ socket: client, host: 'localhost', ca: ROOT.cert, ...options });
  try {
    await once(secured, 'secureConnect');
    return secured.getProtocol() ?? '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Everything that a client receives until its connection ends. */
async function received(client: Socket): Promise<string> {
  let text = '';
  client.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  client.on('error', () => undefined);
  client.once('end', () => client.end());
  await once(client, 'close');
  return text;
}

function failureText(outcome: TLSSocket | TlsFailure): string {
  return outcome instanceof TlsFailure ? outcome.message : 'it succeeded';
}

test('upgradeToTls: a connection is upgraded, and its facts are known', async (t) => {
  const { client, outcome, clock } = await attempt(t, await loadContext(t));

  const protocol = await handshake(client);
  const secured = await outcome;

  assert.ok(!(secured instanceof TlsFailure));
  assert.deepEqual(tlsFacts(secured), {
    version: 'TLS1.3',
    cipherSuite: 'Unknown 4866',
    negotiatedProtocol: '',
    isMutual: true,
    commonName: '',
    certificate: { verifiedName: '', fingerprint: '' },
  });
  assert.deepEqual([protocol, clock.timerCount], ['TLSv1.3', 0]);
});

test('upgradeToTls: what was read before is part of the handshake', async (t) => {
  const { client, server } = await socketPair(t);
  const agreed = handshake(client);
  const [hello] = await once(server, 'data');
  server.removeAllListeners('data').pause();

  const secured = await upgradeToTls(server, {
    context: await loadContext(t),
    clock: new ManualClock(),
    firstBytes: hello,
    handshakeErrorFrame: () => NOTHING,
  });

  assert.deepEqual([secured.getProtocol(), await agreed], ['TLSv1.3', 'TLSv1.3']);
});

test('upgradeToTls: many at once do not get mixed up', async (t) => {
  const context = await loadContext(t, { tlsClientAuthPolicy: 'require' });
  const clients = Array.from({ length: 8 }, (_, index) =>
    makeCertificate({ commonName: `client ${index}` }),
  );
  const attempts = await Promise.all(clients.map(() => attempt(t, context)));

  const agreed = attempts.map(({ client }, index) => handshake(client, clients[index]));
  const outcomes = await Promise.all(attempts.map(({ outcome }) => outcome));

  const names = outcomes.map((outcome) =>
    outcome instanceof TlsFailure ? outcome.message : tlsFacts(outcome).commonName,
  );
  assert.deepEqual(
    names,
    clients.map(({ commonName }) => commonName),
  );
  await Promise.all(agreed);
});

test('upgradeToTls: TLS 1.0, and a certificate that is old in every way', async (t) => {
  const { client, outcome } = await attempt(t, await loadContext(t, {}, OLD));

  const protocol = await handshake(client, {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1',
    ciphers: 'ECDHE-RSA-AES128-SHA@SECLEVEL=0',
    rejectUnauthorized: false,
  });
  const secured = await outcome;

  assert.equal(protocol, 'TLSv1');
  assert.ok(!(secured instanceof TlsFailure));
  const { version, cipherSuite } = tlsFacts(secured);
  assert.deepEqual([version, cipherSuite], ['TLS1.0', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA']);
});

test('upgradeToTls: a client that is too old is refused', async (t) => {
  const { client, outcome } = await attempt(t, await loadContext(t, { tlsMinVersion: 'tls1.3' }));

  const error = await handshake(client, { maxVersion: 'TLSv1.2' });

  assert.match(error, /protocol version/);
  assert.equal(failureText(await outcome), 'tls: unsupported protocol');
});

test('upgradeToTls: a client that does not speak TLS is told so in plain', async (t) => {
  const { client, outcome } = await attempt(t, await loadContext(t));

  client.write('PUB t\n'.repeat(10));
  const text = await received(client);

  assert.equal(failureText(await outcome), 'tls: wrong version number');
  assert.equal(text, 'handshakeErrorFrame: tls: wrong version number');
});

test('upgradeToTls: a client that says nothing is told so after 5 s', async (t) => {
  const { client, outcome, clock } = await attempt(t, await loadContext(t));
  let isOver = false;
  void outcome.then(() => {
    isOver = true;
  });

  clock.advance(4999);
  await new Promise(setImmediate);
  const wasOver = isOver;
  clock.advance(1);
  const text = await received(client);

  assert.equal(wasOver, false);
  assert.equal(text, 'handshakeErrorFrame: tls: handshake timed out');
  assert.equal(failureText(await outcome), 'tls: handshake timed out');
});

test('upgradeToTls: a client that goes away during the handshake', async (t) => {
  const { client, server, outcome, clock } = await attempt(t, await loadContext(t));

  client.resetAndDestroy();

  assert.match(failureText(await outcome), /^tls: /);
  if (!server.closed) await once(server, 'close');
  assert.equal(clock.timerCount, 0);
});

test('upgradeToTls: a socket that is destroyed during the handshake', async (t) => {
  const { server, outcome, clock } = await attempt(t, await loadContext(t));

  server.destroy();

  assert.equal(failureText(await outcome), 'tls: socket hang up');
  assert.equal(clock.timerCount, 0);
});

test('upgradeToTls: a socket that is destroyed before', async (t) => {
  const { server } = await socketPair(t);
  server.destroy();

  const upgraded = upgradeToTls(server, {
    context: await loadContext(t),
    clock: new ManualClock(),
    firstBytes: NOTHING,
    handshakeErrorFrame: () => NOTHING,
  });

  await assert.rejects(upgraded, new TlsFailure('tls: connection closed before the handshake'));
});

const policies: [policy: string, shown: typeof CLIENT | undefined, expected: string | RegExp][] = [
  ['', undefined, ''],
  ['unknown', undefined, ''],
  ['require', CLIENT, 'client'],
  ['require', STRANGER, 'stranger'],
  ['require', undefined, 'tls: client did not provide a certificate'],
  ['require-verify', CLIENT, 'client'],
  ['require-verify', STRANGER, /^tls: client certificate refused, [A-Z_]+$/],
  ['require-verify', undefined, 'tls: peer did not return a certificate'],
];
for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const [policy, shown, expected] of policies) {
    const who = shown?.commonName ?? 'no certificate';
    test(`upgradeToTls: policy "${policy}" and ${who}, ${maxVersion}`, async (t) => {
      const context = await loadContext(t, { tlsClientAuthPolicy: policy });
      const { client, outcome } = await attempt(t, context);

      const agreed = handshake(client, { maxVersion, cert: shown?.cert, key: shown?.key });
      const secured = await outcome;

      const got = secured instanceof TlsFailure ? secured.message : tlsFacts(secured).commonName;
      if (typeof expected === 'string') assert.equal(got, expected);
      else assert.match(got, expected);
      // With 1.3 a client has done its part before it is refused.
      const isAgreed = (await agreed) === maxVersion;
      assert.equal(isAgreed, maxVersion === 'TLSv1.3' || !(secured instanceof TlsFailure));
    });
  }
}

test('upgradeToTls: a certificate of a client that cannot be read costs only that client', async (t) => {
  const context = await loadContext(t, { tlsClientAuthPolicy: 'require' });
  const { client, outcome } = await attempt(t, context);
  const read = t.mock.method(TLSSocket.prototype, 'getPeerX509Certificate', () => {
    throw new TypeError('provoked');
  });

  const shown = { cert: CLIENT.cert, key: CLIENT.key };
  const [failure] = await Promise.all([outcome, handshake(client, shown)]);

  assert.equal(failureText(failure), 'tls: the certificate of the client cannot be read');
  read.mock.restore();
  const next = await attempt(t, context);
  await handshake(next.client, shown);
  assert.ok((await next.outcome) instanceof TLSSocket);
});

test('upgradeToTls: an error right after the handshake does no harm', async (t) => {
  const { client, outcome, server } = await attempt(t, await loadContext(t));
  const relay = await socketPair(t);
  // Between both, something adds a record that cannot be decrypted to the client's last one.
  let records = 0;
  relay.server.on('data', (bytes: Buffer) => {
    records++;
    const broken = Buffer.from('1703030020'.padEnd(74, '0'), 'hex');
    client.write(records === 1 ? bytes : Buffer.concat([bytes, broken]));
  });
  client.on('data', (bytes: Buffer) => relay.server.write(bytes));
  client.on('error', () => undefined);
  relay.server.on('error', () => undefined);

  const agreed = handshake(relay.client);
  const secured = await outcome;
  relay.client.resume();
  if (!server.closed) await once(server, 'close');

  assert.equal(await agreed, 'TLSv1.3');
  assert.ok(!(secured instanceof TlsFailure));
  assert.equal(secured.destroyed, true);
});
