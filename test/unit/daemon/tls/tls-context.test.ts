import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type Server } from 'node:tls';
import { makeCertificate, writeFiles } from '../../../../scripts/bench/certificates.ts';
import { TlsContext, type TlsContextOptions } from '../../../../src/daemon/tls/tls-context.ts';

const FIRST = makeCertificate({ commonName: 'first' });
const SECOND = makeCertificate({ commonName: 'second' });

function setUp(t: TestContext, policy = ''): TlsContextOptions {
  const files = writeFiles(t, { cert: FIRST.cert, key: FIRST.key, root: FIRST.cert, junk: 'junk' });
  return {
    tlsCert: files.cert,
    tlsKey: files.key,
    tlsRootCaFile: '',
    tlsClientAuthPolicy: policy,
    tlsMinVersion: 'tls1.2',
  };
}

async function serve(t: TestContext, context: TlsContext): Promise<number> {
  const server = createServer(context.serverOptions(), (_request, response) => response.end());
  context.attach(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return portOf(server);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

/** Asks over HTTPS; returns the server's common name and the first line of its answer. */
async function ask(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  let answer = '';
  let name = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString();
  });
  socket.once('secureConnect', () => {
    name = String(socket.getPeerCertificate().subject.CN);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return `${name}: ${answer.split('\r\n')[0]}`;
}

test('TlsContext: an HTTPS server is made from it', async (t) => {
  const port = await serve(t, await TlsContext.load(setUp(t)));

  const answer = await ask(port);

  assert.equal(answer, 'first: HTTP/1.1 200 OK');
});

test('TlsContext: reloaded, it shows what the files hold now', async (t) => {
  const options = setUp(t);
  const context = await TlsContext.load(options);
  const port = await serve(t, context);

  writeFileSync(options.tlsCert, SECOND.cert);
  writeFileSync(options.tlsKey, SECOND.key);
  await context.reload();

  assert.equal(await ask(port), 'second: HTTP/1.1 200 OK');
});

test('TlsContext: a reload that fails changes nothing', async (t) => {
  const options = setUp(t);
  const context = await TlsContext.load(options);
  const port = await serve(t, context);
  writeFileSync(options.tlsCert, SECOND.cert);

  await assert.rejects(context.reload(), {
    message: `failed to build TLS config - the key of --tls-key "${options.tlsKey}" is not that of the certificate of --tls-cert "${options.tlsCert}"`,
  });

  assert.equal(await ask(port), 'first: HTTP/1.1 200 OK');
});

test('TlsContext: policy "require" holds for HTTPS', async (t) => {
  const port = await serve(t, await TlsContext.load(setUp(t, 'require')));

  const answers = [await ask(port), await ask(port, { cert: SECOND.cert, key: SECOND.key })];

  assert.match(answers[0], /: $/);
  assert.equal(answers[1], 'first: HTTP/1.1 200 OK');
});

for (const [option, flag] of [
  ['tlsCert', 'tls-cert'],
  ['tlsKey', 'tls-key'],
  ['tlsRootCaFile', 'tls-root-ca-file'],
] as const) {
  test(`TlsContext: a file of --${flag} that is not there is an error`, async (t) => {
    const file = `${setUp(t).tlsCert}.none`;

    await assert.rejects(TlsContext.load({ ...setUp(t), [option]: file }), {
      message: `failed to build TLS config - --${flag} "${file}": it does not exist`,
    });
  });

  test(`TlsContext: a file of --${flag} with something else in it is an error`, async (t) => {
    const { junk } = writeFiles(t, { junk: 'junk' });

    const kind = option === 'tlsKey' ? 'private key' : 'certificate';
    await assert.rejects(TlsContext.load({ ...setUp(t), [option]: junk }), {
      message: `failed to build TLS config - --${flag} "${junk}": it holds no ${kind} in PEM`,
    });
  });
}

test('TlsContext: files that are empty, exchanged or locked are named with what is wrong', async (t) => {
  const options = setUp(t);
  const { empty, locked, damaged, cut, otherKind } = writeFiles(t, {
    empty: '',
    locked: '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    damaged: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    cut: FIRST.key.slice(0, 100),
    otherKind: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
  const directory = tmpdir();
  const { tlsCert, tlsKey } = options;

  for (const [changed, text] of [
    [{ tlsCert: empty }, `--tls-cert "${empty}": it is empty`],
    [{ tlsKey: locked }, `--tls-key "${locked}": the key has a passphrase`],
    [{ tlsCert: damaged }, `--tls-cert "${damaged}": its certificate is damaged (`],
    [{ tlsKey: cut }, `--tls-key "${cut}": its private key is damaged (`],
    [
      { tlsKey: otherKind },
      `the key of --tls-key "${otherKind}" is not that of the certificate of --tls-cert "${tlsCert}"`,
    ],
    [{ tlsCert: directory }, `--tls-cert "${directory}": it is a directory, not a file`],
    [
      { tlsCert: tlsKey },
      `--tls-cert "${tlsKey}": it holds no certificate in PEM, but a private key`,
    ],
    [
      { tlsKey: tlsCert },
      `--tls-key "${tlsCert}": it holds no private key in PEM, but a certificate`,
    ],
  ] as const) {
    await assert.rejects(TlsContext.load({ ...options, ...changed }), (error: Error) =>
      error.message.startsWith(`failed to build TLS config - ${text}`),
    );
  }
});
