import assert from 'node:assert/strict';
import { test } from 'node:test';
import { line, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = {
  timeout: 120_000,
  skip: process.platform === 'win32' ? 'there are no POSIX signals' : false,
};

test(
  '--sigterm=drain: consumers empty the broker, publishers are refused, and then it ends',
  LIMIT,
  async (t) => {
    const broker = await new BrokerSite(t).start({ flags: ['--sigterm=drain'] });
    await ask(broker, '/topic/create?topic=orders', null);
    await ask(broker, '/channel/create?topic=orders&channel=billing', null);
    for (const body of ['one', 'two']) await ask(broker, '/pub?topic=orders', body);
    broker.signal('SIGTERM');
    await broker.logged(/draining: 2 messages are left/);

    const refused = [
      await ask(broker, '/pub?topic=orders', 'three'),
      await ask(broker, '/pub?topic=new', 'three'),
      await ask(broker, '/topic/create?topic=new', null),
      await ask(broker, '/channel/create?topic=orders&channel=new', null),
    ];
    const producer = await WireClient.connect(t, broker, pub('orders', 'three'));
    const stranger = await WireClient.connect(t, broker, pub('new', 'three'));
    const subscriber = await WireClient.connect(t, broker, line('SUB', 'orders', 'new'));
    const texts = [
      await producer.nextText(),
      await stranger.nextText(),
      await subscriber.nextText(),
    ];
    const ready = await ask(broker, '/readyz');
    const { text: info } = await ask(broker, '/info');
    const { text: metrics } = await ask(broker, '/metrics');
    const consumer = await WireClient.connect(t, broker, line('SUB', 'orders', 'billing'));
    assert.equal(await consumer.nextText(), 'OK');
    consumer.send(line('RDY', 1));
    const bodies: string[] = [];
    for (let count = 0; count < 2; count++) {
      const { id, body } = await consumer.nextMessage();
      bodies.push(body.toString());
      consumer.send(line('FIN', id));
    }

    assert.deepEqual(await broker.ended, { code: 0, signal: null });
    assert.deepEqual(bodies.sort(), ['one', 'two']);
    assert.deepEqual(
      refused.map(({ status, text }) => [status, text]),
      refused.map(() => [503, '{"message":"the broker is draining"}']),
    );
    assert.deepEqual(texts, [
      'error: E_PUB_FAILED PUB failed the broker is draining',
      'error: E_PUB_FAILED PUB failed the broker is draining',
      'error: E_SUB_FAILED SUB failed the broker is draining',
    ]);
    assert.deepEqual([ready.status, ready.text], [503, 'NOK - drain: the broker is draining']);
    assert.deepEqual(JSON.parse(info).draining, { messages: 2 });
    assert.match(metrics, /^ringmq_draining 1$/m);
    assert.match(broker.log, /the queues are empty, ending\n.*NSQ: bye\n$/s);
  },
);

test(
  '/config/drain: an empty broker ends at once; another ends after its time, with all on disk',
  LIMIT,
  async (t) => {
    const empty = await new BrokerSite(t).start();
    const site = new BrokerSite(t);
    const full = await site.start({ flags: ['--drain-timeout=100ms'] });
    await ask(full, '/pub?topic=orders', 'kept');
    const before = await ask(full, '/config/drain');
    const wrong = await put(full.httpPort, 'false');

    const answers = [await put(empty.httpPort, ''), await put(full.httpPort, 'true')];

    assert.deepEqual(before, { status: 200, text: 'false' });
    assert.equal(wrong.status, 400);
    assert.deepEqual(answers, [
      { status: 200, text: 'true' },
      { status: 200, text: 'true' },
    ]);
    assert.deepEqual(
      [await empty.ended, await full.ended],
      [
        { code: 0, signal: null },
        { code: 0, signal: null },
      ],
    );
    assert.match(full.log, /the drain has taken 100 ms, \w+ messages are left, ending/);
    const again = await site.start();
    const consumer = await WireClient.connect(t, again, line('SUB', 'orders', 'c'), line('RDY', 1));
    assert.equal(await consumer.nextText(), 'OK');
    assert.equal((await consumer.nextMessage()).body.toString(), 'kept');
  },
);

test('--sigterm=drain: SIGINT ends a drain with everything on disk', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start({ flags: ['--sigterm=drain'] });
  await ask(broker, '/pub?topic=orders', 'kept');
  broker.signal('SIGTERM');
  await broker.logged(/draining: 1 messages are left/);

  assert.deepEqual(await broker.stop('SIGINT'), { code: 0, signal: null });
  assert.match(broker.log, /received SIGINT, ending/);
});

async function put(port: number, body: string): Promise<{ status: number; text: string }> {
  const init = { method: 'PUT', body };
  const response = await fetch(`http://127.0.0.1:${port}/config/drain`, init);
  return { status: response.status, text: await response.text() };
}
