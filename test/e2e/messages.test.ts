import assert from 'node:assert/strict';
import { test } from 'node:test';
import { line } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { type Answer, ask } from '../support/broker-stats.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
/** Two messages in memory, all others in files. */
const FLAGS = ['--mem-queue-size=2', '--max-msg-timeout=1h', '--msg-timeout=30m'];

type Shown = { id: string; state: string; body: string; consumer: object | null; size: number };
type Page = { messages: Shown[]; cursor: string | null };
type Broker = Parameters<typeof ask>[0];

async function page(broker: Broker, parameters: string): Promise<Page> {
  const { status, text } = await ask(broker, `/messages?${parameters}`);
  assert.equal(status, 200, text);
  return JSON.parse(text) as Page;
}

async function bodies(broker: Broker, parameters: string): Promise<string[]> {
  return (await page(broker, parameters)).messages.map(({ body }) => body).sort();
}

/** All bodies, asked for two messages at a time. */
async function bodiesInPages(broker: Broker, queue: string): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const next: Page = await page(broker, `${queue}&limit=2${cursor && `&cursor=${cursor}`}`);
    assert.ok(next.messages.length <= 2);
    seen.push(...next.messages.map(({ body }) => body));
    cursor = next.cursor;
  }
  return seen;
}

async function idOf(broker: Broker, queue: string, body: string): Promise<string> {
  const { messages } = await page(broker, `${queue}&match=${body}`);
  assert.equal(messages.length, 1, `one message is ${body}`);
  return messages[0].id;
}

const post = (broker: Broker, path: string): Promise<Answer> => ask(broker, path, null);

async function doneOf(broker: Broker, path: string): Promise<number> {
  const { status, text } = await post(broker, path);
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { done: number }).done;
}

test('messages in hand: in memory, in files and in flight', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const broker = await site.start({ flags: FLAGS });
  const queue = 'topic=orders&channel=billing';
  await post(broker, '/topic/create?topic=orders');
  await post(broker, `/channel/create?${queue}`);
  for (let n = 1; n <= 8; n++) await ask(broker, '/pub?topic=orders', `order-${n}`);
  await ask(broker, '/pub?topic=orders&defer=600000', 'order-later');
  const all = ['order-1', 'order-2', 'order-3', 'order-4', 'order-5', 'order-6', 'order-7'];

  await t.test('pages list every message once, and leave all where they are', async () => {
    const expected = [...all, 'order-8', 'order-later'];
    // A message that is still on its way to a file when a page shows it is shown again in the file.
    while ((await bodiesInPages(broker, queue)).length > expected.length);
    const seen = await bodiesInPages(broker, queue);
    const lines = await ask(broker, `/messages?${queue}&format=ndjson`);
    const streamed = lines.text.trimEnd().split('\n');
    assert.deepEqual(seen.sort(), expected);
    assert.deepEqual(streamed.map((text) => (JSON.parse(text) as Shown).body).sort(), expected);
    assert.deepEqual(await bodies(broker, `${queue}&state=deferred`), ['order-later']);
    const cut = await page(broker, `${queue}&match=order-8&body-max=3`);
    assert.deepEqual([cut.messages[0].body, cut.messages[0].size], ['ord', 7]);
  });

  await t.test('a message in memory and one in a file are finished by their ids', async () => {
    for (const body of ['order-1', 'order-7']) {
      const id = await idOf(broker, queue, body);
      const found = await ask(broker, `/message?${queue}&id=${id}`);
      assert.equal((JSON.parse(found.text) as Shown).body, body);
      assert.equal(await doneOf(broker, `/message/finish?${queue}&id=${id}`), 1);
      assert.equal((await ask(broker, `/message?${queue}&id=${id}`)).status, 404);
      const again = await post(broker, `/message/finish?${queue}&id=${id}`);
      assert.deepEqual([again.status, again.text], [404, '{"message":"MESSAGE_NOT_FOUND"}']);
    }
  });

  await t.test('what a filter selects is deferred, and made ready again', async () => {
    assert.equal(await doneOf(broker, `/message/requeue?${queue}&match=order-6&delay=60000`), 1);
    assert.deepEqual(await bodies(broker, `${queue}&state=deferred`), ['order-6', 'order-later']);
    assert.equal(await doneOf(broker, `/message/requeue?${queue}&state=deferred`), 2);
    assert.deepEqual(await bodies(broker, `${queue}&state=deferred`), []);
  });

  await t.test('messages move to another topic', async () => {
    assert.equal(await doneOf(broker, '/messages/move?from=orders:billing&to=parked&match=-8'), 1);
    assert.deepEqual(await bodies(broker, 'topic=parked'), ['order-8']);
    const [{ id }] = (await page(broker, 'topic=parked')).messages;
    assert.equal(await doneOf(broker, `/messages/move?from=parked&to=orders&id=${id}`), 1);
    assert.deepEqual(await bodies(broker, 'topic=parked'), []);
    assert.equal(await doneOf(broker, `/messages/purge?${queue}&match=order-8`), 1);
  });

  await t.test('work on a message in flight makes the FIN of its consumer fail', async () => {
    const consumer = await WireClient.connect(t, broker, line('SUB', 'orders', 'billing'));
    assert.equal(await consumer.nextText(), 'OK');
    consumer.send(line('RDY', 1));
    const held = await consumer.nextMessage();
    const { messages } = await page(broker, `${queue}&state=in-flight`);
    assert.deepEqual(
      messages.map(({ id, state }) => [id, state]),
      [[held.id, 'in-flight']],
    );
    assert.notEqual(messages[0].consumer, null);
    assert.equal(await doneOf(broker, `/message/touch?${queue}&id=${held.id}`), 1);
    consumer.send(line('RDY', 0));
    assert.equal(await doneOf(broker, `/message/finish?${queue}&id=${held.id}`), 1);
    consumer.send(line('FIN', held.id));
    assert.equal(
      await consumer.nextText(),
      `error: E_FIN_FAILED FIN ${held.id} failed ID not in flight`,
    );
  });

  await t.test('requests that mean nothing are refused with a reason', async () => {
    const refused: [string, string][] = [];
    for (const [method, path] of [
      ['GET', '/messages'],
      ['GET', '/messages?topic=none'],
      ['GET', '/messages?topic=orders&channel=none'],
      ['GET', `/messages?${queue}&state=gone`],
      ['GET', `/messages?${queue}&limit=1001`],
      ['GET', `/messages?${queue}&cursor=x`],
      ['GET', `/messages?${queue}&since=monday`],
      ['GET', `/messages?${queue}&match=`],
      ['GET', `/message?${queue}&id=x`],
      ['POST', `/messages/purge?${queue}`],
      ['POST', `/message/requeue?${queue}&all=true&delay=-1`],
      ['POST', '/message/requeue?topic=orders&all=true'],
      ['POST', '/messages/move?from=orders:billing&to=orders'],
      ['POST', '/messages/move?from=orders:billing&to=parked&id=0000000000000000'],
    ]) {
      const answer = await ask(broker, path, method === 'POST' ? null : undefined);
      refused.push([
        String(answer.status),
        (JSON.parse(answer.text) as { message: string }).message,
      ]);
    }
    assert.deepEqual(refused, [
      ['400', 'MISSING_ARG_TOPIC'],
      ['404', 'TOPIC_NOT_FOUND'],
      ['404', 'CHANNEL_NOT_FOUND'],
      ['400', 'INVALID_STATE'],
      ['400', 'INVALID_LIMIT'],
      ['400', 'INVALID_CURSOR'],
      ['400', 'INVALID_SINCE'],
      ['400', 'INVALID_MATCH'],
      ['400', 'INVALID_ID'],
      ['400', 'MISSING_FILTER'],
      ['400', 'INVALID_DELAY'],
      ['400', 'MISSING_ARG_CHANNEL'],
      ['400', 'INVALID_TARGET'],
      ['404', 'MESSAGE_NOT_FOUND'],
    ]);
  });

  await t.test('what was finished in a file stays finished after a restart', async () => {
    const before = await bodies(broker, queue);
    broker.signal('SIGTERM');
    await broker.ended;
    const next = await site.start({ flags: FLAGS });
    assert.deepEqual(await bodies(next, queue), before);
    const rest = before.length;
    assert.equal(await doneOf(next, `/messages/purge?${queue}&all=true`), rest);
    assert.deepEqual(await bodies(next, queue), []);
  });
});

test(
  'messages in hand: work on all of a backlog misses none that is read meanwhile',
  LIMIT,
  async (t) => {
    const broker = await new BrokerSite(t).start({ flags: FLAGS });
    const queue = 'topic=orders&channel=billing';
    await post(broker, '/topic/create?topic=orders');
    await post(broker, `/channel/create?${queue}`);
    await ask(broker, '/mpub?topic=dead', 'letter\n'.repeat(3000));
    const workAll = async (path: string): Promise<number> => {
      let done = 0;
      let cursor: string | null = '';
      while (cursor !== null) {
        const { text } = await post(broker, `${path}${cursor && `&cursor=${cursor}`}`);
        const answer = JSON.parse(text) as { done: number; cursor: string | null };
        done += answer.done;
        cursor = answer.cursor;
      }
      return done;
    };

    const moved = await workAll('/messages/move?from=dead&to=orders');
    const deferred = await workAll(`/message/requeue?${queue}&state=ready&delay=600000`);
    const ready = (await page(broker, `${queue}&state=ready`)).messages;
    const purged = await workAll(`/messages/purge?${queue}&all=true`);

    assert.deepEqual([moved, deferred, ready, purged], [3000, 3000, [], 3000]);
  },
);
