import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { line, MAGIC, pub, sized } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { FakeAuthServer } from '../support/fake-auth-server.ts';
import { FakeLookupd } from '../support/fake-lookupd.ts';
import { Journal } from '../support/journal.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');
const EVERYTHING = { topic: '.*', channels: ['.*'], permissions: ['publish', 'subscribe'] };

for (const [host, written, inPrefix, inQuery] of [
  ['127.0.0.1', '127.0.0.1', '127_0_0_1', '127.0.0.1'],
  ['::1', '[::1]', '[__1]', '%3A%3A1'],
] as const) {
  test(`addresses: every one that is taken or shown may be of ${host}`, {
    ...LIMIT,
    skip: host === '::1' && !HAS_IPV6 ? 'there is no IPv6' : false,
  }, async (t) => {
    const lookupd = await FakeLookupd.start(t, host);
    const auth = await FakeAuthServer.start(
      t,
      () => ({ ttl: 3600, identity: 'joe', authorizations: [EVERYTHING] }),
      host,
    );
    const statsd = await listen(t, host);
    const broker = await new BrokerSite(t).start({
      flags: [
        `--tcp-address=${written}:0`,
        `--http-address=${written}:0`,
        `--broadcast-address=${host}`,
        `--lookupd-tcp-address=${lookupd.address}`,
        `--auth-http-address=${auth.address}`,
        `--statsd-address=${written}:${statsd.port}`,
        '--statsd-interval=1s',
      ],
    });
    const client = await WireClient.connectSilently(t, broker.tcpPort, host);
    client.send(
      MAGIC,
      line('AUTH'),
      sized('secret'),
      pub('orders', 'one'),
      line('SUB', 'orders', 'c'),
    );
    const [authorized, ...answers] = await client.texts(3);
    const url = `http://${written}:${broker.httpPort}`;
    const stats = await (await fetch(`${url}/stats?format=json&topic=orders`)).text();
    const text = await (await fetch(`${url}/stats?topic=orders`)).text();
    const info = await (await fetch(`${url}/info`)).text();
    await lookupd.journal.until(/^REGISTER orders c$/);
    await statsd.lines.until(/topic\.orders\./);

    assert.match(String(authorized), /"identity":"joe"/);
    assert.deepEqual(answers, ['OK', 'OK']);
    const remote = /"remote_address":"([^"]*)"/.exec(stats)?.[1] ?? '';
    assert.equal(remote.slice(0, remote.lastIndexOf(':')), written, stats);
    // As in nsqd, this is the client's host name and its port; the name is its address if it gave none.
    assert.ok(text.includes(`[V2 ${host}:${remote.slice(remote.lastIndexOf(':') + 1)} `), text);
    assert.equal(JSON.parse(info).broadcast_address, host);
    assert.match(auth.journal.lines[0] ?? '', new RegExp(`[?&]remote_ip=${inQuery}&`));
    const identity = lookupd.journal.matching(/^IDENTIFY /)[0] ?? '';
    assert.equal(JSON.parse(identity.slice('IDENTIFY '.length)).broadcast_address, host);
    const prefix = `nsq.${inPrefix}_${broker.httpPort}.`;
    assert.deepEqual(
      statsd.lines.lines.filter((one) => !one.startsWith(prefix)),
      [],
    );
    for (const shown of [
      `TCP: listening on ${written}:${broker.tcpPort}\n`,
      `HTTP: listening on ${written}:${broker.httpPort}\n`,
      `TCP: new client(${remote})`,
      `LOOKUPD(${lookupd.address}): `,
      `STATSD: pushing stats to ${written}:${statsd.port}\n`,
    ]) {
      assert.ok(broker.log.includes(shown), `${shown}\n${broker.log}`);
    }
    assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  });
}

/** A statsd at this host: the lines that it is told. */
async function listen(t: TestContext, host: string) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const lines = new Journal();
  socket.on('message', (bytes) => {
    for (const one of bytes.toString().split('\n').slice(0, -1)) lines.add(one);
  });
  socket.bind(0, host);
  await once(socket, 'listening');
  t.after(() => void socket.close());
  return { port: socket.address().port, lines };
}
