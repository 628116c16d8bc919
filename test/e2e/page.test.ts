// The page in a real browser, with its buttons pressed. One broker for all tests: each has topics of its own.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { Consumer } from '../../src/client/consumer.ts';
import { accessFile } from '../support/access-file.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, topicStats } from '../support/broker-stats.ts';
import { BrowserSite, showView, WITHOUT_BROWSER } from '../support/browser.ts';

const OPTIONS = { timeout: 300_000, skip: WITHOUT_BROWSER };

describe('page', OPTIONS, () => {
  const cleanUps: (() => Promise<void>)[] = [];
  const life = { after: (fn: () => Promise<void>) => void cleanUps.push(fn) };
  let broker: BrokerProcess;
  let browser: BrowserSite;
  let page: Page;

  before(async () => {
    broker = await new BrokerSite(life).start();
    browser = new BrowserSite(life);
    page = await browser.open(address(''));
  });
  after(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  const address = (hash: string): string => `http://127.0.0.1:${broker.httpPort}/ui/${hash}`;
  const go = (hash: string): Promise<void> => showView(page, hash);
  const post = async (path: string, body: string | null = null): Promise<void> => {
    assert.equal((await ask(broker, path, body)).status, 200, path);
  };
  const topicOf = (name: string) => topicStats(broker, name);
  const press = (name: string): Promise<void> => {
    return page.getByRole('button', { name, exact: true }).click();
  };
  /** Presses what destroys, and types the name that it asks for. */
  const confirm = async (button: string, name: string, action: string): Promise<void> => {
    await press(button);
    const last = page.getByRole('button', { name: action });
    assert.equal(await last.isDisabled(), true);
    await page.getByRole('dialog').getByRole('textbox').fill(`${name}x`);
    assert.equal(await last.isDisabled(), true);
    await page.getByRole('dialog').getByRole('textbox').fill(name);
    await last.click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  };
  const tile = async (label: string, value: string): Promise<void> => {
    const dd = page.locator('.tile', { has: page.locator('dt', { hasText: label }) });
    await dd.filter({ hasText: value }).first().waitFor();
  };

  test('no topics yet: it says how to make one; then one is made and published to', async () => {
    await page.getByText('No topics yet').waitFor();
    await page.getByText(`http://127.0.0.1:${broker.httpPort}/pub?topic=greetings`).waitFor();
    await press('New topic');
    await page.getByRole('textbox', { name: /^Name/ }).fill('made here');
    assert.equal(await page.getByRole('button', { name: 'Create' }).isDisabled(), true);
    await page.getByRole('textbox', { name: /^Name/ }).fill('greetings');
    await press('Create');
    await page.getByRole('heading', { name: 'greetings', level: 1 }).waitFor();
    await press('Publish');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Message' }).fill('{"hello": "world"}');
    await dialog.getByText('18 bytes, valid JSON').waitFor();
    await dialog.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Published 18 bytes to greetings').waitFor();
    await tile('Waiting', '1');

    assert.equal((await topicOf('greetings'))?.depth, 1);
  });

  test('a topic: paused, gone on, emptied, deleted', async () => {
    await post('/pub?topic=steered', 'x');
    await go('#/topics/steered');
    await press('Pause');
    await page.getByText('steered is paused').waitFor();
    await page.getByRole('button', { name: 'Unpause' }).waitFor();
    assert.equal((await topicOf('steered'))?.paused, true);
    await press('Unpause');
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    assert.equal((await topicOf('steered'))?.paused, false);
    await confirm('Empty', 'steered', 'Discard messages');
    assert.equal((await topicOf('steered'))?.depth, 0);
    await confirm('Delete', 'steered', 'Delete topic');
    await page.waitForURL(address('#/'));
    assert.equal(await topicOf('steered'), undefined);
    await go('#/topics/steered');
    await page.getByText('There is no topic steered').waitFor();
  });

  test('a channel: made, its consumers shown, paused, emptied, deleted', async (t) => {
    await post('/topic/create?topic=orders');
    await go('#/topics/orders');
    await press('New channel');
    await page.getByRole('textbox', { name: /^Name/ }).fill('billing#ephemeral');
    await press('Create');
    await page.getByRole('link', { name: 'billing#ephemeral' }).waitFor();
    await post('/channel/create?topic=orders&channel=billing');
    await page.getByRole('link', { name: 'billing', exact: true }).click();
    await page.getByText('No consumers').waitFor();
    await post('/channel/pause?topic=orders&channel=billing');
    const consumer = new Consumer({
      topic: 'orders',
      channel: 'billing',
      nsqd: [`127.0.0.1:${broker.tcpPort}`],
      clientId: 'billing-1',
      maxInFlight: 7,
    });
    t.after(() => consumer.close());
    const running = consumer.run(() => undefined);
    await page.getByRole('row', { name: /^billing-1.* 7 / }).waitFor();
    await post('/pub?topic=orders', 'one');
    await tile('Waiting', '1');
    await press('Unpause');
    await tile('Waiting', '0');
    await consumer.close();
    await running;
    await press('Pause');
    await page.getByRole('button', { name: 'Unpause' }).waitFor();
    await post('/pub?topic=orders', 'two');
    await confirm('Empty', 'billing', 'Discard messages');
    assert.deepEqual(
      (await topicOf('orders'))?.channels.map(({ channel_name, depth, paused }) => [
        channel_name,
        depth,
        paused,
      ]),
      [
        ['billing', 0, true],
        ['billing#ephemeral', 2, false],
      ],
    );
    await confirm('Delete', 'billing', 'Delete channel');
    await page.waitForURL(address('#/topics/orders'));
    await page.getByRole('link', { name: 'billing', exact: true }).waitFor({ state: 'detached' });
  });

  test('messages: found, read as JSON and bytes, touched, deferred, finished', async (t) => {
    await post('/topic/create?topic=jobs');
    await post('/channel/create?topic=jobs&channel=run');
    await post('/pub?topic=jobs', 'held');
    const handed = Promise.withResolvers<void>();
    const consumer = new Consumer({
      topic: 'jobs',
      channel: 'run',
      nsqd: [`127.0.0.1:${broker.tcpPort}`],
      clientId: 'runner',
      maxInFlight: 1,
    });
    t.after(() => consumer.close());
    const released = Promise.withResolvers<void>();
    const running = consumer.run(() => {
      handed.resolve();
      return released.promise;
    });
    await handed.promise;
    const poison = '{"job":12345678901234567890,"steps":["<img src=x onerror=alert(1)>"]}';
    await post('/pub?topic=jobs', poison);
    await post('/mpub?topic=jobs', Array.from({ length: 60 }, (_, at) => `n${at}`).join('\n'));
    await go('#/topics/jobs/channels/run');
    const panel = page.getByRole('region', { name: 'Messages' });
    const dialog = page.getByRole('dialog');
    const rows = panel.locator('tbody tr');
    await press('Browse');
    await panel.getByText(/^50 messages at .* there may be more$/).waitFor();
    await press('More');
    await panel.getByText(/^62 messages at [\d:]+$/).waitFor();
    assert.equal(await rows.count(), 62);
    const find = async (text: string): Promise<void> => {
      await panel.getByRole('searchbox').fill(text);
      await panel.getByRole('searchbox').press('Enter');
    };

    await panel.getByRole('combobox', { name: 'State' }).selectOption('in-flight');
    await panel.getByText(/^1 message at/).waitFor();
    assert.match((await rows.first().textContent()) ?? '', /in flight.*in \d+ (s|min)runner/);
    await rows.first().getByRole('button').click();
    await dialog.getByText(/^runner, .*, 127\.0\.0\.1:/).waitFor();
    await dialog.getByRole('button', { name: 'Touch' }).click();
    await page.getByText('has its whole time again').waitFor();

    await panel.getByRole('combobox', { name: 'State' }).selectOption('');
    await find('1234567890123');
    await panel.getByText(/^1 message at/).waitFor();
    await rows.first().getByRole('button').click();
    const body = dialog.locator('pre');
    assert.equal(
      await body.textContent(),
      '{\n  "job": 12345678901234567890,\n  "steps": [\n    "<img src=x onerror=alert(1)>"\n  ]\n}',
    );
    await dialog.getByRole('button', { name: 'Text' }).click();
    assert.equal(await body.textContent(), poison);
    await dialog.getByRole('button', { name: 'Hex' }).click();
    assert.match(
      (await body.textContent()) ?? '',
      /^000000 {2}7b 22 6a 6f 62 22 3a 31 32 33 34 35 36 37 38 39 {2}\{"job":123456789$/m,
    );
    assert.equal(await dialog.getByRole('button', { name: 'Touch' }).isDisabled(), true);
    await dialog.getByRole('spinbutton').fill('600000');
    await dialog.getByRole('button', { name: 'Requeue' }).click();
    await page.getByText('is deferred').waitFor();
    await rows.filter({ hasText: /deferred.*in (9|10) min/ }).waitFor();
    await rows.first().getByRole('button').click();
    await confirm('Finish', 'run', 'Finish message');
    await panel.getByText(/^[0-9a-f]{16} is finished$/).waitFor();
    assert.equal(await rows.count(), 0);
    const [{ depth, deferred_count: deferred }] = (await topicOf('jobs'))?.channels ?? [];
    assert.deepEqual([depth, deferred], [60, 0]);

    await find('n1');
    await panel.getByText(/^11 messages at/).waitFor();
    await press('Purge');
    await dialog.getByText('All messages that wait and contain “n1” are discarded.').waitFor();
    await page.keyboard.press('Escape');
    await confirm('Purge', 'run', 'Discard messages');
    await page.getByText('11 messages discarded').waitFor();
    await panel.getByText('No such messages.').waitFor();
    released.resolve();
    await consumer.close();
    await running;
  });

  test('messages: dead letters go back, all that match are requeued and finished', async () => {
    for (const topic of ['sales', 'sales.dead']) await post(`/topic/create?topic=${topic}`);
    await post('/channel/create?topic=sales&channel=billing');
    const letters = Array.from({ length: 5000 }, (_, at) => `letter-${at % 2}`).join('\n');
    await post('/mpub?topic=sales.dead', letters);
    await go('#/topics/sales.dead');
    const panel = page.getByRole('region', { name: 'Messages' });
    const dialog = page.getByRole('dialog');
    await panel.getByRole('searchbox').fill('letter-0');
    await press('Browse');
    await panel.getByText(/^50 messages at/).waitFor();
    assert.equal(await panel.getByRole('button', { name: 'Requeue all' }).count(), 0);
    await panel.locator('tbody tr').first().getByRole('button').click();
    assert.equal(await dialog.getByRole('button', { name: 'Requeue' }).count(), 0);
    await dialog.getByRole('button', { name: 'Move', exact: true }).click();
    assert.equal(await dialog.isVisible(), true, 'a topic is missing');
    await dialog.getByRole('textbox', { name: 'Move to topic' }).fill('sales');
    await page.keyboard.press('Enter');
    await panel.getByText(/^[0-9a-f]{16} is moved to sales$/).waitFor();
    await press('Move to …');
    const move = dialog.getByRole('button', { name: 'Move messages' });
    await dialog.getByRole('textbox').fill('sales.dead');
    assert.equal(await move.isDisabled(), true);
    await dialog.getByRole('textbox').fill('sales');
    // The broker answers the second request when the button was pressed.
    const second = Promise.withResolvers<void>();
    let requests = 0;
    await page.route('**/messages/move*', async (route) => {
      if (++requests === 2) await second.promise;
      await route.continue();
    });
    await move.click();
    await dialog.getByText('1,000 moved so far').waitFor();
    await dialog.getByRole('button', { name: 'Stop' }).click();
    second.resolve();
    await page.getByText('Stopped: 2,000 messages moved').waitFor();
    const depth = async (): Promise<number | undefined> => {
      return (await topicOf('sales'))?.channels[0]?.depth;
    };
    await page.unroute('**/messages/move*');
    assert.equal(requests, 2);
    await press('Move to …');
    await dialog.getByRole('textbox').fill('sales');
    await move.click();
    await page.getByText('499 messages moved').waitFor();
    assert.deepEqual([await depth(), (await topicOf('sales.dead'))?.depth], [2500, 2500]);

    await go('#/topics/sales/channels/billing');
    await press('Browse');
    await panel.getByText(/^50 messages at/).waitFor();
    await confirm('Finish all', 'billing', 'Finish messages');
    await page.getByText('2,500 messages finished').waitFor();
    await panel.getByText('No such messages.').waitFor();
    assert.equal(await depth(), 0);
    await post('/mpub?topic=sales', Array.from({ length: 1500 }, () => 'letter').join('\n'));
    await press('Requeue all');
    await dialog.getByRole('spinbutton').fill('600000');
    await dialog.getByRole('button', { name: 'Requeue messages' }).click();
    await page.getByText('1,500 messages requeued').waitFor();
    assert.equal((await topicOf('sales'))?.channels[0]?.deferred_count, 1500);
  });

  test('lists: sorted, searched and turned by the broker, in place', async () => {
    for (let at = 0; at < 60; at++)
      await post(`/topic/create?topic=many-${String(at).padStart(2, '0')}`);
    await post('/mpub?topic=many-33', 'a\nb\nc');
    await post('/mpub?topic=many-44', 'a\nb\nc\nd');
    await go('#/');
    const names = async (): Promise<string[]> =>
      page.locator('tbody tr td:first-child a').allTextContents();
    const first = page.locator('tbody tr:first-child td:first-child a');
    await page.keyboard.press('/');
    await page.keyboard.type('MANY');
    await page.getByText('1–50 of 60').waitFor();
    await press('Next page');
    await page.getByText('51–60 of 60').waitFor();
    assert.deepEqual((await names()).slice(-1), ['many-59']);
    await page.getByRole('columnheader', { name: 'Waiting' }).getByRole('button').click();
    await first.filter({ hasText: 'many-44' }).waitFor();
    assert.deepEqual((await names()).slice(0, 2), ['many-44', 'many-33']);
    assert.equal(
      await page.getByRole('columnheader', { name: 'Waiting' }).getAttribute('aria-sort'),
      'descending',
    );
    const row = await page.getByRole('row', { name: /^many-33/ }).elementHandle();
    await post('/mpub?topic=many-33', 'd\ne');
    await first.filter({ hasText: 'many-33' }).waitFor();
    // The row has moved, and is the same element: nothing flickers.
    assert.equal(
      await row?.evaluate(
        (element) => element.isConnected && element.textContent?.startsWith('many-33'),
      ),
      true,
    );
    await page.getByRole('searchbox').fill('no such topic');
    await page.getByText('Nothing matches the search.').waitFor();
    await go('#/channels');
    await page.getByRole('row', { name: /^orders billing#ephemeral/ }).waitFor();
  });

  test('policies: all, and those in effect for a topic', async () => {
    await go('#/policies');
    await page.getByText('No policies').waitFor();
    const response = await fetch(`http://127.0.0.1:${broker.httpPort}/policy/short`, {
      method: 'PUT',
      body: JSON.stringify({ pattern: 'greet*', definition: { 'message-ttl': '1h' } }),
    });
    assert.equal(response.status, 200, await response.text());
    await press('Read again');
    await page.getByRole('row', { name: /^short greet\* .*message-ttl: 1h/ }).waitFor();
    await go('#/topics/greetings');
    const first = page.locator('section', { hasText: 'Policies in effect' }).locator('dd').first();
    await first.filter({ hasText: 'short' }).waitFor();
    assert.match((await first.textContent()) ?? '', /^1h/);
  });

  test('node and log: threads, rings, and lines as they come', async () => {
    await go('#/node');
    await page.getByRole('row', { name: /^pump-0/ }).waitFor();
    await page.getByRole('row', { name: /^deliver, pump 0/ }).waitFor();
    await page.getByRole('row', { name: /^publish acknowledgement/ }).waitFor();
    await go('#/log');
    await page.getByText('HTTP: listening on').waitFor();
    await post('/topic/create?topic=seen-in-the-log');
    await page.getByText('TOPIC(seen-in-the-log): created').waitFor();
    await page.getByRole('searchbox').fill('seen-in');
    await page.getByText('HTTP: listening on').waitFor({ state: 'detached' });
  });

  test('charts: the last hour is drawn', async () => {
    await go('#/topics/greetings');
    const canvas = page.locator('canvas').first();
    await canvas.waitFor();
    const isDrawn = (): Promise<boolean> =>
      canvas.evaluate((element) => {
        // biome-ignore lint/suspicious/noExplicitAny: the tests know no types of browsers
        const { width, height, getContext } = element as any;
        const { data } = getContext.call(element, '2d').getImageData(0, 0, width, height);
        return data.some((byte: number) => byte !== 0);
      });
    while (!(await isDrawn())) await page.waitForTimeout(100);
  });

  test('keys: places, theme and help; every control has a name', async () => {
    await go('#/');
    await page.getByText('live', { exact: true }).waitFor();
    for (const [key, hash] of [
      ['c', '#/channels'],
      ['n', '#/node'],
      ['t', '#/'],
    ]) {
      await page.keyboard.press(key);
      await page.waitForURL(address(hash));
    }
    const theme = (): Promise<string | null> => page.locator('html').getAttribute('data-theme');
    assert.equal(await theme(), 'dark');
    await page.keyboard.press('d');
    assert.equal(await theme(), 'light');
    await page.keyboard.press('d');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    for (const hash of [
      '#/',
      '#/topics/greetings',
      '#/channels',
      '#/policies',
      '#/node',
      '#/log',
    ]) {
      await go(hash);
      if (hash.includes('greetings')) await press('Browse');
      const tree = await page.locator('body').ariaSnapshot();
      assert.doesNotMatch(
        tree,
        /^\s*- (?:button|link|textbox|searchbox|combobox|checkbox):?$/m,
        hash,
      );
      assert.match(tree, /heading "[^"]+" \[level=1\]/, hash);
    }
  });

  test('hidden: it watches no more, and goes on when it is seen', async () => {
    await go('#/');
    await page.getByText('live', { exact: true }).waitFor();
    const hide = (isHidden: boolean): Promise<void> =>
      page.evaluate((value) => {
        // biome-ignore lint/suspicious/noExplicitAny: the tests know no types of browsers
        const { document, Event } = globalThis as any;
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);
    await hide(true);
    await page.getByText('paused', { exact: true }).waitFor();
    await hide(false);
    await page.getByText('live', { exact: true }).waitFor();
  });

  test('phone: nothing is wider than the screen', async () => {
    const phone = await browser.open(address('#/'), { width: 390, colorScheme: 'light' });
    for (const hash of [
      '#/',
      '#/topics/greetings',
      '#/topics/orders/channels/billing%23ephemeral',
      '#/policies',
      '#/node',
      '#/log',
    ]) {
      await showView(phone, hash);
      await phone.getByText('live', { exact: true }).waitFor();
      if (hash.includes('billing')) {
        await phone.getByRole('button', { name: 'Browse' }).click();
        await phone.getByRole('row').getByRole('button').first().click();
        await phone.getByRole('dialog').getByRole('button', { name: 'Hex' }).click();
        assert.equal(
          await phone.evaluate('document.querySelector("dialog").scrollWidth <= innerWidth'),
          true,
        );
        await phone.keyboard.press('Escape');
      }
      const widths = await phone.evaluate('[document.documentElement.scrollWidth, innerWidth]');
      assert.deepEqual(widths, [390, 390], hash);
      if (hash === '#/node') {
        const heap = 'td[data-label="Heap"]';
        await phone.locator(heap).filter({ hasText: / of / }).first().waitFor();
        const cut = `document.querySelector('${heap}').scrollWidth > document.querySelector('${heap}').clientWidth`;
        assert.equal(await phone.evaluate(cut), false);
      }
    }
    await phone.context().close();
  });

  test('several brokers: a program that serves the page for them shows their sum', async () => {
    const own = await browser.open(address('#/'));
    await own.route('**/ui/nodes', (route) =>
      route.fulfill({
        json: {
          nodes: [
            { base: '../', name: 'one' },
            { base: '../', name: 'two' },
          ],
        },
      }),
    );
    await own.reload();
    await own.getByText('2 brokers', { exact: true }).waitFor();
    await own.getByRole('row', { name: /^many-33 .* 10 / }).waitFor();
    await own.getByRole('combobox', { name: 'Broker' }).selectOption('two');
    await own.getByRole('row', { name: /^many-33 .* 5 / }).waitFor();
    await own.context().close();
  });

  test('an access file: the browser asks who it is, and roles decide which buttons there are', async (t) => {
    const site = new BrokerSite(t);
    const file = path.join(site.dataPath, 'access.toml');
    const roles = { reader: ['read'], writer: ['read', 'publish'], ops: ['admin'] };
    writeFileSync(
      file,
      accessFile(Object.entries(roles).map(([name, own]) => ({ name, secret: name, roles: own }))),
    );
    const closed = await site.start({ flags: [`--http-access=${file}`] });
    const url = `http://127.0.0.1:${closed.httpPort}/ui/`;
    const open = async (user: string): Promise<Page> => {
      const own = await browser.open(url, { user });
      await own.getByText('No topics yet').waitFor();
      return own;
    };
    const reader = await open('reader');
    const refused = reader.getByRole('button', { name: 'New topic' });
    assert.equal(await refused.isDisabled(), true);
    assert.match((await refused.getAttribute('title')) ?? '', /the role “admin”/);
    const ops = await open('ops');
    await ops.getByRole('button', { name: 'New topic' }).click();
    await ops.getByRole('textbox', { name: /^Name/ }).fill('created');
    await ops.getByRole('button', { name: 'Create' }).click();
    await ops.getByRole('heading', { name: 'created', level: 1 }).waitFor();
    const publisher = await browser.open(`${url}#/topics/created`, { user: 'writer' });
    await publisher.getByRole('button', { name: 'Publish' }).waitFor();
    assert.deepEqual(
      await Promise.all(
        ['Publish', 'Pause', 'Empty', 'Delete'].map((name) =>
          publisher.getByRole('button', { name }).isDisabled(),
        ),
      ),
      [false, true, true, true],
    );
    for (const own of [reader, ops, publisher]) await own.context().close();
    // The browser says so itself, of its first request without a secret.
    const expected = /status of 401/;
    assert.deepEqual(
      browser.complaints.filter((text) => !expected.test(text)),
      [],
    );
    browser.complaints.length = 0;
  });

  test('nothing was kept out by the policy of the page, and no script has failed', () => {
    assert.deepEqual(browser.complaints, []);
  });
});
