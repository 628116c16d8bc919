// Takes the screenshots of the page of `ringmq admin` in docs/ with a browser, from three brokers that get messages for
// some seconds.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { Consumer } from '../src/client/consumer.ts';
import { Producer } from '../src/client/producer.ts';
import { createBroker } from '../src/embedded/embedded.ts';
import { readArguments } from './kit/arguments.ts';
import { BrokerProcess } from './kit/broker.ts';

readArguments(
  `usage: node scripts/admin-pictures.ts

Takes the screenshots of the page of ringmq admin in docs/. It needs the browser that CHROMIUM names,
or /usr/bin/chromium.

Exit code: 0 done, 2 bad arguments.`,
  {},
);

const HOSTS = ['127.0.1.1', '127.0.1.2', '127.0.1.3'];
const TOPICS: Readonly<Record<string, readonly [channel: string, perSecond: number]>> = {
  audit: ['archive', 80],
  clicks: ['warehouse', 900],
  emails: ['sender', 60],
  inventory: ['search-index', 40],
  orders: ['billing', 320],
  payments: ['ledger', 120],
};
const ROUND_MS = 100;
const SHOWN_MS = 16_000;
const VIEWPORT = { width: 1180, height: 760 };
const docs = path.join(path.dirname(import.meta.dirname), 'docs');

const brokers = await Promise.all(
  HOSTS.map((host) =>
    createBroker({
      memory: true,
      tcpAddress: `${host}:0`,
      httpAddress: `${host}:4151`,
      broadcastAddress: host,
    }),
  ),
);
const tcp = brokers.map((broker, at) => `${HOSTS[at]}:${broker.tcpPort}`);
const producers = tcp.map((address) => new Producer({ nsqd: [address] }));
const consumers = Object.entries(TOPICS).map(([topic, [channel]]) => {
  const consumer = new Consumer({
    topic,
    channel,
    nsqd: tcp,
    clientId: `${channel}-1`,
    maxInFlight: 300,
  });
  if (channel !== 'archive') void consumer.run(() => wait(20), { concurrency: 300 });
  return consumer;
});
const traffic = setInterval(() => {
  for (const [at, producer] of producers.entries()) {
    for (const [topic, [, perSecond]] of Object.entries(TOPICS)) {
      const count = Math.ceil(
        (perSecond * ROUND_MS * (0.6 + Math.random() * 0.4)) / 1000 / (at + 1),
      );
      void producer.publishMany(
        topic,
        Array.from({ length: count }, () => ({ total: 12.5 })),
      );
    }
  }
}, ROUND_MS);
const admin = new BrokerProcess(
  spawn(
    process.execPath,
    [
      path.join(import.meta.dirname, 'ringmq.cjs'),
      'admin',
      '--http-address=127.0.0.1:0',
      ...HOSTS.map((host) => `--nsqd-http-address=${host}:4151`),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  ),
);
const [, port] = await admin.logged(/HTTP: listening on .*:(\d+)\n/);
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const page = await browser.newPage({ viewport: VIEWPORT, colorScheme: 'dark' });
await page.goto(`http://127.0.0.1:${port}/`);
await wait(SHOWN_MS);
await page.screenshot({ path: path.join(docs, 'admin-topics.png') });
for (const topic of ['audit', 'clicks', 'emails']) {
  await page.getByRole('checkbox', { name: `Select ${topic}` }).check();
}
await page.getByRole('button', { name: 'Delete', exact: true }).click();
await page.getByText('Nothing is done yet.').waitFor();
await page.getByRole('dialog').screenshot({ path: path.join(docs, 'admin-plan.png') });
await browser.close();
clearInterval(traffic);
await admin.kill();
await Promise.all([...consumers, ...producers].map((client) => client.close()));
await Promise.all(brokers.map((broker) => broker.close()));

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
