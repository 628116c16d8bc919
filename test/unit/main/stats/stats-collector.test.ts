import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BrokerStats, StatsFilter } from '../../../../src/main/stats/stats.ts';
import { StatsCollector } from '../../../../src/main/stats/stats-collector.ts';
import type { Client } from '../../../../src/main/tcp/client.ts';
import { identify, MAGIC, mpub, pub } from '../../../../src/protocol/commands.ts';
import { BrokerTurns } from '../../../support/broker-turns.ts';
import { FakeSocket } from '../../../support/fake-socket.ts';
import { wire } from '../../../support/wire.ts';

const ALL: StatsFilter = { topic: undefined, channel: undefined, withClients: true };
const NO_LATENCY = { count: 0, percentiles: null };

/** A broker with two topics, a producer and a consumer. */
async function busyBroker(): Promise<BrokerTurns> {
  const broker = new BrokerTurns();
  const producer = broker.connect(new FakeSocket('10.0.0.1', 1));
  producer.send(wire(MAGIC, mpub('b', ['x', 'yy', 'zzz']), pub('a', 'x')));
  await broker.turns();
  const consumer = broker.connect(new FakeSocket('10.0.0.2', 2));
  const settings = { client_id: 'id', hostname: 'name', user_agent: 'agent', sample_rate: 7 };
  consumer.send(wire(MAGIC, identify(settings), 'SUB b z\nRDY 2\n'));
  broker.connect(new FakeSocket('10.0.0.3', 3)).send(wire(MAGIC, 'SUB b c\n'));
  await broker.turns();
  return broker;
}

async function collect(broker: BrokerTurns, filter: Partial<StatsFilter>): Promise<BrokerStats> {
  const clients = (): Client[] => [...broker.connections()].map(({ client }) => client);
  const collector = new StatsCollector(
    [broker.pump],
    broker.topics,
    clients,
    broker.options,
    broker.clock,
  );
  const stats = collector.collect({ ...ALL, ...filter });
  await broker.turns();
  return stats;
}

function shape({ topics, producers }: BrokerStats): unknown {
  return {
    topics:
      topics?.map(({ topic_name, channels }) => [
        topic_name,
        channels.map(({ channel_name, clients }) => [
          channel_name,
          clients?.map(({ remote_address }) => remote_address) ?? null,
        ]),
      ]) ?? null,
    producers:
      producers?.map(({ remote_address, pub_counts }) => [remote_address, pub_counts]) ?? null,
  };
}

describe('StatsCollector: filter', () => {
  const c = ['c', ['10.0.0.3:3']];
  const z = ['z', ['10.0.0.2:2']];
  const ofA = [['10.0.0.1:1', [{ topic: 'a', count: 1 }]]];
  const ofB = [['10.0.0.1:1', [{ topic: 'b', count: 3 }]]];
  const cases: readonly (readonly [string, Partial<StatsFilter>, unknown])[] = [
    [
      'everything, sorted by name',
      {},
      {
        topics: [
          ['a', []],
          ['b', [c, z]],
        ],
        producers: ofB,
      },
    ],
    ['one topic', { topic: 'a' }, { topics: [['a', []]], producers: ofA }],
    ['one channel', { topic: 'b', channel: 'z' }, { topics: [['b', [z]]], producers: ofB }],
    ['a channel of any topic', { channel: 'c' }, { topics: [['b', [c]]], producers: ofB }],
    ['an unknown topic', { topic: 'x' }, { topics: null, producers: null }],
    ['an unknown channel', { topic: 'b', channel: 'x' }, { topics: [], producers: ofB }],
    [
      'no clients',
      { topic: 'b', withClients: false },
      {
        topics: [
          [
            'b',
            [
              ['c', null],
              ['z', null],
            ],
          ],
        ],
        producers: null,
      },
    ],
  ];
  for (const [name, filter, expected] of cases) {
    test(`StatsCollector: ${name}`, async () => {
      const broker = await busyBroker();

      assert.deepStrictEqual(shape(await collect(broker, filter)), expected);
    });
  }
});

test("StatsCollector: a topic's and a channel's numbers", async () => {
  const broker = await busyBroker();

  const { topics } = await collect(broker, { topic: 'b', channel: 'c', withClients: false });

  assert.deepStrictEqual(topics, [
    {
      topic_name: 'b',
      channels: [
        {
          channel_name: 'c',
          depth: 3,
          backend_depth: 0,
          in_flight_count: 0,
          deferred_count: 0,
          message_count: 3,
          requeue_count: 0,
          timeout_count: 0,
          client_count: 1,
          clients: null,
          paused: false,
          e2e_processing_latency: NO_LATENCY,
        },
      ],
      depth: 0,
      backend_depth: 0,
      message_count: 3,
      message_bytes: 6,
      paused: false,
      e2e_processing_latency: NO_LATENCY,
    },
  ]);
});

test('StatsCollector: a consumer that is also a producer is listed in both places, alike', async () => {
  const broker = await busyBroker();
  const both = broker.connect(new FakeSocket('10.0.0.4', 4));
  both.send(wire(MAGIC, pub('b', 'x'), pub('a', 'y'), 'SUB a own\n'));
  await broker.turns();

  for (const [topic, count] of [
    [undefined, { topic: 'b', count: 1 }],
    ['a', { topic: 'a', count: 1 }],
  ] as const) {
    const { topics, producers } = await collect(broker, { topic });
    const [consumer] = topics?.[0].channels[0].clients ?? [];
    const producer = producers?.find(({ remote_address }) => remote_address === '10.0.0.4:4');

    assert.deepStrictEqual(consumer.pub_counts, [count]);
    assert.deepStrictEqual(producer, consumer);
  }
});

test("StatsCollector: a client's numbers", async () => {
  const broker = await busyBroker();

  const { topics } = await collect(broker, { topic: 'b', channel: 'z' });

  assert.deepStrictEqual(topics?.[0].channels[0].clients, [
    {
      client_id: 'id',
      hostname: 'name',
      version: 'V2',
      remote_address: '10.0.0.2:2',
      state: 3,
      ready_count: 2,
      in_flight_count: 2,
      message_count: 2,
      finish_count: 0,
      requeue_count: 0,
      connect_ts: 1_700_000_000,
      sample_rate: 7,
      deflate: false,
      snappy: false,
      user_agent: 'agent',
      topology_zone: '',
      topology_region: '',
      tls: false,
      tls_cipher_suite: '',
      tls_version: '',
      tls_negotiated_protocol: '',
      tls_negotiated_protocol_is_mutual: false,
    },
  ]);
});

test('StatsCollector: without clients there are no producers', async () => {
  const broker = new BrokerTurns();

  assert.deepStrictEqual(await collect(broker, {}), { topics: [], producers: null });
});

test('StatsCollector: what was dropped is shown only where queues have a bound', async () => {
  const dropped = async (given: Record<string, unknown>): Promise<unknown[]> => {
    const broker = new BrokerTurns(given);
    broker.connect(new FakeSocket()).send(wire(MAGIC, 'SUB a b\n'));
    await broker.turns();
    const { topics } = await collect(broker, {});
    const [topic] = topics ?? [];
    return [topic.dropped_count, topic.channels[0].dropped_count];
  };

  assert.deepStrictEqual(await dropped({}), [undefined, undefined]);
  assert.deepStrictEqual(await dropped({ maxDepth: 10 }), [0, 0]);
  assert.deepStrictEqual(await dropped({ maxBytes: 10 }), [0, 0]);
});

test('StatsCollector: a pump that does not answer is waited for once, and shown as it was last', async () => {
  const broker = await busyBroker();
  const asked: string[] = [];
  let answers = true;
  const request = broker.pump.request.bind(broker.pump);
  broker.pump.request = (wanted) => {
    asked.push(wanted.do);
    return answers ? request(wanted) : new Promise(() => undefined);
  };
  const clients = (): Client[] => [];
  const { pump, topics, options, clock } = broker;
  const collector = new StatsCollector([pump], topics, clients, options, clock);
  const filter = { ...ALL, withClients: false };
  const before = collector.collect(filter);
  await broker.turns();

  answers = false;
  const during = collector.collect(filter);
  clock.advance(1000);
  const known = [await before, await during, await collector.collect(filter)];

  assert.deepEqual(known[1], known[0]);
  assert.deepEqual(known[2], known[0]);
  assert.equal(known[0].topics?.length, 2);
  assert.deepEqual(asked, ['stats', 'stats']);
});
