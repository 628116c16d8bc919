import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from '../../scripts/bench/certificates.ts';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { line, pub, sized } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { FakeAuthServer } from '../support/fake-auth-server.ts';
import { FakeLookupd } from '../support/fake-lookupd.ts';
import { type Method, throwingPreload } from '../support/throwing-preload.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const IDENTIFY = Buffer.concat([line('IDENTIFY'), sized('{"heartbeat_interval":1000}')]);

/** A way into the broker from outside. */
type Entry = {
  readonly what: string;
  readonly method: Method;
  /** Starts what the broker is told of; returns its flags. */
  flags?(t: TestContext, site: BrokerSite): Promise<string[]>;
  /** Resolves when the method may throw. */
  ready?(broker: BrokerProcess): Promise<unknown>;
  /** Provokes it; clients that are to be ended are connected here. */
  provoke(t: TestContext, broker: BrokerProcess): Promise<void>;
  /** Of the line in the log, before what was thrown. */
  readonly logged: RegExp;
};

const ENTRIES: readonly Entry[] = [
  {
    what: 'a frame of an nsqlookupd',
    method: {
      module: 'main/peers/lookupd/reply-parser.ts',
      owner: 'ReplyParser',
      name: 'push',
    },
    flags: async (t) => {
      const lookupd = await FakeLookupd.start(t);
      // The first reply comes once the method throws.
      lookupd.reply = (command) =>
        command.startsWith('IDENTIFY') ? undefined : lookupd.goodReply(command);
      lookupdOf.set(t, lookupd);
      return [`--lookupd-tcp-address=${lookupd.address}`];
    },
    provoke: async (t) => {
      const lookupd = lookupdOf.get(t);
      await lookupd?.journal.until(/IDENTIFY/);
      lookupd?.say(lookupd.goodReply('IDENTIFY'));
      await lookupd?.journal.until(/closed/);
    },
    logged: /ERROR: LOOKUPD\(127\.0\.0\.1:\d+\): its input/,
  },
  {
    what: 'an HTTP answer of an nsqlookupd',
    method: { module: 'daemon/http-client.ts', owner: 'HttpClient', name: 'get' },
    flags: async (t) => {
      const lookupd = await FakeLookupd.start(t);
      lookupdOf.set(t, lookupd);
      return [`--lookupd-tcp-address=${lookupd.address}`];
    },
    ready: (broker) => broker.logged(/topics and channels to register/),
    provoke: async (_t, broker) => {
      assert.equal((await ask(broker, '/pub?topic=new', 'x')).text, 'OK');
    },
    logged: /ERROR: an nsqlookupd: its input/,
  },
  {
    what: 'an answer of an auth server',
    method: { module: 'main/auth/grant.ts', owner: 'Grant', name: 'parse', isStatic: true },
    flags: async (t) => {
      const server = await FakeAuthServer.start(t, () => '{}');
      return [`--auth-http-address=${server.address}`];
    },
    provoke: async (t, broker) => {
      const client = await WireClient.connect(t, broker, line('AUTH'), sized('secret'));
      assert.equal(await client.nextText(), 'error: E_AUTH_FAILED AUTH failed');
    },
    logged: /ERROR: auth server 127\.0\.0\.1:\d+: its input/,
  },
  {
    what: 'a report to statsd, in the time of its timer',
    method: { module: 'main/stats/stats-collector.ts', owner: 'StatsCollector', name: 'collect' },
    flags: async (t) => {
      const statsd = createSocket('udp4');
      t.after(() => statsd.close());
      statsd.bind(0, '127.0.0.1');
      await once(statsd, 'listening');
      return [`--statsd-address=127.0.0.1:${statsd.address().port}`, '--statsd-interval=1s'];
    },
    provoke: async (_t, broker) => {
      await broker.logged(/failed to collect stats for statsd/);
    },
    logged: /ERROR: statsd\(127\.0\.0\.1:\d+\): its input/,
  },
  {
    what: 'a signal',
    method: { module: 'daemon/tls/tls-context.ts', owner: 'TlsContext', name: 'reload' },
    flags: async (_t, { dataPath }) => {
      const { cert, key } = makeCertificate({ commonName: 'broker' });
      writeFileSync(join(dataPath, 'cert.pem'), cert);
      writeFileSync(join(dataPath, 'key.pem'), key);
      return [
        ...[`--tls-cert=${dataPath}/cert.pem`, `--tls-key=${dataPath}/key.pem`],
        '--https-address=127.0.0.1:0',
      ];
    },
    provoke: async (_t, broker) => {
      broker.signal('SIGHUP');
      await broker.logged(/the old certificate stays in use/);
    },
    logged: /ERROR: the new certificate: its input/,
  },
  {
    what: 'a signal that reloads policies',
    method: { module: 'main/policies/policy-store.ts', owner: 'PolicyStore', name: 'reload' },
    flags: async (_t, { dataPath }) => {
      const config = join(dataPath, 'ringmq.toml');
      writeFileSync(config, '[policy.p]\npattern = "*"\nmax-attempts = 5\n');
      return [`--config=${config}`];
    },
    provoke: async (_t, broker) => {
      broker.signal('SIGHUP');
    },
    logged: /ERROR: the policies of the configuration file/,
  },
  {
    what: 'a timer of a client',
    method: { module: 'main/tcp/connection.ts', owner: 'Connection', name: 'onHeartbeat' },
    provoke: async (t, broker) => {
      const client = await WireClient.connect(t, broker, IDENTIFY);
      assert.deepEqual(await client.textsToEnd(), ['OK']);
    },
    logged: /ERROR: 127\.0\.0\.1:\d+: its input/,
  },
  {
    what: 'a delivery of a worker thread',
    method: { module: 'main/tcp/connection.ts', owner: 'Connection', name: 'deliver' },
    provoke: async (t, broker) => {
      const client = await WireClient.connect(
        t,
        broker,
        line('SUB', 't', 'c'),
        line('RDY', 1),
        pub('t', 'body'),
      );
      assert.deepEqual(
        (await client.textsToEnd()).filter((text) => text !== 'OK'),
        [],
      );
    },
    logged: /ERROR: 127\.0\.0\.1:\d+: its input/,
  },
  {
    what: 'a refusal of a worker thread',
    method: { module: 'main/tcp/connection.ts', owner: 'Connection', name: 'refuse' },
    provoke: async (t, broker) => {
      const finish = line('FIN', '0123456789abcdef');
      const client = await WireClient.connect(t, broker, line('SUB', 't', 'c'), finish);
      assert.deepEqual(await client.textsToEnd(), ['OK']);
    },
    logged: /ERROR: 127\.0\.0\.1:\d+: its input/,
  },
  {
    what: 'a connection for HTTP',
    method: {
      module: 'daemon/connection-limit.ts',
      owner: 'ConnectionLimit',
      name: 'tryEnter',
    },
    provoke: async (t, broker) => {
      const client = await WireClient.connectSilently(t, broker.httpPort);
      assert.equal(await client.next(), null);
    },
    logged: /ERROR: HTTP client 127\.0\.0\.1:\d+: its input/,
  },
  {
    what: 'an answer of a worker thread',
    method: { module: 'main/tcp/response-order.ts', owner: 'ResponseOrder', name: 'settle' },
    flags: async () => ['--mem-queue-size=0'],
    provoke: async (t, broker) => {
      const client = await WireClient.connect(t, broker, pub('t', 'body'));
      assert.deepEqual(await client.textsToEnd(), []);
    },
    logged: /ERROR: 127\.0\.0\.1:\d+: its input/,
  },
  {
    what: 'a layer of a client',
    method: { module: 'main/tcp/client-transport.ts', owner: 'ClientTransport', name: 'compress' },
    provoke: async (t, broker) => {
      const wanted = sized('{"snappy":true,"feature_negotiation":true}');
      const client = await WireClient.connect(t, broker, line('IDENTIFY'), wanted);
      assert.equal((await client.textsToEnd()).length, 1);
    },
    logged: /ERROR: client\(127\.0\.0\.1:\d+\): its input/,
  },
];
const lookupdOf = new WeakMap<TestContext, FakeLookupd>();

for (const { what, method, flags, ready, provoke, logged } of ENTRIES) {
  test(`what ${what} makes throw ends its sender alone, logged and counted`, LIMIT, async (t) => {
    const site = new BrokerSite(t);
    const trigger = join(site.dataPath, 'throw-now');
    const broker = await site.start({
      flags: (await flags?.(t, site)) ?? [],
      nodeFlags: ['--import', throwingPreload(method, 'TypeError', trigger)],
    });
    await ready?.(broker);

    writeFileSync(trigger, '');
    await provoke(t, broker);

    await broker.logged(new RegExp(`${logged.source} cannot be handled - TypeError: provoked at `));
    rmSync(trigger);
    assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
    const statistics = JSON.parse((await ask(broker, '/stats?format=json')).text);
    assert.ok(statistics.failed_input_count >= 1);
    assert.doesNotMatch(broker.log, /FATAL/);
    assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  });
}
