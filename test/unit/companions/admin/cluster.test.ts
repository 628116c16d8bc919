import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster } from '../../../../src/companions/admin/cluster.ts';
import { Upstream, UpstreamError } from '../../../../src/companions/admin/upstream.ts';
import { queryEscape } from '../../../../src/companions/query-escape.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const LOOKUP_A = 'lookup-a:4161';
const LOOKUP_B = 'lookup-b:4161';

/** An answer; a text is the reason why there is none. */
type Answers = Readonly<Record<string, object | string>>;

/** Servers that give these answers to GET, and to any POST an empty one. */
function makeCluster(answers: Answers, addresses: { lookupd?: string[]; nsqd?: string[] }) {
  const requests: string[] = [];
  const logger = { info: () => undefined, debug: () => undefined };
  const upstream = new Upstream(
    // no request is sent: the answers are given below
    { connectTimeoutMs: 1, requestTimeoutMs: 1 } as never,
    logger,
  );
  upstream.getBytes = (_kind, url) => {
    const given = answers[url.slice('http://'.length)] ?? 'not there';
    if (typeof given === 'string') return Promise.reject(new Error(given));
    return Promise.resolve(Buffer.from(JSON.stringify(given)));
  };
  upstream.poll = (kind, url) => upstream.getBytes(kind, url);
  upstream.post = (_kind, url) => {
    requests.push(url.slice('http://'.length));
    return Promise.resolve();
  };
  const cluster = new Cluster({
    upstream,
    clock: new ManualClock(),
    addresses: () => ({ lookupd: addresses.lookupd ?? [], nsqd: addresses.nsqd ?? [] }),
  });
  return { cluster, requests };
}

function producer(host: string): object {
  return {
    ...{ remote_address: `${host}:999`, hostname: host, broadcast_address: host },
    ...{ tcp_port: 4150, http_port: 4151, version: '1.3.0' },
  };
}

const LOOKUP = '/lookup?topic=t';

test('Cluster: topics are those of all nsqlookupds, once each; one that fails is reported', async () => {
  const { cluster } = makeCluster(
    {
      [`${LOOKUP_A}/topics`]: { topics: ['b', 'a'] },
      [`${LOOKUP_B}/topics`]: 'it is down',
      'lookup-c:4161/topics': { topics: ['a', 'c'] },
    },
    { lookupd: [LOOKUP_A, LOOKUP_B, 'lookup-c:4161'] },
  );

  const found = await cluster.topics();

  assert.deepStrictEqual(found, { value: ['a', 'b', 'c'], errors: ['it is down'] });
});

test('Cluster: without any answer there is an error, not an empty list', async () => {
  const { cluster } = makeCluster({}, { lookupd: [LOOKUP_A, LOOKUP_B] });

  await assert.rejects(cluster.topics(), UpstreamError);
});

test('Cluster: a node that two nsqlookupds list is one node', async () => {
  const { cluster } = makeCluster(
    {
      [LOOKUP_A + LOOKUP]: { producers: [producer('n1'), producer('n2')] },
      [LOOKUP_B + LOOKUP]: { producers: [producer('n2')] },
    },
    { lookupd: [LOOKUP_A, LOOKUP_B] },
  );

  const { value } = await cluster.topicProducers('t');

  assert.deepStrictEqual(value.map(({ hostname }) => hostname).sort(), ['n1', 'n2']);
});

test('Cluster: an action on a topic goes to all nodes that have it', async () => {
  const { cluster, requests } = makeCluster(
    { [LOOKUP_A + LOOKUP]: { producers: [producer('n1'), producer('n2')] } },
    { lookupd: [LOOKUP_A] },
  );

  const errors = await cluster.act('pause', 't', '');

  assert.deepStrictEqual(errors, []);
  assert.deepStrictEqual(requests.sort(), [
    'n1:4151/topic/pause?topic=t',
    'n2:4151/topic/pause?topic=t',
  ]);
});

test('Cluster: an action on a channel goes to the nodes that have it, or that cannot be asked', async () => {
  const stats = '/stats?format=json&topic=t&channel=c&include_clients=false';
  const { cluster, requests } = makeCluster(
    {
      [LOOKUP_A + LOOKUP]: { producers: [producer('n1'), producer('n2'), producer('n3')] },
      [`n1:4151${stats}`]: { topics: [{ channels: [{ channel_name: 'c' }] }] },
      [`n2:4151${stats}`]: { topics: [{ channels: [] }] },
      [`n3:4151${stats}`]: 'it is down',
    },
    { lookupd: [LOOKUP_A] },
  );

  await cluster.act('empty', 't', 'c');

  assert.deepStrictEqual(requests.sort(), [
    'n1:4151/channel/empty?topic=t&channel=c',
    'n3:4151/channel/empty?topic=t&channel=c',
  ]);
});

test('Cluster: a topic is deleted at nsqlookupds before its nodes, which are looked up first', async () => {
  const { cluster, requests } = makeCluster(
    { [LOOKUP_A + LOOKUP]: { producers: [producer('n1')] } },
    { lookupd: [LOOKUP_A] },
  );

  await cluster.delete('t', '');

  assert.deepStrictEqual(requests, [
    `${LOOKUP_A}/topic/delete?topic=t`,
    'n1:4151/topic/delete?topic=t',
  ]);
});

test('Cluster: a tombstone deletes the topic at that node, unless it is replicated', async () => {
  const stats = '/stats?format=json&include_clients=false';
  const answers = (replicated: boolean): Answers => ({
    [`n1:4151${stats}`]: { topics: [{ topic_name: 't', replicated }] },
    'n1:4151/info': producer('n1'),
  });
  const plain = makeCluster(answers(false), { lookupd: [LOOKUP_A] });
  const replicated = makeCluster(answers(true), { lookupd: [LOOKUP_A] });

  for (const { cluster } of [plain, replicated]) await cluster.tombstone('t', 'n1:4151');

  const tombstone = `${LOOKUP_A}/topic/tombstone?topic=t&node=n1%3A4151`;
  assert.deepStrictEqual(plain.requests, [tombstone, 'n1:4151/topic/delete?topic=t']);
  assert.deepStrictEqual(replicated.requests, [tombstone]);
});

test('Cluster: without nsqlookupd, the nodes of the options are asked for their topics', async () => {
  const query = '/stats?format=json&topic=t&include_clients=false';
  const { cluster } = makeCluster(
    {
      [`n1:4151${query}`]: { topics: [{ topic_name: 't' }] },
      [`n2:4151${query}`]: { topics: [] },
      // as an old nsqd, which does not tell its address
      'n1:4151/info': { version: '0.2.16' },
    },
    { nsqd: ['n1:4151', 'n2:4151'] },
  );

  const { value } = await cluster.topicProducers('t');

  assert.deepStrictEqual(
    value.map((one) => [one.hostname, one.broadcast_address, one.http_port]),
    [['n1', 'n1', 4151]],
  );
});

test('queryEscape: escapes as Go does', () => {
  assert.equal(queryEscape("a b&c='(d)*!~"), 'a+b%26c%3D%27%28d%29%2A%21~');
});
