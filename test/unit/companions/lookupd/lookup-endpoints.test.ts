import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { LOOKUPD_METRICS } from '../../../../src/companions/lookupd/lookupd-metrics.ts';
import { Journal } from '../../../support/journal.ts';
import { identify, identityOf, LookupdSite } from '../../../support/lookupd-site.ts';

const shown = (number: number) => ({ ...identityOf(number), remote_address: 'ADDR' });

/** The body with addresses that are the same in every run. */
function settled(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(/127\.0\.0\.1:\d+/g, 'ADDR'));
}

test('lookupd: a broker is found by its topics until it is gone, and topics stay', async (t) => {
  const site = await LookupdSite.start(t);
  const broker = await site.broker(1, 't c');

  const during = [await site.get('/lookup?topic=t'), await site.get('/nodes')];
  broker.socket.end();
  await site.log.until(/exiting ioloop/);

  assert.deepEqual(settled(during[0].body), { channels: ['c'], producers: [shown(1)] });
  assert.deepEqual(settled(during[1].body), {
    producers: [{ ...shown(1), tombstones: [false], topics: ['t'] }],
  });
  assert.deepEqual((await site.get('/lookup?topic=t')).body, { channels: ['c'], producers: [] });
  assert.deepEqual((await site.get('/nodes')).body, { producers: [] });
  assert.deepEqual((await site.get('/topics')).body, { topics: ['t'] });
});

test('lookupd: /lookup has the keys in the order of nsqlookupd, and the topology where there is one', async (t) => {
  const site = await LookupdSite.start(t);
  const client = await site.connect();
  client.send('  V1', identify({ ...identityOf(1), topology_zone: 'z', topology_region: 'r' }));
  await client.reply();
  await client.ask('REGISTER t');

  const text = await (await fetch(`${site.url}/lookup?topic=t`)).text();

  assert.equal(
    text.replace(/127\.0\.0\.1:\d+/, 'ADDR'),
    '{"channels":[],"producers":[{"remote_address":"ADDR","hostname":"h1","broadcast_address":"n1.test",' +
      '"tcp_port":4151,"http_port":5151,"version":"1.3.0","topology_zone":"z","topology_region":"r"}]}',
  );
});

test('lookupd: a broker that sends no PING is not found a twentieth after the timeout', async (t) => {
  const site = await LookupdSite.start(t, { inactiveProducerTimeoutMs: 1000 });
  const [first] = [await site.broker(1, 't'), await site.broker(2, 't')];

  site.clock.advance(900);
  await first.ask('PING');
  const before = await site.found('t');
  site.clock.advance(150);
  const late = await site.found('t');
  site.clock.advance(1);

  assert.deepEqual([before, late], Array(2).fill(['n1.test', 'n2.test']));
  assert.deepEqual(await site.found('t'), ['n1.test']);
});

test('lookupd: changed times hold for brokers and tombstones that are there', async (t) => {
  const site = await LookupdSite.start(t);
  await site.broker(1, 't');
  await site.broker(2, 't');
  await site.post('/topic/tombstone?topic=t&node=n2.test:5152');
  site.clock.advance(2000);
  const before = await site.found('t');

  site.setTimes({ inactiveProducerTimeoutMs: 3000, tombstoneLifetimeMs: 1000 });
  const after = await site.found('t');
  site.clock.advance(2000);

  assert.deepEqual(
    [before, after, await site.found('t')],
    [['n1.test'], ['n1.test', 'n2.test'], []],
  );
});

test('lookupd: UNREGISTER of a channel leaves the topic, and an ephemeral channel goes', async (t) => {
  const site = await LookupdSite.start(t);
  const broker = await site.broker(1, 't c', 't e#ephemeral');

  await broker.ask('UNREGISTER t c');
  await broker.ask('UNREGISTER t e#ephemeral');

  assert.deepEqual((await site.get('/channels?topic=t')).body, { channels: ['c'] });
  assert.deepEqual(await site.found('t'), ['n1.test']);
});

test('lookupd: an ephemeral topic goes with its last broker, but not with the connection', async (t) => {
  const site = await LookupdSite.start(t);
  const [first, second] = [
    await site.broker(1, 'e#ephemeral'),
    await site.broker(2, 'e#ephemeral'),
  ];

  await first.ask('UNREGISTER e#ephemeral');
  const one = await site.get('/topics');
  await second.ask('UNREGISTER e#ephemeral');

  assert.deepEqual(one.body, { topics: ['e#ephemeral'] });
  assert.deepEqual((await site.get('/topics')).body, { topics: [] });
});

test('lookupd: a tombstone hides one topic of one broker, for its lifetime', async (t) => {
  const site = await LookupdSite.start(t, { tombstoneLifetimeMs: 50 });
  await site.broker(1, 't c', 'u c');

  await site.post('/topic/tombstone?topic=t&node=n1.test:5151');
  const during = [await site.found('t'), await site.found('u')];
  const nodes = await site.get('/nodes');
  site.clock.advance(50);

  assert.deepEqual(during, [[], ['n1.test']]);
  assert.deepEqual(settled(nodes.body), {
    producers: [{ ...shown(1), tombstones: [true, false], topics: ['t', 'u'] }],
  });
  assert.deepEqual(await site.found('t'), ['n1.test']);
});

test('lookupd: a tombstone stays while a broker repeats, and goes when it registers the topic', async (t) => {
  const site = await LookupdSite.start(t);
  const broker = await site.broker(1, 't c');
  const tombstone = () => site.post('/topic/tombstone?topic=t&node=n1.test:5151');

  await tombstone();
  await broker.ask('REGISTER t c');
  const repeated = await site.found('t');
  await broker.ask('REGISTER t');
  const registered = await site.found('t');
  await tombstone();
  await broker.ask('UNREGISTER t');
  await broker.ask('REGISTER t c');

  assert.deepEqual([repeated, registered], [[], ['n1.test']]);
  assert.deepEqual(await site.found('t'), ['n1.test']);
});

for (const [method, path, status, body] of [
  ['GET', '/lookup?topic=*', 404, { message: 'TOPIC_NOT_FOUND' }],
  ['GET', '/channels?topic=*', 200, { channels: [] }],
  ['POST', '/topic/delete?topic=*', 200, ''],
  ['POST', '/channel/delete?topic=t&channel=*', 400, { message: 'INVALID_ARG_CHANNEL' }],
  ['GET', '/lookup?topic=%', 400, { message: 'INVALID_REQUEST' }],
  ['POST', '/topic/delete?topic=%', 400, { message: 'INVALID_REQUEST' }],
  ['GET', '/watch', 400, { message: 'MISSING_ARG_TOPIC' }],
  ['GET', '/watch?topic=a!', 400, { message: 'INVALID_ARG_TOPIC' }],
  ['GET', '/livez', 200, 'OK'],
  ['GET', '/readyz', 200, 'OK'],
] as const) {
  test(`lookupd: ${method} ${path} is ${status}, and destroys nothing`, async (t) => {
    const site = await LookupdSite.start(t);
    await site.broker(1, 't c');

    const got = method === 'GET' ? await site.get(path) : await site.post(path);

    assert.deepEqual(got, { status, body });
    assert.deepEqual((await site.get('/channels?topic=t')).body, { channels: ['c'] });
  });
}

test('lookupd: /debug shows every registration, with times that no number of JavaScript holds', async (t) => {
  const site = await LookupdSite.start(t);
  await site.broker(1, 't c');
  await site.post('/topic/tombstone?topic=t&node=n1.test:5151');

  const text = await (await fetch(`${site.url}/debug`)).text();

  const one = (tombstone: string) =>
    `[{"broadcast_address":"n1.test","hostname":"h1","http_port":5151,"id":"ADDR","tcp_port":4151,` +
    `"tombstoned":${tombstone === '-6795364578871345152' ? 'false' : 'true'},"version":"1.3.0",` +
    `"last_update":1700000000000000000,"tombstoned_at":${tombstone}}]`;
  const never = one('-6795364578871345152');
  assert.equal(
    text.replaceAll(/127\.0\.0\.1:\d+/g, 'ADDR'),
    `{"client::":${never},"topic:t:":${one('1700000000000000000')},"channel:t:c":${never}}`,
  );
});

test('lookupd: /metrics says what the table of metrics has', async (t) => {
  const site = await LookupdSite.start(t);
  await site.broker(1, 't c', 'u');

  const text = await (await fetch(`${site.url}/metrics`)).text();

  for (const { name, help } of LOOKUPD_METRICS.filter(({ labels }) => labels.length === 0)) {
    assert.match(text, new RegExp(`^# HELP ${name}\\S* ${help.replaceAll(/[.-]/g, '.')}`, 'm'));
  }
  for (const line of [
    'topics 2',
    'channels 1',
    'producers 1',
    'active_producers 1',
    'watchers 0',
  ]) {
    assert.match(text, new RegExp(`^ringmq_lookupd_${line}$`, 'm'));
  }
});

/** Events of a topic as they come: `<event> <brokers>`. */
async function watch(t: TestContext, site: LookupdSite, topic: string): Promise<Journal> {
  const journal = new Journal();
  const response = await new Promise<IncomingMessage>((resolve) => {
    const request = get(`${site.url}/watch?topic=${topic}`, { agent: false }, resolve);
    t.after(() => request.destroy());
  });
  assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
  let text = '';
  response.setEncoding('utf8');
  response.on('error', () => journal.add('error'));
  response.on('end', () => journal.add('end'));
  response.on('data', (chunk: string) => {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      const { producers = [] } = JSON.parse(data);
      const names = producers.map((one: { broadcast_address: string }) => one.broadcast_address);
      journal.add([name, ...names].join(' '));
    }
  });
  return journal;
}

test('lookupd: who watches a topic is told at once what it gets and loses', async (t) => {
  const site = await LookupdSite.start(t, { tombstoneLifetimeMs: 20_000 });
  const early = await watch(t, site, 't');
  await early.until(/^producers$/);
  const first = await site.broker(1, 't c');
  await early.until(/^added n1.test$/);
  const second = await site.broker(2, 'other', 't');
  await early.until(/^added n2.test$/);
  const late = await watch(t, site, 't');
  await late.until(/^producers n1.test n2.test$/);

  await first.ask('UNREGISTER t');
  await early.until(/^removed n1.test$/);
  second.socket.destroy();
  await late.until(/^removed n2.test$/);
  await first.ask('REGISTER t');
  await late.until(/^added n1.test$/);
  await site.post('/topic/tombstone?topic=t&node=n1.test:5151');
  await late.until(/^removed n1.test$/, 2);
  site.clock.advance(15_000);
  await late.until(/^alive$/);
  site.clock.advance(15_000);
  await late.until(/^added n1.test$/, 2);

  assert.deepEqual(late.lines.slice(0, 3), [
    'producers n1.test n2.test',
    'removed n1.test',
    'removed n2.test',
  ]);
});

test('lookupd: a broker that comes and goes in one turn is not told of, and watchers are counted', async (t) => {
  const site = await LookupdSite.start(t);
  const journal = await watch(t, site, 't');
  await journal.until(/^producers$/);
  const broker = await site.broker(1);

  broker.send('REGISTER t\nUNREGISTER t\nREGISTER u\n');
  for (let at = 0; at < 3; at++) await broker.reply();
  const { body } = await site.get('/metrics');
  site.clock.advance(15_000);
  await journal.until(/^alive$/);

  assert.match(String(body), /^ringmq_lookupd_watchers 1$/m);
  assert.deepEqual(journal.lines, ['producers', 'alive']);
});
