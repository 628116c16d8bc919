import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from '../../scripts/bench/certificates.ts';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { line, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { LayeredClient } from '../support/layered-client.ts';
import { askSecurely, TlsSite } from '../support/tls-site.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const INSECURE = { rejectUnauthorized: false };

test('SIGHUP has a new certificate used for new connections', LIMIT, async (t) => {
  const site = new TlsSite(t);
  const broker = await site.start();
  const old = await LayeredClient.upgraded(t, broker, { tls_v1: true });
  old.send(line('SUB', 'orders', 'billing'), line('RDY', 10));
  await old.expectOk();

  site.install(makeCertificate({ commonName: 'renewed' }));
  const before = await certificateNames(t, broker);
  broker.signal('SIGHUP');
  await broker.logged(/INFO: TLS: certificate reloaded$/m);
  const afterwards = await certificateNames(t, broker);
  old.send(pub('orders', 'still consumed'));
  const texts = await old.texts(2);
  old.send(line('FIN', old.messageId));

  assert.deepEqual(before, ['broker', 'broker']);
  assert.deepEqual(afterwards, ['renewed', 'renewed']);
  assert.deepEqual(texts.sort(), ['OK', 'message: still consumed']);
});

for (const [what, files] of [
  ['is damaged', { cert: 'no certificate at all\n', key: 'no key\n' }],
  ['does not fit its key', strangers()],
] as const) {
  test(`SIGHUP with a certificate that ${what} leaves the old one in use`, LIMIT, async (t) => {
    const site = new TlsSite(t);
    const broker = await site.start();

    site.install(files);
    broker.signal('SIGHUP');
    await broker.logged(/ERROR: TLS: the old certificate stays in use - .+$/m);
    const kept = await certificateNames(t, broker);
    site.install(makeCertificate({ commonName: 'better' }));
    broker.signal('SIGHUP');
    await broker.logged(/certificate reloaded$/m);

    assert.deepEqual(kept, ['broker', 'broker']);
    assert.deepEqual(await certificateNames(t, broker), ['better', 'better']);
    assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  });
}

test('SIGHUP while the broker starts is obeyed when it has', LIMIT, async (t) => {
  const broker = new TlsSite(t).launch();
  await broker.logged(/INFO: ID: \d+$/m);

  broker.signal('SIGHUP');
  await broker.listening();
  await broker.logged(/certificate reloaded$/m);

  assert.deepEqual(await certificateNames(t, broker), ['broker', 'broker']);
});

test('SIGHUP without a certificate ends the broker in order', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const first = await site.start();
  const publisher = await WireClient.connect(t, first, pub('orders', 'kept'));
  assert.equal(await publisher.nextText(), 'OK');

  const ending = await first.stop('SIGHUP');
  const second = await site.start();
  const consumer = await WireClient.connect(t, second, line('SUB', 'orders', 'billing'));
  consumer.send(line('RDY', 1));
  const texts = await consumer.texts(2);

  assert.deepEqual(ending, { code: 0, signal: null });
  assert.match(first.log, /NSQ: bye\n$/);
  assert.deepEqual(texts, ['OK', 'message: kept']);
});

/** Whose certificates new connections are shown: over TCP, and over HTTPS. */
async function certificateNames(t: TestContext, broker: BrokerProcess): Promise<string[]> {
  const client = await LayeredClient.connect(t, broker);
  await client.identify({ tls_v1: true });
  const secured = await client.secure();
  await client.expectOk();
  const { certificateName } = await askSecurely(broker, '/ping', INSECURE);
  return [String(secured.getPeerCertificate().subject.CN), certificateName];
}

/** A certificate of one, and the key of another. */
function strangers(): { cert: string; key: string } {
  const one = makeCertificate({ commonName: 'one' });
  const another = makeCertificate({ commonName: 'another' });
  return { cert: one.cert, key: another.key };
}
