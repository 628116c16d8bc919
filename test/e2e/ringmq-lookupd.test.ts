import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { BrokerProcess } from '../../scripts/kit/broker.ts';
import { Consumer } from '../../src/client/consumer.ts';
import { Producer } from '../../src/client/producer.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { Journal } from '../support/journal.ts';

const LIMIT = { timeout: 30_000 };

test(
  'ringmq lookupd: our broker registers, our consumer and nsqjs find it, SIGTERM ends it',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const local = ['--tcp-address=127.0.0.1:0', '--http-address=127.0.0.1:0'];
    const words = ['scripts/ringmq.cjs', 'lookupd', ...local, '--broadcast-address=127.0.0.1'];
    const stdio = ['ignore', 'ignore', 'pipe'] as const;
    const lookupd = new BrokerProcess(spawn(process.execPath, words, { stdio: [...stdio] }));
    t.after(() => lookupd.kill());
    await lookupd.listening();
    const lookupAddress = `127.0.0.1:${lookupd.httpPort}`;
    const flags = [
      `--lookupd-tcp-address=127.0.0.1:${lookupd.tcpPort}`,
      '--broadcast-address=127.0.0.1',
    ];
    const broker = await site.start({ flags });
    const producer = new Producer({ nsqd: [`127.0.0.1:${broker.tcpPort}`] });
    t.after(() => producer.close());
    await producer.publish('orders', 'one');
    await lookupd.logged(/REGISTER category:topic key:orders/);

    const received = new Journal();
    const consumer = new Consumer({ topic: 'orders', channel: 'ours', lookupd: [lookupAddress] });
    t.after(() => consumer.close());
    void consumer.run((message) => received.add(`ours ${message.text()}`));
    const { Reader } = createRequire(import.meta.url)('nsqjs');
    const reader = new Reader('orders', 'theirs', { lookupdHTTPAddresses: [lookupAddress] });
    t.after(async () => reader.close());
    reader.on('message', (message: { body: Buffer; finish(): void }) => {
      received.add(`theirs ${message.body.toString()}`);
      message.finish();
    });
    reader.connect();
    await lookupd.logged(/REGISTER category:channel key:orders subkey:theirs/);
    await producer.publish('orders', 'two');

    await received.until(/^ours two$/);
    await received.until(/^theirs two$/);
    process.kill(lookupd.pid, 'SIGTERM');
    assert.deepEqual(await lookupd.ended, { code: 0, signal: null });
    assert.match(lookupd.log, /^\[nsqlookupd\] \S+ \S+ INFO: nsqlookupd v1\.3\.0 \(built w\//m);
  },
);
