import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import type { AdminOptions } from '../../../../src/companions/admin/admin-options.ts';
import { AdminSite, fakeLookup, fakeNode } from '../../../support/admin-site.ts';
import { deadPort } from '../../../support/fake-lookupd.ts';
import { FakeServer } from '../../../support/fake-server.ts';

const CHANNEL = {
  channel_name: 'c',
  depth: 5,
  backend_depth: 2,
  message_count: 9,
  client_count: 1,
};
const TOPIC = { topic_name: 't', depth: 3, backend_depth: 1, message_count: 4, paused: false };

/** Two nodes with a topic, which an nsqlookupd knows, and the site. */
async function fleet(t: TestContext, given: Partial<AdminOptions> = {}) {
  const nodes = [
    await fakeNode(t, 'b', [{ ...TOPIC, channels: [CHANNEL] }]),
    await fakeNode(t, 'a', [{ ...TOPIC, paused: true, channels: [CHANNEL] }, { topic_name: 'u' }]),
  ];
  const lookup = await fakeLookup(
    t,
    nodes.map((server, at) => ({
      hostname: ['b', 'a'][at],
      server,
      topics: ['t', ...'u'.repeat(at)],
    })),
    ['orphan'],
  );
  const site = await AdminSite.start(t, { lookupdHttpAddress: [lookup.address], ...given });
  return { site, nodes, lookup };
}

/** The requests to a server, except for its statistics. */
function posts(server: FakeServer): string[] {
  return server.journal.matching(/^POST/);
}

test('admin: topics are added up over nodes, sorted by host', async (t) => {
  const { site, nodes } = await fleet(t);

  const { body } = await site.get('/api/topics/t');

  // The shape of nsqadmin's answer.
  const sum = body as {
    nodes: { node: string }[];
    channels: { nodes: unknown[]; depth: number }[];
  };
  const { nodes: parts, channels, ...counts } = sum;
  assert.deepEqual(
    parts.map(({ node }) => node),
    [nodes[1].address, nodes[0].address],
  );
  assert.deepEqual(
    channels.map(({ depth }) => depth),
    [10],
  );
  assert.deepEqual(counts, {
    node: '*',
    hostname: '',
    topic_name: 't',
    depth: 6,
    memory_depth: 4,
    backend_depth: 2,
    message_count: 8,
    paused: true,
    e2e_processing_latency: { count: 0, percentiles: null, topic: 't', channel: '', host: '*' },
    message: '',
  });
});

test('admin: topics, inactive topics, counters, a node and what does not exist', async (t) => {
  const { site, nodes } = await fleet(t);
  const [b, a] = nodes.map(({ address }) => address);
  const counter = (node: string) => ({
    node,
    topic_name: 't',
    channel_name: 'c',
    message_count: 9,
  });

  const answers = [
    (await site.get('/api/topics')).body,
    (await site.get('/api/topics?inactive=true')).body,
    (await site.get('/api/counter')).body,
    (await site.get('/api/topics/t/none')).text,
    (await site.get('/api/nodes/none:1')).text,
    (await site.get('/api/topics?inactive=%zz')).text,
    (await site.get('/api/topics/none')).text,
  ];
  const node = (await site.get(`/api/nodes/${a}`)).body as Record<string, unknown>;

  assert.deepEqual(answers, [
    { topics: ['orphan', 't', 'u'], message: '' },
    { topics: { orphan: ['c1', 'c2'] }, message: '' },
    { stats: { [`t:c:${a}`]: counter(a), [`t:c:${b}`]: counter(b) }, message: '' },
    '{"message":"CHANNEL_NOT_FOUND"}',
    '{"message":"NODE_NOT_FOUND"}',
    '{"message":"invalid URL escape \\"%zz\\""}',
    '{"message":"UPSTREAM_ERROR: failed to query any nsqlookupd: got response 404 Not Found \\"{\\\\\\"message\\\\\\":\\\\\\"TOPIC_NOT_FOUND\\\\\\"}\\""}',
  ]);
  assert.deepEqual([node['total_messages'], node['total_clients'], node['message']], [4, 0, '']);
});

test('admin: what some servers do not answer is a warning, and what none answers is 502', async (t) => {
  const dead = `127.0.0.1:${await deadPort()}`;
  const node = await fakeNode(t, 'a', [TOPIC]);
  const site = await AdminSite.start(t, { nsqdHttpAddress: [node.address, dead] });
  const refused = `Get \\"http://${dead}/stats?format=json\\": dial tcp ${dead}: connect: connection refused`;

  const partial = await site.get('/api/topics');
  const site2 = await AdminSite.start(t, { nsqdHttpAddress: [dead] });
  const none = await site2.get('/api/topics');

  assert.equal(partial.text, `{"topics":["t"],"message":"WARNING: ${refused}"}`);
  assert.deepEqual(
    [none.status, none.text],
    [502, `{"message":"UPSTREAM_ERROR: failed to query any nsqd: ${refused}"}`],
  );
  assert.equal(
    site2.log.matching(/^ERROR: failed to get topics - failed to query any nsqd: /).length,
    1,
  );
});

test('admin: a server that answers too late is given up', async (t) => {
  const silent = await FakeServer.start(t, {});
  const site = await AdminSite.start(t, { nsqdHttpAddress: [silent.address] });
  silent.hold();

  const asked = site.get('/api/topics');
  await silent.journal.until(/stats/);
  site.clock.advance(5000);

  const { status, text } = await asked;
  assert.equal(status, 502);
  assert.match(text, /no answer within 5000 ms/);
});

test('admin: actions reach all nodes of the topic, and nsqlookupds where they must', async (t) => {
  const { site, nodes, lookup } = await fleet(t);

  const answers = [
    await site.ask('POST', '/api/topics/t', { action: 'pause' }),
    await site.ask('POST', '/api/topics/t/c', { action: 'empty' }),
    await site.ask('POST', '/api/topics', { topic: 't', channel: 'd#ephemeral' }),
    await site.ask('DELETE', '/api/topics/t/c'),
    await site.ask('DELETE', '/api/topics/u'),
    await site.ask('DELETE', `/api/nodes/${nodes[0].address}`, { topic: 't' }),
  ];

  assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(['{"message":""}']));
  const onBoth = [
    'POST /topic/pause?topic=t',
    'POST /channel/empty?topic=t&channel=c',
    'POST /channel/create?topic=t&channel=d%23ephemeral',
    'POST /channel/delete?topic=t&channel=c',
  ];
  assert.deepEqual(posts(nodes[0]), [...onBoth, 'POST /topic/delete?topic=t']);
  assert.deepEqual(posts(nodes[1]), [...onBoth, 'POST /topic/delete?topic=u']);
  assert.deepEqual(posts(lookup), [
    'POST /topic/create?topic=t',
    'POST /channel/create?topic=t&channel=d%23ephemeral',
    'POST /channel/delete?topic=t&channel=c',
    'POST /topic/delete?topic=u',
    `POST /topic/tombstone?topic=t&node=127.0.0.1%3A${nodes[0].port}`,
  ]);
});

test('admin: a tombstone hides a node of a replicated topic, and does not delete what other nodes have too', async (t) => {
  const node = await fakeNode(t, 'a', [{ ...TOPIC, replicated: true }, { topic_name: 'u' }]);
  const lookup = await fakeLookup(t, [{ hostname: 'a', server: node, topics: ['t', 'u'] }], []);
  const site = await AdminSite.start(t, { lookupdHttpAddress: [lookup.address] });

  const replicated = await site.ask('DELETE', `/api/nodes/${node.address}`, { topic: 't' });
  const local = await site.ask('DELETE', `/api/nodes/${node.address}`, { topic: 'u' });

  assert.deepEqual([replicated.text, local.text], ['{"message":""}', '{"message":""}']);
  assert.deepEqual(posts(lookup), [
    `POST /topic/tombstone?topic=t&node=127.0.0.1%3A${node.port}`,
    `POST /topic/tombstone?topic=u&node=127.0.0.1%3A${node.port}`,
  ]);
  assert.deepEqual(posts(node), ['POST /topic/delete?topic=u']);
});

test('admin: only admins change something, and /config is for its addresses', async (t) => {
  const { site, nodes, lookup } = await fleet(t, {
    adminUser: ['root'],
    aclHttpHeader: 'X-User',
    allowConfigFromCidr: '10.0.0.0/8',
  });
  const changes = [
    ['POST', '/api/topics', '{"topic":"x"}'],
    ['POST', '/api/topics/t', '{"action":"pause"}'],
    ['DELETE', '/api/topics/t', ''],
    ['DELETE', '/api/topics/t/c', ''],
    ['DELETE', `/api/nodes/${nodes[0].address}`, '{"topic":"t"}'],
  ] as const;

  const refused = [];
  for (const user of ['mallory', '', 'Root', 'root, root']) {
    for (const [method, path, body] of changes) {
      refused.push((await site.ask(method, path, body, { 'x-user': user })).text);
    }
  }
  refused.push((await site.get('/config/log_level')).text);
  const untouched = [...posts(lookup), ...posts(nodes[0])];
  const obeyed = await site.ask('POST', '/api/topics', { topic: 'x' }, { 'x-user': 'root' });

  assert.deepEqual(new Set(refused), new Set(['{"message":"FORBIDDEN"}']));
  assert.deepEqual(untouched, []);
  assert.equal(obeyed.status, 200);
});

test('admin: /config shows options by their keys, and sets two of them', async (t) => {
  const { site, lookup } = await fleet(t);
  const show = async (key: string) => (await site.get(`/config/${key}`)).text;
  const set = async (key: string, value: string) =>
    (await site.ask('PUT', `/config/${key}`, value)).text;

  assert.deepEqual(
    [
      await show('log_level'),
      await show('base_path'),
      await show('statsd_interval'),
      await show('admin_users'),
      await show('nsqlookupd_http_addresses'),
      await show('nope'),
    ],
    ['2', '/', '60000000000', '[]', `["${lookup.address}"]`, '{"message":"INVALID_OPTION"}'],
  );
  assert.deepEqual(
    [
      await set('log_level', 'debug'),
      await set('log_level', 'loud'),
      await set('nsqlookupd_http_addresses', '["a:1"]'),
      await set('nsqlookupd_http_addresses', '[1]'),
      await set('nsqlookupd_http_addresses', ''),
      await set('log_level', 'x'.repeat(1024 * 1024 + 1)),
      await set('base_path', '/x'),
      await set('nsqlookupd_http_addresses', 'null'),
    ],
    [
      '1',
      '{"message":"INVALID_VALUE"}',
      '["a:1"]',
      '{"message":"INVALID_VALUE"}',
      '{"message":"INVALID_VALUE"}',
      '{"message":"INVALID_VALUE"}',
      '{"message":"INVALID_OPTION"}',
      'null',
    ],
  );
  assert.equal(
    (await site.get('/api/topics')).text,
    '{"message":"UPSTREAM_ERROR: failed to query any nsqd: "}',
  );
});

test('admin: bodies are refused in the words of Go', async (t) => {
  const { site } = await fleet(t);
  const struct =
    'struct { Topic string \\"json:\\\\\\"topic\\\\\\"\\"; Channel string \\"json:\\\\\\"channel\\\\\\"\\" }';
  const cases: [string, string][] = [
    ['', 'EOF'],
    ['{', 'unexpected EOF'],
    ['nope', "invalid character 'o' in literal null (expecting 'u')"],
    ['{"topic":1}', 'json: cannot unmarshal number into Go struct field .topic of type string'],
    ['[]', `json: cannot unmarshal array into Go value of type ${struct}`],
    ['null', 'INVALID_TOPIC'],
    ['{"TOPIC":"bad!"}', 'INVALID_TOPIC'],
    ['{"topic":"t","channel":"bad!"}', 'INVALID_CHANNEL'],
  ];

  for (const [body, message] of cases) {
    const { status, text } = await site.ask('POST', '/api/topics', body);
    assert.deepEqual([status, text], [400, `{"message":"${message}"}`], body);
  }
  const others = [
    (await site.ask('POST', '/api/topics/t', { action: 'jump' })).text,
    (await site.ask('DELETE', '/api/nodes/x:1', '[]')).text,
    (await site.ask('DELETE', '/api/nodes/x:1', { topic: '' })).text,
  ];
  assert.deepEqual(others, [
    '{"message":"INVALID_ACTION"}',
    '{"message":"INVALID_BODY"}',
    '{"message":"INVALID_TOPIC"}',
  ]);
});

test('admin: a notification tells what was done, also of what then fails', async (t) => {
  const sink = await FakeServer.start(t, { '/n': () => ({}) });
  const { site } = await fleet(t, {
    notificationHttpEndpoint: `http://${sink.address}/n`,
    pageHost: ['admin.test'],
  });
  const headers = {
    authorization: `Basic ${Buffer.from('alice:pw').toString('base64')}`,
    'user-agent': 'me',
    'x-scheme': 'https',
    host: 'admin.test',
  };

  const evil = { ...headers, host: 'evil.test', origin: 'https://evil.test' };
  const foreign = await site.ask('DELETE', '/api/topics/t', '', evil);
  await site.ask('POST', '/api/topics?x=1', { topic: 't', channel: 'c' }, headers);
  await site.ask('POST', '/api/topics/none/c', { action: 'pause' });
  await site.ask('DELETE', '/api/topics/none');
  await site.ask('DELETE', '/api/topics/t');
  const told = (await sink.journal.until(/delete_topic/)).map((line) => {
    const { timestamp, remote_ip: from, via, ...rest } = JSON.parse(line.slice(line.indexOf('{')));
    return { known: [typeof timestamp, typeof from, typeof via].join(), ...rest };
  });

  const known = 'number,string,string';
  const plain = { known, user_agent: '' };
  const url = 'https://admin.test/api/topics?x=1';
  assert.deepEqual(told, [
    { known, action: 'create_topic', topic: 't', user: 'alice', user_agent: 'me', url },
    {
      known,
      action: 'create_channel',
      topic: 't',
      channel: 'c',
      user: 'alice',
      user_agent: 'me',
      url,
    },
    {
      ...plain,
      action: 'pause_channel',
      topic: 'none',
      channel: 'c',
      url: `http://127.0.0.1:${site.port}/api/topics/none/c`,
    },
    {
      ...plain,
      action: 'delete_topic',
      topic: 't',
      url: `http://127.0.0.1:${site.port}/api/topics/t`,
    },
  ]);
  assert.equal(sink.headers['content-type'], 'application/json');
  assert.equal(foreign.status, 403);
});

test('admin: a rate comes from graphite, and /render is passed on with its user', async (t) => {
  let value: unknown = 120;
  const graphite = await FakeServer.start(t, {
    '/render': (query) =>
      query.get('format') === 'json' ? [{ target: 'x', datapoints: [[value, 1]] }] : { drawn: 1 },
    '/nsq/render': () => ({ drawn: 2 }),
  });
  const { site } = await fleet(t, {
    graphiteUrl: `http://bob:pw@${graphite.address}`,
    proxyGraphite: true,
    basePath: 'nsq/',
  });
  const rate = async () => (await site.get('/nsq/api/graphite?metric=rate&target=sum(a)')).text;

  const rates = [await rate()];
  value = -1;
  rates.push(await rate());
  value = null;
  rates.push(await rate());
  const drawn = await site.get('/nsq/render?target=a', { accept: 'image/png' });

  assert.deepEqual(rates, ['{"rate":"2.00"}', '{"rate":"N/A"}', '{"message":"INTERNAL_ERROR"}']);
  assert.equal(
    graphite.journal.lines[0],
    'GET /render?format=json&from=-120sec&target=sum%28a%29&until=-60sec',
  );
  assert.deepEqual(drawn.body, { drawn: 2 });
  assert.equal(graphite.headers.authorization, `Basic ${Buffer.from('bob:pw').toString('base64')}`);
});

test('admin: answers are compressed as the client asks, and paths have the base path', async (t) => {
  const node = await fakeNode(t, 'a', [TOPIC]);
  const site = await AdminSite.start(t, { nsqdHttpAddress: [node.address], basePath: '/nsq' });
  const text = '{"topics":["t"],"message":""}';
  const packed = async (encoding: string) => {
    return (await site.get('/nsq/api/topics', { 'accept-encoding': encoding })).bytes;
  };

  assert.equal(gunzipSync(await packed('br, gzip')).toString(), text);
  assert.equal(inflateRawSync(await packed('deflate, gzip')).toString(), text);
  assert.equal((await packed('br')).toString(), text);
  assert.deepEqual(
    [(await site.get('/nsq')).status, (await site.get('/nsq/topics/a/b')).status],
    [200, 200],
  );
  assert.equal((await site.get('/api/topics')).status, 404);
});

test('admin: metrics, readiness, and what is no path', async (t) => {
  const { site } = await fleet(t);
  await site.get('/api/topics');

  const { text } = await site.get('/metrics');

  assert.match(text, /^ringmq_admin_upstream_requests_total 1$/m);
  assert.match(text, /^ringmq_admin_failed_upstream_requests_total 0$/m);
  assert.match(text, /^ringmq_admin_http_responses_total\{code="200"\} 1$/m);
  assert.equal((await site.get('/readyz')).text, 'OK');
  assert.equal((await site.get('/nope')).text, '{"message":"NOT_FOUND"}');
  assert.equal((await site.ask('PUT', '/api/topics')).text, '{"message":"METHOD_NOT_ALLOWED"}');
  assert.equal((await site.get('/static/none.js')).text, 'NOT_FOUND');
});

for (const [given, why] of [
  [{}, '--nsqd-http-address or --lookupd-http-address required'],
  [
    { nsqdHttpAddress: ['a:1'], lookupdHttpAddress: ['b:1'] },
    'use --nsqd-http-address or --lookupd-http-address not both',
  ],
  [
    { nsqdHttpAddress: ['127.0.0.1:1'], httpClientTlsCert: 'x' },
    '--http-client-tls-key must be specified with --http-client-tls-cert',
  ],
  [
    { nsqdHttpAddress: ['127.0.0.1:1'], httpClientTlsKey: 'x' },
    '--http-client-tls-cert must be specified with --http-client-tls-key',
  ],
  [
    { nsqdHttpAddress: ['nowhere'] },
    'failed to resolve --nsqd-http-address (nowhere) - it has no port',
  ],
  [
    { nsqdHttpAddress: ['127.0.0.1:1'], allowConfigFromCidr: '10.0.0.0' },
    'failed to parse --allow-config-from-cidr (10.0.0.0) - invalid CIDR address: 10.0.0.0',
  ],
  [
    { nsqdHttpAddress: ['127.0.0.1:1'], proxyGraphite: true },
    'failed to parse --graphite-url () - it must be a URL',
  ],
] as const) {
  test(`admin: does not start: ${why}`, async (t) => {
    await assert.rejects(AdminSite.start(t, given), { message: why });
  });
}
