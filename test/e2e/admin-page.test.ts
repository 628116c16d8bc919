// The page of `ringmq admin` in a real browser: two brokers and an nsqlookupd, one fleet for all tests.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { BrokerProcess } from '../../scripts/kit/broker.ts';
import { Consumer } from '../../src/client/consumer.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { topicStats } from '../support/broker-stats.ts';
import { BrowserSite, WITHOUT_BROWSER } from '../support/browser.ts';

const RINGMQ = 'scripts/ringmq.cjs';

describe('admin page', { timeout: 120_000 }, () => {
  const cleanUps: (() => Promise<void>)[] = [];
  const life = { after: (fn: () => Promise<void>) => void cleanUps.push(fn) };
  const brokers: BrokerProcess[] = [];
  let lookupd: BrokerProcess;
  let admin: BrokerProcess;
  let port = '';

  before(async () => {
    lookupd = start('lookupd', [
      '--tcp-address=127.0.0.1:0',
      '--http-address=127.0.0.1:0',
      '--broadcast-address=127.0.0.1',
    ]);
    await lookupd.listening();
    const flags = [
      `--lookupd-tcp-address=127.0.0.1:${lookupd.tcpPort}`,
      '--broadcast-address=127.0.0.1',
    ];
    brokers.push(...(await Promise.all([1, 2].map(() => new BrokerSite(life).start({ flags })))));
    for (const broker of brokers) await post(broker, '/topic/create?topic=orders');
    for (const broker of brokers)
      await post(broker, '/channel/create?topic=orders&channel=billing');
    await post(brokers[0], '/topic/create?topic=audit');
    await lookupd.logged(/(REGISTER [^\n]*key:orders subkey:billing[\s\S]*){2}/);
    admin = start('admin', [
      '--http-address=127.0.0.1:0',
      '--base-path=/mq',
      '--admin-user=alice',
      '--graphite-url=http://graphite.example',
      `--lookupd-http-address=127.0.0.1:${lookupd.httpPort}`,
    ]);
    [, port] = await admin.logged(/HTTP: listening on .*:(\d+)\n/);
  });
  after(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  const start = (name: string, flags: readonly string[]): BrokerProcess => {
    const child = spawn(process.execPath, [RINGMQ, name, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const program = new BrokerProcess(child);
    life.after(async () => void (await program.kill()));
    return program;
  };
  const post = async (broker: BrokerProcess, url: string, body: string | null = null) => {
    const response = await fetch(`http://127.0.0.1:${broker.httpPort}${url}`, {
      method: 'POST',
      body,
    });
    assert.equal(response.status, 200, await response.text());
  };
  const address = (hash: string): string => `http://127.0.0.1:${port}/mq${hash}`;
  const nodeAddress = (at: number): string => `127.0.0.1:${brokers[at].httpPort}`;
  const paused = async (topic: string): Promise<(boolean | undefined)[]> =>
    Promise.all(brokers.map(async (broker) => (await topicStats(broker, topic))?.paused));

  describe('in a browser', { skip: WITHOUT_BROWSER }, () => {
    let browser: BrowserSite;
    let page: Page;

    before(async () => {
      browser = new BrowserSite(life);
      page = await browser.open('about:blank');
      await page.setExtraHTTPHeaders({ 'x-forwarded-user': 'alice' });
    });

    const press = (name: string): Promise<void> =>
      page.getByRole('button', { name, exact: true }).click();
    const tile = async (label: string, value: string): Promise<void> => {
      const dd = page.locator('.tile', { has: page.locator('dt', { hasText: label }) });
      await dd.filter({ hasText: value }).first().waitFor();
    };

    test('topics: added up; several are paused and deleted after a list of what would be done', async () => {
      for (const broker of brokers) await post(broker, '/pub?topic=orders', 'x');
      await page.goto(address(''));
      await page.getByText('2 brokers', { exact: true }).waitFor();
      await tile('Waiting', '2');
      await page.getByRole('checkbox', { name: 'Select orders' }).check();
      await press('Pause');
      const dialog = page.getByRole('dialog');
      await dialog.getByText('Nothing is done yet.').waitFor();
      const [one, two] = [nodeAddress(0), nodeAddress(1)];
      const plan = (await dialog.getByRole('listitem').allTextContents()).map((text) =>
        text.split(/[ ,:]+/).toSorted(),
      );
      assert.deepEqual(plan, [
        `orders Pause on 2 brokers ${one} ${two}`.split(/[ ,:]+/).toSorted(),
      ]);
      assert.deepEqual(await paused('orders'), [false, false]);
      await dialog.getByRole('button', { name: 'Pause 1 topic' }).click();
      await page.getByText('1 topic paused').waitFor();
      assert.deepEqual(await paused('orders'), [true, true]);
      await page.getByRole('row', { name: /orders.*paused/ }).waitFor();

      for (const name of ['one', 'two']) await post(brokers[1], `/topic/create?topic=old-${name}`);
      await page.keyboard.press('/');
      await page.keyboard.type('old-');
      await page.getByRole('link', { name: 'old-two' }).waitFor();
      await page.getByRole('link', { name: 'orders' }).waitFor({ state: 'detached' });
      await press('Select all shown');
      await press('Delete');
      const remove = dialog.getByRole('button', { name: 'Delete 2 topics' });
      await dialog
        .getByText(/in 1 nsqlookupd/)
        .first()
        .waitFor();
      await dialog.getByText('Nothing is done yet.').waitFor();
      assert.equal(await remove.isDisabled(), true);
      await dialog.getByRole('textbox').fill('2 topics');
      await remove.click();
      await page.getByText('2 topics deleted').waitFor();
      assert.equal(await topicStats(brokers[1], 'old-one'), undefined);
      await page.getByText('Nothing matches the search.').waitFor();
    });

    test('a topic and a channel by nsqadmin’s paths: brokers, consumers, steered on all brokers', async (t) => {
      await page.goto(address('/topics/orders/billing'));
      await page.waitForURL(/mq\/#\/topics\/orders\/channels\/billing$/);
      const nsqd = brokers.map(({ tcpPort }) => `127.0.0.1:${tcpPort}`);
      const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd, clientId: 'b-1' });
      t.after(() => consumer.close());
      void consumer.run(() => undefined);
      const consumers = page.getByRole('row').filter({ hasText: 'b-1' });
      for (const at of [0, 1]) await consumers.filter({ hasText: nodeAddress(at) }).waitFor();
      await page.goto(address(`/nodes/${nodeAddress(1)}`));
      await page.getByRole('link', { name: 'orders', exact: true }).click();
      await page.getByRole('link', { name: 'billing', exact: true }).click();
      await consumers.filter({ hasText: nodeAddress(1) }).waitFor();
      assert.equal(await consumers.count(), 1);
      assert.equal(await page.getByRole('button', { name: 'Pause' }).count(), 0);
      await page.getByRole('link', { name: 'On all brokers' }).click();
      await consumers.filter({ hasText: nodeAddress(0) }).waitFor();
      await page.goto(address('/topics/orders'));
      await page.getByRole('link', { name: nodeAddress(1) }).waitFor();
      const graph = await page.getByRole('link', { name: 'On disk' }).getAttribute('href');
      assert.match(String(graph), /^http:\/\/graphite\.example\/render\?target=.*orders/);
      assert.equal(await page.getByRole('button', { name: 'Publish' }).count(), 0);
      await page.locator('.head').getByRole('button', { name: 'Unpause' }).click();
      await page.getByText('orders is unpaused').waitFor();
      assert.deepEqual(await paused('orders'), [false, false]);
      await tile('Waiting', '0');
      await page.goto(address('/counter'));
      await page.getByRole('paragraph').filter({ hasText: /^2$/ }).waitFor();
    });

    test('brokers: their pages, and a topic that is tombstoned', async () => {
      await page.goto(address('/nodes'));
      const row = page.getByRole('row', { name: new RegExp(`^${nodeAddress(0)}`) });
      await row.getByText('1 of 1').waitFor();
      const own = row.getByRole('link', { name: 'Open' });
      await own.waitFor();
      assert.equal(await own.getAttribute('href'), `http://${nodeAddress(0)}/ui/`);
      await row.getByRole('link', { name: nodeAddress(0) }).click();
      const audit = page.getByRole('row', { name: /^audit/ });
      await audit.getByRole('button', { name: 'Tombstone' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox').fill('audit');
      await dialog.getByRole('button', { name: 'Tombstone' }).click();
      await page.getByText('audit is tombstoned on').waitFor();
      await audit.waitFor({ state: 'detached' });
      assert.equal(await topicStats(brokers[0], 'audit'), undefined);
    });

    test('lookup: a topic is made and deleted where no broker has it', async () => {
      await page.goto(address('/lookup'));
      await page.getByText(`127.0.0.1:${lookupd.httpPort}`).waitFor();
      await page.getByRole('textbox', { name: 'Topic' }).fill('planned');
      await press('Create');
      await press('Delete planned');
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox').fill('planned');
      await dialog.getByRole('button', { name: 'Delete' }).click();
      await page.getByText('planned is deleted').waitFor();
      await page.getByRole('button', { name: 'Delete planned' }).waitFor({ state: 'detached' });
    });

    test('who is no admin sees all and changes nothing; the policy was never broken', async () => {
      await page.setExtraHTTPHeaders({ 'x-forwarded-user': 'bob' });
      await page.goto(address('/topics/orders'));
      await page.getByRole('link', { name: nodeAddress(1) }).waitFor();
      for (const name of ['Pause', 'Empty', 'Delete']) {
        const buttons = await page.getByRole('button', { name, exact: true }).all();
        for (const button of buttons) assert.equal(await button.isDisabled(), true, name);
      }
      assert.equal(await page.getByRole('button', { name: 'Tombstone' }).count(), 0);
      const tree = await page.locator('body').ariaSnapshot();
      assert.doesNotMatch(tree, /^\s*- (?:button|link|textbox|searchbox|combobox|checkbox):?$/m);
      assert.deepEqual(browser.complaints, []);
    });
  });

  test('--log-file: the log goes on in a new file after SIGHUP', async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-admin-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = path.join(directory, 'admin.log');
    const words = [
      RINGMQ,
      'admin',
      '--http-address=127.0.0.1:0',
      `--nsqd-http-address=${nodeAddress(0)}`,
      `--log-file=${file}`,
    ];
    const child: ChildProcess = spawn(process.execPath, words, { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    const text = (name: string): string => (existsSync(name) ? readFileSync(name, 'utf8') : '');
    const until = async (name: string, pattern: RegExp): Promise<void> => {
      while (!pattern.test(text(name))) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(file, /HTTP: listening on/);
    renameSync(file, `${file}.1`);
    child.kill('SIGHUP');
    await until(file, /log file reopened/);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');

    assert.equal(code, 0);
    assert.match(text(`${file}.1`), /HTTP: listening on/);
    assert.match(text(file), /received SIGTERM, ending/);
  });
});
