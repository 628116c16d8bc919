import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { BrokerProcess } from '../../scripts/kit/broker.ts';
import { Consumer } from '../../src/client/consumer.ts';
import { Producer } from '../../src/client/producer.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { Journal } from '../support/journal.ts';

const COMMAND = [
  'scripts/ringmq.cjs',
  'lookupd',
  '--tcp-address=127.0.0.1:0',
  '--http-address=127.0.0.1:0',
];
const LIMIT = { timeout: 120_000 };

test(
  'ringmq lookupd: our broker registers, our consumer and nsqjs find it, SIGTERM ends it',
  LIMIT,
  async (t) => {
    const site = new BrokerSite(t);
    const words = [...COMMAND, '--broadcast-address=127.0.0.1'];
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

test(
  'ringmq lookupd: SIGHUP opens --log-file again, and takes what has changed in --config',
  LIMIT,
  async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-lookupd-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const config = path.join(directory, 'lookupd.cfg');
    const log = path.join(directory, 'lookupd.log');
    writeFileSync(config, 'log_prefix = "[a] "\n');
    const lookupd = spawn(
      process.execPath,
      [...COMMAND, `--config=${config}`, `--log-file=${log}`],
      { stdio: 'ignore' },
    );
    t.after(() => void lookupd.kill('SIGKILL'));
    const logged = async (file: string, pattern: RegExp): Promise<void> => {
      while (!existsSync(file) || !pattern.test(readFileSync(file, 'utf8'))) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await logged(log, /HTTP: listening/);

    renameSync(log, `${log}.1`);
    writeFileSync(config, 'log_prefix = "[b] "\ntombstone_lifetime = "1s"\n');
    lookupd.kill('SIGHUP');
    await logged(log, /changed options need a restart/);
    writeFileSync(config, 'tombstone_lifetime = "never"\n');
    lookupd.kill('SIGHUP');
    await logged(log, /the old configuration stays in force/);
    lookupd.kill('SIGTERM');
    const [code] = await once(lookupd, 'exit');

    assert.equal(code, 0);
    assert.deepEqual(
      readFileSync(log, 'utf8')
        .match(/(?<=(INFO|WARNING|ERROR): ).*/g)
        ?.slice(0, 5),
      [
        'log file reopened',
        'option tombstone_lifetime is changed',
        'changed options need a restart: log_prefix',
        'log file reopened',
        `the old configuration stays in force - failed to load config file ${config} - ` +
          'line 1: invalid value "never" for tombstone_lifetime: invalid duration; write for example 60s, 250ms or 1m30s',
      ],
    );
  },
);
