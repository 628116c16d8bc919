import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeCertificate } from '../../scripts/bench/certificates.ts';
import { BrokerProcess } from '../../scripts/kit/broker.ts';
import { line, pub, sized } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { FakeAuthServer } from '../support/fake-auth-server.ts';
import { TlsSite } from '../support/tls-site.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const SECRET = 'a-secret-of-a-client';
const BODY = 'a-body-of-a-message';

/** Everything that the broker can be asked for without a message of its own. */
const PATHS = [
  '/debug/pprof/heap',
  '/debug/pprof/profile?seconds=1',
  '/debug/pprof/cmdline',
  '/stats',
  '/stats?format=json',
  '/info',
  '/config/tls_key',
  '/config/auth_http_addresses',
];

async function everythingToldBy(broker: BrokerProcess): Promise<string> {
  const texts: string[] = [];
  for (const path of PATHS) {
    const response = await fetch(`http://127.0.0.1:${broker.httpPort}${path}`);
    assert.equal(response.status, 200, path);
    texts.push(await response.text());
  }
  return texts.join('\n') + broker.log;
}

for (const method of ['get', 'post'] as const) {
  test(
    `secrets: no key and no secret leaves the process, authorised by ${method}`,
    LIMIT,
    async (t) => {
      const server = await FakeAuthServer.start(t, () => ({
        ttl: 3600,
        identity: 'somebody',
        authorizations: [{ topic: '.*', channels: ['.*'], permissions: ['publish'] }],
      }));
      const site = new TlsSite(t);
      const broker = await site.start(
        `--auth-http-address=${server.address}`,
        `--auth-http-request-method=${method}`,
        '--log-level=debug',
      );
      const client = await WireClient.connect(
        t,
        broker,
        line('AUTH'),
        sized(SECRET),
        pub('t', BODY),
      );
      await client.texts(2);
      const replacement = makeCertificate({ commonName: 'broker' });
      site.install(replacement);
      broker.signal('SIGHUP');
      await broker.logged(/TLS: certificate reloaded/);

      const told = await everythingToldBy(broker);

      assert.match(told, /"snapshot":/);
      assert.match(
        told,
        /WARNING: taking a heap snapshot for 127\.0\.0\.1:\d+; the broker is blocked/,
      );
      for (const { key } of [site.certificate, replacement]) {
        // A line of it, as a string in a snapshot has its line ends escaped.
        assert.ok(!told.includes(key.split('\n')[1]));
      }
      assert.ok(!told.includes(SECRET));
      assert.ok(!told.includes(BODY));
    },
  );
}

test(
  'secrets: the key with which ringmq admin asks brokers is in no snapshot of it',
  LIMIT,
  async (t) => {
    const { dataPath } = new BrokerSite(t);
    const { cert, key } = makeCertificate({ commonName: 'admin' });
    const certFile = join(dataPath, 'cert.pem');
    const keyFile = join(dataPath, 'key.pem');
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const words = [
      'scripts/ringmq.cjs',
      'admin',
      '--http-address=127.0.0.1:0',
      '--nsqd-http-address=127.0.0.1:1',
      `--http-client-tls-cert=${certFile}`,
      `--http-client-tls-key=${keyFile}`,
    ];
    const admin = new BrokerProcess(
      spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] }),
    );
    t.after(() => admin.kill());
    const [, port] = await admin.logged(/HTTP: listening on .*:(\d+)\n/);
    // It opens its client with the first request.
    await (await fetch(`http://127.0.0.1:${port}/api/topics`)).text();

    const snapshot = await (await fetch(`http://127.0.0.1:${port}/debug/pprof/heap`)).text();

    assert.match(snapshot, /"snapshot":/);
    assert.ok(snapshot.includes('--http-client-tls-key='));
    assert.ok(!snapshot.includes(key.split('\n')[1] ?? 'no key'));
  },
);
