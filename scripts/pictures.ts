// Takes the screenshots of the page in docs/ with a browser, from a broker that gets messages for some seconds. The
// history of the last hour is generated: a screenshot should not take an hour.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page, type Route } from 'playwright-core';
import { Consumer } from '../src/client/consumer.ts';
import { Producer } from '../src/client/producer.ts';
import { createBroker } from '../src/embedded/embedded.ts';
import { readArguments } from './kit/arguments.ts';

readArguments(
  `usage: node scripts/pictures.ts

Takes the screenshots of the page of a broker in docs/. It needs the browser that CHROMIUM names, or
/usr/bin/chromium.

Exit code: 0 done, 2 bad arguments.`,
  {},
);

type Shot = {
  readonly name: string;
  readonly hash: string;
  readonly colorScheme: 'dark' | 'light';
  readonly width?: number;
  /** Whether messages are listed first, or listed and one of them opened; missing if neither. */
  readonly messages?: 'list' | 'one';
};

type Topic = {
  readonly name: string;
  /** Channels whose name ends in `!` have no consumer. */
  readonly channels: readonly string[];
  readonly perSecond: number;
};

const TOPICS: readonly Topic[] = [
  { name: 'audit', channels: ['archive!'], perSecond: 80 },
  { name: 'clicks', channels: ['realtime#ephemeral', 'warehouse'], perSecond: 900 },
  { name: 'emails', channels: ['sender'], perSecond: 60 },
  { name: 'inventory', channels: ['search-index'], perSecond: 40 },
  { name: 'orders', channels: ['analytics', 'billing', 'shipping'], perSecond: 320 },
  { name: 'orders.dead', channels: [], perSecond: 1 },
  { name: 'payments', channels: ['fraud-check', 'ledger'], perSecond: 120 },
  { name: 'thumbnails', channels: ['renderer'], perSecond: 10 },
];
const SHOTS: readonly Shot[] = [
  { name: 'page-topics-dark', hash: '#/', colorScheme: 'dark' },
  { name: 'page-topics-light', hash: '#/', colorScheme: 'light' },
  { name: 'page-channel', hash: '#/topics/orders/channels/billing', colorScheme: 'dark' },
  {
    name: 'page-messages',
    hash: '#/topics/payments/channels/fraud-check',
    colorScheme: 'light',
    messages: 'list',
  },
  {
    name: 'page-message',
    hash: '#/topics/payments/channels/fraud-check',
    colorScheme: 'dark',
    messages: 'one',
  },
  { name: 'page-node', hash: '#/node', colorScheme: 'dark' },
  { name: 'page-phone', hash: '#/', colorScheme: 'dark', width: 390 },
];

const ROUND_MS = 100;
const WARM_UP_MS = 8000;
const SHOWN_MS = 6000;
const POINTS = 79;
const INTERVAL_MS = 45_000;
const docs = path.join(path.dirname(import.meta.dirname), 'docs');

const dataPath = mkdtempSync(path.join(tmpdir(), 'ringmq-pictures-'));
const broker = await createBroker({
  dataPath,
  tcpAddress: '127.0.0.1:0',
  httpAddress: '127.0.0.1:0',
  broadcastAddress: 'broker-1.internal',
  broadcastHttpPort: 4151,
});
const nsqd = [`127.0.0.1:${broker.tcpPort}`];
const base = `http://127.0.0.1:${broker.httpPort}`;
const producer = new Producer({ nsqd });
const consumers: Consumer[] = [];
for (const { name, channels } of TOPICS) {
  await ask(`/topic/create?topic=${name}`);
  for (const channel of channels) {
    const own = channel.replace('!', '');
    await ask(`/channel/create?topic=${name}&channel=${encodeURIComponent(own)}`);
    if (own === channel) consume(name, own, own === 'billing' ? 3 : 1);
  }
}
const traffic = setInterval(() => void publishAll(), ROUND_MS);
await wait(WARM_UP_MS);
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const shot of SHOTS) await take(browser, shot);
await browser.close();
clearInterval(traffic);
await Promise.all(consumers.map((consumer) => consumer.close()));
await producer.close();
await broker.close();
rmSync(dataPath, { recursive: true });

async function take(own: Browser, shot: Shot): Promise<void> {
  const { name, hash, colorScheme, width = 1280 } = shot;
  const viewport = { width, height: width < 500 ? 844 : 820 };
  const page = await own.newPage({ viewport, colorScheme });
  await page.route('**/ui/history*', (route) => fulfil(route));
  await page.goto(`${base}/ui/${hash}`);
  await wait(SHOWN_MS);
  if (shot.messages !== undefined) await browse(page, shot.messages);
  const file = path.join(docs, `${name}.png`);
  await page.screenshot({ path: file });
  await page.close();
  console.log(file);
}

async function browse(page: Page, what: 'list' | 'one'): Promise<void> {
  const panel = page.getByRole('region', { name: 'Messages' });
  await panel.getByRole('button', { name: 'Browse' }).click();
  const first = panel.getByRole('row').getByRole('button').first();
  await first.waitFor();
  await panel
    .evaluate((element: { offsetTop: number }) => element.offsetTop)
    .then((top) => page.evaluate(`scrollTo(0, ${top - 70})`));
  if (what === 'one') {
    await first.click();
    await page.getByRole('dialog').waitFor();
  }
}

/** An hour whose last point matches the current values: rates that rise and fall, and a queue that was long once. */
async function fulfil(route: Route): Promise<void> {
  const url = new URL(route.request().url());
  const topic = url.searchParams.get('topic');
  const rate = TOPICS.filter(({ name }) => topic === null || name === topic).reduce(
    (sum, { perSecond, channels }) => ({
      in: sum.in + perSecond,
      out: sum.out + perSecond * channels.filter((one) => !one.endsWith('!')).length,
    }),
    { in: 0, out: 0 },
  );
  const isChannel = url.searchParams.has('channel');
  const series = {
    in: [] as number[],
    out: [] as number[],
    depth: [] as number[],
    inFlight: [] as number[],
    deferred: [] as number[],
  };
  for (let at = 0; at < POINTS; at++) {
    const wave =
      1 + 0.16 * Math.sin(at / 11) + 0.05 * Math.sin(at * 1.7) - 0.1 * ((POINTS - at) / POINTS);
    const isSlow = at > 34 && at < 42;
    const isCatchingUp = at >= 42 && at < 50;
    series.in.push(rate.in * wave);
    const share = isSlow ? 0.55 : isCatchingUp ? 1.4 : 1;
    series.out.push((isChannel ? rate.in : rate.out) * wave * share);
    const last = series.depth.at(-1) ?? 0;
    const idle = rate.in * (0.02 + 0.02 * Math.abs(Math.sin(at * 2.3)));
    series.depth.push(
      isSlow ? last + rate.in * 2 : isCatchingUp ? Math.max(idle, last - rate.in * 2.1) : idle,
    );
    series.inFlight.push(rate.in * 0.3 * wave);
    series.deferred.push(rate.in * (0.5 + 0.2 * Math.sin(at / 17)));
  }
  await route.fulfill({
    json: { history: { endMs: Date.now(), intervalMs: INTERVAL_MS, ...series } },
  });
}

function consume(topic: string, channel: string, count: number): void {
  for (let number = 1; number <= count; number++) {
    const consumer = new Consumer({
      topic,
      channel,
      nsqd,
      clientId: `${channel.replace('#ephemeral', '')}-${number}`,
      maxInFlight: 200,
      maxBackoffMs: 0,
    });
    consumers.push(consumer);
    const handle = async (message: {
      requeue(how: { delayMs: number }): Promise<boolean>;
    }): Promise<void> => {
      await wait(10 + Math.random() * (channel === 'fraud-check' ? 900 : 50));
      if (Math.random() < 0.02) await message.requeue({ delayMs: 4000 });
    };
    void consumer.run(handle, { concurrency: 200 });
  }
}

async function publishAll(): Promise<void> {
  for (const { name, perSecond } of TOPICS) {
    const wanted = (perSecond * ROUND_MS) / 1000;
    const count = Math.floor(wanted * (0.85 + Math.random() * 0.3) + Math.random());
    const bodies = Array.from({ length: count }, (_, at) => ({ order: at, total: 12.5 }));
    if (count > 0) await producer.publishMany(name, bodies);
  }
}

async function ask(what: string): Promise<void> {
  const response = await fetch(base + what, { method: 'POST' });
  if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
