import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AdminOptions } from '../../../../src/companions/admin/admin-options.ts';
import { CpuPace } from '../../../../src/companions/admin/page/cpu-pace.ts';
import { FleetFrames } from '../../../../src/companions/admin/page/fleet-frames.ts';
import { FleetNode } from '../../../../src/companions/admin/page/fleet-node.ts';
import { FleetPoll } from '../../../../src/companions/admin/page/fleet-poll.ts';
import { ownProducer } from '../../../../src/companions/admin/producers.ts';
import { Query } from '../../../../src/daemon/http/query.ts';
import { FLEET_FILE_NAMES } from '../../../../src/daemon/page/page-paths.ts';
import { watchQueryOf } from '../../../../src/daemon/page/watch-query.ts';
import { AdminSite, fakeLookup, fakeNode } from '../../../support/admin-site.ts';
import { eventsOf } from '../../../support/events.ts';
import { deadPort } from '../../../support/fake-lookupd.ts';
import { journalLogger } from '../../../support/journal.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON, compared below
type Frame = any;

function queue(name: string, messageCount: number, depth: number) {
  const clients = [
    { client_id: `${name}-1`, remote_address: '10.1.1.1:5', state: 3, snappy: true },
  ];
  const channel = {
    channel_name: name,
    depth,
    backend_depth: 1,
    message_count: messageCount,
    requeue_count: 2,
    client_count: 1,
    clients,
  };
  return { depth: 0, backend_depth: 0, message_count: messageCount, channels: [channel] };
}

const TOPICS = {
  shared: (messageCount: number) => ({ topic_name: 'shared', ...queue('c', messageCount, 5) }),
  sharedOfB: { topic_name: 'shared', paused: true, ...queue('c', 30, 2) },
  own: { topic_name: 'own', ...queue('o', 7, 0) },
};

/** The frames of the nodes `a:1` and `b:1`, which answer with these bytes. */
function madeFleet(statsOf: (host: 'a' | 'b') => Promise<Buffer>) {
  const clock = new ManualClock();
  const value = ['a', 'b'].map((name) =>
    ownProducer({ hostname: name, broadcast_address: name, http_port: 1 }, []),
  );
  const poll = new FleetPoll({
    cluster: { members: async () => ({ value, errors: [] }) },
    upstream: {
      poll: (_, url) => statsOf(url.startsWith('http://a') ? 'a' : 'b'),
      statusOf: async () => 404,
    },
    clock,
    logger: journalLogger().logger,
  });
  return { frames: new FleetFrames(poll, clock, new CpuPace()), clock };
}

/** Two nodes, one of them with a topic of its own and a tombstone, and the site. */
async function fleet(t: TestContext, given: Partial<AdminOptions> = {}) {
  const topics = [[TOPICS.shared(100)], [TOPICS.own, TOPICS.sharedOfB]];
  const nodes = [await fakeNode(t, 'a', topics[0]), await fakeNode(t, 'b', topics[1])];
  const lookup = await fakeLookup(
    t,
    nodes.map((server, at) => ({
      hostname: ['a', 'b'][at],
      server,
      topics: ['shared', ...(at === 1 ? ['own'] : [])],
    })),
  );
  const site = await AdminSite.start(t, { lookupdHttpAddress: [lookup.address], ...given });
  return { site, nodes, lookup };
}

/** The frames that a viewer of this is sent. */
async function watch(t: TestContext, site: AdminSite, query: string) {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const url = `http://127.0.0.1:${site.port}/ui/events?${query}`;
  const stream = eventsOf(await fetch(url, { signal: abort.signal }));
  return async (): Promise<Frame> => (await stream.next()).value?.[1];
}

/** Everything that is due has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('admin page: its document is at all paths of nsqadmin’s page, its files are below the base path', async (t) => {
  const { site } = await fleet(t, { basePath: "/a'b" });
  const documents = await Promise.all(
    [
      '',
      '/topics',
      '/topics/t',
      '/topics/t/c',
      '/nodes',
      '/nodes/n',
      '/counter',
      '/lookup',
      '/ui/',
    ].map((path) => site.get(`/a'b${path}`)),
  );
  const files = await Promise.all(FLEET_FILE_NAMES.map((name) => site.get(`/a'b/ui/${name}`)));
  const [{ text, headers }] = documents;
  const again = await site.get("/a'b", { 'if-none-match': String(headers['etag']) });

  assert.deepEqual([...new Set(documents.map((one) => one.status))], [200]);
  assert.deepEqual(
    documents.filter((one) => one.text !== text),
    [],
  );
  assert.match(text, /<script type="module" src="\/a&#39;b\/ui\/fleet\.js"><\/script>/);
  assert.deepEqual(text.match(/<style|<script(?![^>]*src=)|\son\w+=|\sstyle=|https?:|\{/g), null);
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; script-src 'self';/,
  );
  assert.deepEqual(
    FLEET_FILE_NAMES.filter((_, at) => files[at].status !== 200),
    [],
  );
  assert.equal(again.status, 304);
});

test('admin page: a replicated topic counts once, although each of its brokers tells of all of it', async () => {
  const channel = (inFlight: number, deferred: number, messages: number) => ({
    ...{ channel_name: 'c', depth: 8, message_count: messages, client_count: 1 },
    ...{ in_flight_count: inFlight, deferred_count: deferred },
  });
  const topic = (own: object) => ({
    ...{ topic_name: 'r', replicated: true, depth: 2, message_count: 100, channels: [own] },
  });
  const alone = { topic_name: 'own', depth: 1, message_count: 1, channels: [] };
  // Each tells as deferred what the other one has in flight.
  const topics = { a: [topic(channel(3, 5, 90))], b: [topic(channel(4, 4, 91)), alone] };
  const { frames } = madeFleet(async (host) =>
    Buffer.from(JSON.stringify({ health: 'OK', topics: topics[host] })),
  );
  const look = async (text: string): Promise<Frame> => {
    const snapshot = await frames.snapshot();
    const query = watchQueryOf(Query.parse(text) ?? assert.fail());
    return JSON.parse(`${snapshot.summary},"view":${await frames.view(query, snapshot)}}`);
  };

  const { totals, view } = await look('view=topic&topic=r');
  const ofChannel = (await look('view=channel&topic=r&channel=c')).view;
  const counter = (await look('view=counter')).view.counter;

  const { depth, queued, inFlight, deferred, consumers, isReplicated } = view.row;
  assert.deepEqual(
    { depth, queued, inFlight, deferred, consumers, isReplicated },
    { depth: 2, queued: 10, inFlight: 7, deferred: 1, consumers: 2, isReplicated: true },
  );
  assert.deepEqual([view.topic.messageCount, view.topic.isReplicated], [100, true]);
  assert.equal(ofChannel.channel.messageCount, 91);
  assert.deepEqual([totals.queued, totals.inFlight, counter.messages], [11, 7, 91]);
});

test('admin page: topics are added up, with rates from the second frame on, and per broker', async () => {
  const topics = { a: [TOPICS.shared(100)], b: [TOPICS.own, TOPICS.sharedOfB] };
  const { frames, clock } = madeFleet(async (host) =>
    Buffer.from(JSON.stringify({ health: 'OK', topics: topics[host] })),
  );
  const query = watchQueryOf(Query.parse('view=topic&topic=shared') ?? assert.fail());
  const look = async (): Promise<Frame> => {
    const snapshot = await frames.snapshot();
    return JSON.parse(`${snapshot.summary},"view":${await frames.view(query, snapshot)}}`);
  };

  const first = await look();
  topics.a = [TOPICS.shared(250)];
  clock.advance(15_000);
  const second = await look();

  assert.deepEqual([first.broker.name, first.broker.isReady], ['2 brokers', true]);
  assert.deepEqual(first.brokers, { total: 2, answering: 2 });
  const { topics: count, channels, consumers, queued, onDisk } = first.totals;
  assert.deepEqual([count, channels, consumers, queued, onDisk], [2, 2, 3, 7, 3]);
  const { row, topic, list, nodes: rows } = second.view;
  assert.deepEqual(
    [row.in, row.out, row.queued, row.isPaused, row.channels, row.consumers],
    [10, 10, 7, true, 1, 2],
  );
  assert.deepEqual([topic.messageCount, topic.policies, topic.latency], [280, null, null]);
  assert.deepEqual(
    list.rows.map((one: Frame) => [one.name, one.in, one.queued]),
    [['c', 10, 7]],
  );
  assert.deepEqual(
    rows.map((one: Frame) => [one.name, one.topic, one.in, one.queued, one.isPaused]),
    [
      ['a:1', 'a', 10, 5, false],
      ['b:1', 'b', 0, 2, true],
    ],
  );
  assert.deepEqual([first.view.row.in, first.totals.in], [null, null]);
});

test('admin page: a channel with the consumers of all brokers, the counter, and brokers', async (t) => {
  const { site, nodes } = await fleet(t);
  const frameOf = async (query: string): Promise<Frame> => (await watch(t, site, query))();

  const channel = await frameOf('view=channel&topic=shared&channel=c&limit=1&offset=1');
  const counter = await frameOf('view=counter');
  const all = await frameOf('view=nodes&sort=queued&desc=1');
  const node = await frameOf(`view=node&node=${nodes[1].address}&search=own`);
  const missing = await frameOf('view=node&node=elsewhere:1');

  const { row, channel: counted, consumers, consumerCount, nodes: rows } = channel.view;
  assert.deepEqual([row.queued, counted.requeueCount, rows.length], [7, 4, 2]);
  assert.deepEqual(
    [consumerCount, consumers.map((one: Frame) => [one.client, one.broker, one.layers])],
    [2, [['c-1', nodes[1].address, ['snappy']]]],
  );
  assert.deepEqual(counter.view.counter, { messages: 137, perSecond: null });
  assert.deepEqual(
    all.view.list.rows.map((one: Frame) => [
      one.name,
      one.version,
      one.topics,
      one.lookups.length,
      one.queued,
    ]),
    [
      [nodes[0].address, '1.3.0', 1, 1, 5],
      [nodes[1].address, '1.3.0', 2, 1, 2],
    ],
  );
  const narrow = await frameOf(`view=topic&topic=shared&node=${nodes[1].address}`);
  const narrower = await frameOf(`view=channel&topic=shared&channel=c&node=${nodes[1].address}`);
  const elsewhere = await frameOf(`view=topic&topic=own&node=${nodes[0].address}`);
  const { list: onB, row: rowOnB } = narrow.view;
  assert.deepEqual([rowOnB.queued, onB.rows.map((one: Frame) => one.name)], [2, ['c']]);
  assert.deepEqual(
    [narrower.view.row.queued, narrower.view.consumers.map((one: Frame) => one.broker)],
    [2, [nodes[1].address]],
  );
  assert.deepEqual(elsewhere.view, { missing: true });
  const { fleetNode, list } = node.view;
  assert.deepEqual(
    [
      fleetNode.topic,
      fleetNode.health,
      fleetNode.hasPage,
      list.total,
      list.matched,
      list.rows[0].name,
    ],
    ['b', 'OK', false, 2, 1, 'own'],
  );
  assert.deepEqual(missing.view, { missing: true });
});

test('FleetPoll: it does not wait for a slow node; one that fails keeps its counts and is named', async () => {
  const stats = Buffer.from(
    JSON.stringify({ health: 'OK', topics: [{ topic_name: 't', depth: 3 }] }),
  );
  const slow = Promise.withResolvers<Buffer>();
  const asked: string[] = [];
  let ofB: Promise<Buffer> = Promise.resolve(stats);
  const { frames, clock } = madeFleet((host) => {
    asked.push(host);
    return host === 'b' ? ofB : Promise.resolve(stats);
  });
  const look = async (): Promise<Frame> => JSON.parse(`${(await frames.snapshot()).summary}}`);

  const well = await look();
  ofB = slow.promise;
  const looking = look();
  await settled();
  clock.advance(800);
  const late = await looking;
  const again = await look();
  const askedMeanwhile = asked.filter((host) => host === 'b').length;
  slow.reject(new Error('it is gone'));
  await settled();
  ofB = Promise.reject(new Error('it is gone'));
  const gone = await look();
  ofB = Promise.resolve(stats);
  const back = await look();

  assert.equal(askedMeanwhile, 2);
  assert.deepEqual(
    [well, late, again, gone, back].map(({ broker, brokers, totals }) => [
      broker.notReady,
      brokers.answering,
      totals.queued,
      totals.in,
    ]),
    [
      [[], 2, 6, null],
      [[], 2, 6, 0],
      [[], 2, 6, 0],
      [['b:1 does not answer (it is gone)'], 1, 6, 0],
      [[], 2, 6, 0],
    ],
  );
});

test('admin page: brokers that the options name are there, whether they answer or not', async (t) => {
  const up = await fakeNode(t, 'up', [{ topic_name: 't', ...queue('c', 1, 1) }]);
  const down = `127.0.0.1:${await deadPort()}`;
  const site = await AdminSite.start(t, { nsqdHttpAddress: [down, up.address] });

  const { broker, brokers, view } = await (await watch(t, site, 'view=nodes'))();

  assert.deepEqual([brokers, broker.notReady.length], [{ total: 2, answering: 1 }, 1]);
  assert.deepEqual(
    view.list.rows.map((one: Frame) => [one.name, one.error === null, one.queued]),
    [
      [down, false, 0],
      [up.address, true, 1],
    ].sort(),
  );
});

test('admin page: it asks while somebody looks, soon after an action, and its log stays short', async (t) => {
  const { site, nodes } = await fleet(t);
  const statistics = (): number => nodes[0].journal.matching(/^GET \/stats\?.*include_mem/).length;
  const before = statistics();
  const next = await watch(t, site, 'view=topics');
  await next();
  const answer = await site.ask('POST', '/api/topics/shared', { action: 'pause' });
  const asked = statistics();
  site.clock.advance(200);
  await next();

  assert.deepEqual([before, asked, statistics()], [0, 1, 2]);
  assert.equal(answer.status, 200);
  assert.deepEqual(
    site.log.matching(/include_mem/).filter((line) => !line.includes('DEBUG')),
    [],
  );
});

test('admin page: what work would do, and who may do it', async (t) => {
  const { site, nodes, lookup } = await fleet(t, { adminUser: ['alice'] });
  const plan = await site.get('/ui/plan?topic=own');
  const absent = await site.get('/ui/plan?topic=absent');
  const alice = await site.get('/ui/nodes', { 'x-forwarded-user': 'alice' });
  const bob = await site.get('/ui/nodes', { 'x-forwarded-user': 'bob' });
  const foreign = await site.get('/ui/events', { origin: 'http://elsewhere.example' });

  const lookupds = [lookup.address];
  assert.deepEqual(plan.body, { nodes: [nodes[1].address], lookupds, message: '' });
  assert.equal(absent.status, 502);
  assert.deepEqual(alice.body, { lookupds });
  assert.deepEqual(bob.body, { lookupds, roles: [] });
  assert.equal(foreign.status, 403);
});

test('admin: work on a channel is done on the brokers that have it, and on all if none has', async (t) => {
  const only = { topic_name: 't', ...queue('c', 1, 1) };
  const nodes = [
    await fakeNode(t, 'a', [only]),
    await fakeNode(t, 'b', [{ topic_name: 't', ...queue('d', 1, 1) }]),
  ];
  const lookup = await fakeLookup(
    t,
    nodes.map((server, at) => ({ hostname: ['a', 'b'][at], server, topics: ['t'] })),
  );
  const site = await AdminSite.start(t, { lookupdHttpAddress: [lookup.address] });

  const plans: unknown[] = [];
  for (const channel of ['c', 'none']) {
    const { body } = await site.get(`/ui/plan?topic=t&channel=${channel}`);
    plans.push((body as Frame).nodes);
    await site.ask('POST', `/api/topics/t/${channel}`, { action: 'pause' });
  }
  await site.ask('DELETE', '/api/topics/t/c');

  const [a, b] = nodes.map(({ address }) => address);
  assert.deepEqual(plans, [[a], [a, b].toSorted()]);
  assert.deepEqual(
    nodes.map(({ journal }) => journal.matching(/^POST/)),
    [
      [
        'POST /channel/pause?topic=t&channel=c',
        'POST /channel/pause?topic=t&channel=none',
        'POST /channel/delete?topic=t&channel=c',
      ],
      ['POST /channel/pause?topic=t&channel=none'],
    ],
  );
});

test('FleetNode: an answer with the same bytes is not read again, and its rates are zero', async () => {
  const node = new FleetNode(ownProducer({ broadcast_address: 'a', http_port: 1 }, []));
  const answer = (messageCount: number): Buffer =>
    Buffer.from(JSON.stringify({ topics: [{ topic_name: 't', message_count: messageCount }] }));
  const rates: (number | null | undefined)[] = [];
  const changes: boolean[] = [];
  for (const [count, nowMs] of [
    [5, 0],
    [5, 1000],
    [5, 2000],
    [5, 9000],
    [25, 10_000],
  ]) {
    changes.push(await node.take(answer(count), nowMs));
    rates.push(node.state?.live.totals.in);
  }
  node.fail('gone');
  const lost = node.state?.live.totals;
  await node.take(answer(90), 20_000);
  await assert.rejects(node.take(Buffer.from('<html>'), 21_000), /invalid JSON in the answer/);

  assert.deepEqual(changes, [true, true, false, false, true]);
  assert.deepEqual(rates, [null, 0, 0, 0, 20]);
  assert.deepEqual([lost?.topics, lost?.in, node.state?.live.totals.in], [1, null, null]);
});

test('CpuPace: two seconds, and more where that takes too much of a core', () => {
  let cpuMs = 500;
  const pace = new CpuPace(() => cpuMs);
  const pauses: number[] = [];
  for (const usedMs of [1000, 0, 15, 60, 1000]) {
    pace.begin();
    cpuMs += usedMs;
    pauses.push(pace.pauseMs(100));
    // Other work does not count.
    cpuMs += 300;
  }
  pace.reset();
  pace.begin();
  cpuMs += 1000;

  assert.deepEqual([...pauses, pace.pauseMs(100)], [1900, 1900, 1900, 4000, 30_000, 1900]);
});
