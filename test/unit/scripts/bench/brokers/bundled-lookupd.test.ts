import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import {
  BundledLookupd,
  findBrokers,
} from '../../../../../scripts/bench/brokers/bundled-lookupd.ts';
import { CleanUp } from '../../../../../scripts/bench/clean-up.ts';
import { ask } from '../../../../../scripts/bench/server-queries.ts';
import { helloBytes } from '../../../../../src/main/peers/lookupd/peer-info.ts';

test('BundledLookupd: consumers find the brokers that have registered', async (t) => {
  const cleanUp = new CleanUp();
  t.after(() => cleanUp.run());
  const lookupd = await BundledLookupd.start(cleanUp);
  assert.deepStrictEqual(await findBrokers(lookupd.httpAddress, 'orders', 0), []);

  for (const tcpPort of [5150, 6150]) {
    const socket = net.connect(lookupd.address);
    t.after(() => socket.destroy());
    const hello = helloBytes({
      broadcastAddress: '127.0.0.1',
      hostname: 'host',
      httpPort: tcpPort + 1,
      tcpPort,
      topologyRegion: '',
      topologyZone: '',
    });
    socket.write(Buffer.concat([hello, Buffer.from('REGISTER orders billing\n')]));
    await once(socket, 'data');
  }

  const found = await findBrokers(lookupd.httpAddress, 'orders', 2);
  assert.deepStrictEqual(
    found.toSorted((a, b) => a.port - b.port),
    [
      { host: '127.0.0.1', port: 5150 },
      { host: '127.0.0.1', port: 6150 },
    ],
  );
  const channels = await ask(lookupd.httpAddress, 'GET', '/channels?topic=orders');
  assert.deepStrictEqual(JSON.parse(channels), { channels: ['billing'] });
  await assert.rejects(findBrokers(lookupd.httpAddress, 'orders', 1), {
    message: /^the nsqlookupd at 127\.0\.0\.1:\d+ knows 2 brokers of topic "orders" instead of 1$/,
  });
});
