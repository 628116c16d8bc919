// TLS and credentials between a broker and the real nats-server, where it is installed.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeCertificate, writeFiles } from '../../scripts/bench/certificates.ts';
import { pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { makeCredentials } from '../support/nats-credentials.ts';
import { type NatsServer, natsMissing, startNats } from '../support/nats-site.ts';
import { setPolicy } from '../support/policies.ts';
import { publish } from '../support/stored-topics.ts';

const OPTIONS = { timeout: 120_000, skip: natsMissing };

/** The answer to a publish to a stored topic at a broker that is started with these flags and connects. */
async function published(t: TestContext, server: NatsServer, flags: readonly string[]) {
  const url = `--nats-url=nats://localhost:${server.port}`;
  const broker = await new BrokerSite(t).start({ flags: [url, ...flags] });
  await broker.logged(/STORE: connected/);
  await setPolicy(broker, 'kept', { pattern: 'r.*', store: 'nats' });
  return publish(t, broker, pub('r.access', 'x'));
}

/** Why a broker that is started with these flags does not connect, as it logs it. */
async function connectFailure(server: NatsServer, site: BrokerSite, flags: readonly string[]) {
  const url = `--nats-url=nats://localhost:${server.port}`;
  const broker = site.launch({ flags: [url, ...flags] });
  return (await broker.logged(/STORE: failed to connect to the store - (.*)/))[1];
}

test(
  '--nats-tls-ca, --nats-tls-cert, --nats-tls-key: broker and server prove who they are',
  OPTIONS,
  async (t) => {
    const authority = makeCertificate({ commonName: 'authority', isAuthority: true });
    const ofServer = makeCertificate({ commonName: 'localhost', issuer: authority });
    const ofBroker = makeCertificate({ commonName: 'broker', issuer: authority });
    const files = writeFiles(t, {
      ca: authority.cert,
      ...{ serverCert: ofServer.cert, serverKey: ofServer.key },
      ...{ brokerCert: ofBroker.cert, brokerKey: ofBroker.key },
    });
    const tls = [
      `tls { cert_file: "${files.serverCert}", key_file: "${files.serverKey}"`,
      `  ca_file: "${files.ca}", verify: true }`,
    ];
    const [server] = await startNats(t, 1, tls);
    const ca = `--nats-tls-ca=${files.ca}`;
    const own = [`--nats-tls-cert=${files.brokerCert}`, `--nats-tls-key=${files.brokerKey}`];

    assert.equal(await published(t, server, [ca, ...own]), 'OK');
    assert.match(await connectFailure(server, new BrokerSite(t), own), /certificate/);
    // How the server ends such a connection depends on its version.
    assert.notEqual(await connectFailure(server, new BrokerSite(t), [ca]), '');
  },
);

test(
  '--nats-credentials: a server in operator mode lets the broker in, and no other',
  OPTIONS,
  async (t) => {
    const { config, text } = makeCredentials();
    const [server] = await startNats(t, 1, config);
    const { user } = writeFiles(t, { user: text });
    const { stranger } = writeFiles(t, { stranger: makeCredentials().text });

    assert.equal(await published(t, server, [`--nats-credentials=${user}`]), 'OK');
    const refused = await connectFailure(server, new BrokerSite(t), [
      `--nats-credentials=${stranger}`,
    ]);
    assert.match(refused, /Authorization Violation/i);
  },
);
