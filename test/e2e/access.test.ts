import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { makeCertificate } from '../../scripts/bench/certificates.ts';
import { line, pub, sized } from '../../src/protocol/commands.ts';
import { accessFile } from '../support/access-file.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { LayeredClient } from '../support/layered-client.ts';
import { askSecurely, TlsSite } from '../support/tls-site.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const AUTHORITY = makeCertificate({ commonName: 'authority', isAuthority: true });
const SIGNED = makeCertificate({ commonName: 'ops.example', issuer: AUTHORITY });
const OTHER = makeCertificate({ commonName: 'other.example', issuer: AUTHORITY });
const PRINTED = makeCertificate({ commonName: 'whatever', issuer: AUTHORITY });

const site = new TlsSite({ after });
const file = site.write(
  'access.toml',
  accessFile([
    { name: 'scrape', secret: 's', roles: ['read'] },
    { name: 'orders', secret: 'o', roles: ['publish', 'subscribe'], topics: ['orders'] },
    { name: 'ops', common_name: 'ops.example', roles: ['admin'] },
    {
      name: 'reader',
      fingerprint: new X509Certificate(PRINTED.cert).fingerprint256,
      roles: ['read'],
    },
  ]),
);
const broker = await site.start(
  `--http-access=${file}`,
  '--tcp-access',
  `--tls-root-ca-file=${site.write('authority.pem', AUTHORITY.cert)}`,
  '--tls-client-auth-policy=require-verify',
  '--tls-required=tcp-https',
);
const url = `http://127.0.0.1:${broker.httpPort}`;

async function status(path: string, token?: string, method = 'GET'): Promise<number> {
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const response = await fetch(url + path, {
    method,
    ...(headers !== undefined && { headers }),
    ...(method === 'POST' && { body: 'm' }),
  });
  await response.arrayBuffer();
  return response.status;
}

test('access: tokens over HTTP', LIMIT, async () => {
  const statuses = [
    await status('/ping'),
    await status('/stats'),
    await status('/stats', 'scrape.s'),
    await status('/metrics', 'scrape.s'),
    await status('/metrics', 'scrape.wrong'),
    await status('/topic/create?topic=orders', 'scrape.s', 'POST'),
    await status('/pub?topic=orders', 'orders.o', 'POST'),
    await status('/pub?topic=other', 'orders.o', 'POST'),
    await status('/pub?topic=orders', undefined, 'POST'),
    await status('/debug/pprof/heap'),
  ];

  assert.deepEqual(statuses, [200, 401, 200, 200, 401, 403, 200, 403, 401, 401]);
});

test('access: certificates over HTTPS', LIMIT, async () => {
  const ask = (path: string, { cert, key }: typeof SIGNED, body?: string) =>
    askSecurely(broker, path, {
      cert,
      key,
      ca: site.certificate.cert,
      ...(body !== undefined && { body }),
    });

  const answers = [
    await ask('/topic/create?topic=secure', SIGNED, ''),
    await ask('/stats', PRINTED),
    await ask('/topic/create?topic=secure', PRINTED, ''),
    await ask('/stats', OTHER),
    await ask('/pub?topic=secure', SIGNED, 'm'),
  ];

  assert.deepEqual(
    answers.map((answer) => answer.status),
    [200, 200, 403, 401, 200],
  );
});

test('access: tokens and certificates over TCP', LIMIT, async (t) => {
  const connect = ({ cert, key }: typeof SIGNED) =>
    LayeredClient.upgraded(t, broker, { tls_v1: true }, { cert, key });
  const token = await connect(OTHER);
  const admin = await connect(SIGNED);
  const nobody = await connect(OTHER);
  const reader = await connect(PRINTED);

  token.send(line('AUTH'), sized('orders.o'), pub('orders', 'm'), pub('other', 'm'));
  admin.send(pub('anything', 'm'), line('SUB', 'anything', 'c'));
  nobody.send(pub('orders', 'm'));
  reader.send(pub('orders', 'm'));

  const [identity, ok, refused] = await token.texts(3);
  assert.deepEqual(JSON.parse(identity ?? ''), {
    identity: 'orders',
    identity_url: '',
    permission_count: 1,
  });
  assert.deepEqual(
    [ok, refused],
    ['OK', 'error: E_UNAUTHORIZED AUTH failed for PUB on "other" ""'],
  );
  assert.deepEqual(await admin.texts(2), ['OK', 'OK']);
  assert.deepEqual(await nobody.texts(1), ['error: E_AUTH_FIRST AUTH required before PUB']);
  assert.deepEqual(await reader.texts(1), ['error: E_AUTH_FIRST AUTH required before PUB']);
});

test('access: SIGHUP reads the file again, and a bad one changes nothing', LIMIT, async (t) => {
  const open = new BrokerSite(t);
  const path = site.write('other.toml', accessFile([{ name: 'a', secret: 'x', roles: ['read'] }]));
  const other = await open.start({ flags: [`--http-access=${path}`] });
  const ask = async (token: string) => {
    const response = await fetch(`http://127.0.0.1:${other.httpPort}/stats`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await response.arrayBuffer();
    return response.status;
  };
  const before = await ask('a.x');

  site.write('other.toml', 'nonsense');
  other.signal('SIGHUP');
  await other.logged(/ERROR: the old access file stays in use - --http-access .*line 1/);
  const kept = await ask('a.x');
  site.write('other.toml', accessFile([{ name: 'b', secret: 'y', roles: ['read'] }]));
  other.signal('SIGHUP');
  await other.logged(/INFO: access file reloaded/);
  const after = [await ask('a.x'), await ask('b.y')];
  const tcp = await WireClient.connect(t, other, pub('t', 'm'));

  assert.deepEqual([before, kept, after], [200, 200, [401, 200]]);
  assert.deepEqual(await tcp.texts(1), ['OK'], 'TCP stays open without --tcp-access');
});
