import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addChannel,
  addTopic,
  channelSum,
  type StatsNode,
  sortedByNearness,
  topicSum,
  topicsOf,
} from '../../../../src/companions/admin/queue-stats.ts';

function node(hostname: string): StatsNode {
  return { address: `${hostname}:4151`, hostname, region: 'r1', zone: 'z1', nowS: 1000 };
}

/** The answer of `/stats` with one topic of one channel. */
function answer(counts: object, clients: readonly object[] | null = null): object {
  const channel = { channel_name: 'c', client_count: clients?.length ?? 0, clients, ...counts };
  return { topics: [{ topic_name: 't', channels: [channel], ...counts }] };
}

function parts(hostname: string, counts: object, clients: readonly object[] | null = null) {
  const [topic] = topicsOf({ ...answer(counts, clients) }, node(hostname));
  const [channel] = topic.channels ?? [];
  return { topic, channel };
}

test('topicsOf: what is not on disk is in memory', () => {
  const { topic, channel } = parts('a', { depth: 7, backend_depth: 3, message_count: 20 });

  for (const one of [topic, channel]) {
    assert.deepStrictEqual([one.depth, one.memory_depth, one.backend_depth], [7, 4, 3]);
    assert.deepStrictEqual([one.node, one.hostname, one.topic_name], ['a:4151', 'a', 't']);
  }
});

test('topicsOf: fields that are missing or of another type are zero, empty or null', () => {
  const [topic] = topicsOf({ topics: [{ topic_name: 't', depth: 'many' }] }, node('a'));

  assert.deepStrictEqual([topic.depth, topic.channels, topic.paused], [0, null, false]);
});

test('topicsOf: deliveries by locality are left out where a node does not count them', () => {
  const with1 = parts('a', { zone_local_msg_count: 2, global_msg_count: 3 }).channel;
  const without = parts('a', {}).channel;

  assert.deepStrictEqual(
    [with1.delivery_msg_count, with1.zone_local_msg_count, with1.global_msg_count],
    [5, 2, 3],
  );
  assert.equal('region_local_msg_count' in with1, false);
  assert.equal('delivery_msg_count' in without, false);
});

test('topicsOf: a client has been connected since its timestamp', () => {
  const { channel } = parts('a', {}, [{ client_id: 'x', connect_ts: 940 }]);

  assert.deepStrictEqual(
    channel.clients?.map((client) => 'connected' in client && client.connected),
    [60e9],
  );
});

test('addChannel: sums the nodes; one paused node pauses the sum', () => {
  const sum = channelSum('t', 'c');
  const counts = { depth: 5, backend_depth: 1, message_count: 9, requeue_count: 2 };

  addChannel(sum, parts('b', { ...counts, paused: true }, [{ client_id: 'x' }]).channel);
  addChannel(sum, parts('a', counts, [{ client_id: 'y' }]).channel);

  assert.deepStrictEqual(
    {
      node: sum.node,
      depth: sum.depth,
      memory: sum.memory_depth,
      requeued: sum.requeue_count,
      clients: sum.client_count,
      paused: sum.paused,
      nodes: sum.nodes?.map(({ hostname }) => hostname),
      hosts: sum.clients?.map(({ node: address }) => address),
    },
    {
      node: '*',
      depth: 10,
      memory: 8,
      requeued: 4,
      clients: 2,
      paused: true,
      nodes: ['a', 'b'],
      hosts: ['b:4151', 'a:4151'],
    },
  );
});

test('addTopic: sums each channel over the nodes that have it', () => {
  const sum = topicSum('t');

  addTopic(sum, parts('a', { depth: 1, message_count: 4 }).topic);
  addTopic(sum, parts('b', { depth: 2, message_count: 5 }).topic);

  assert.deepStrictEqual([sum.depth, sum.message_count], [3, 9]);
  assert.deepStrictEqual(
    sum.channels?.map(({ channel_name: name, depth }) => [name, depth]),
    [['c', 3]],
  );
});

test('sortedByNearness: clients of the zone before those of the region, those before others', () => {
  const at = (zone: string, region: string) => ({
    ...{ node: 'n', hostname: 'h', node_topology_region: 'r1', node_topology_zone: 'z1' },
    ...{ topology_region: region, topology_zone: zone },
  });
  const clients = [at('z9', 'r2'), at('z2', 'r1'), at('z1', 'r1')];

  assert.deepStrictEqual(
    sortedByNearness(clients).map(({ topology_zone: zone }) => zone),
    ['z1', 'z2', 'z9'],
  );
});
