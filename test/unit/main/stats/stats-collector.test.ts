import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BrokerStats, StatsFilter } from '../../../../src/main/stats/stats.ts';
import { StatsCollector } from '../../../../src/main/stats/stats-collector.ts';
import type { Client } from '../../../../src/main/tcp/client.ts';
import { identify, MAGIC, mpub, pub } from '../../../../src/protocol/commands.ts';
import { newChannelTallies, newTopicTallies } from '../../../../src/shared/control.ts';
import { BrokerTurns } from '../../../support/broker-turns.ts';
import { FakeSocket } from '../../../support/fake-socket.ts';
import { channelNamed, topicNamed } from '../../../support/names.ts';
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

const NO_POLICIES = { namesOf: (): readonly string[] => [] };

function collectorOf(broker: BrokerTurns): StatsCollector {
  const clients = {
    get: (number: number): Client | undefined => broker.connection(number)?.client,
    values: (): Client[] => [...broker.connections()].map(({ client }) => client),
  };
  return new StatsCollector(broker.topics, clients, NO_POLICIES, broker.options, broker.clock);
}

async function collect(broker: BrokerTurns, filter: Partial<StatsFilter>): Promise<BrokerStats> {
  const stats = collectorOf(broker).collect({ ...ALL, ...filter });
  await broker.turns();
  return stats;
}

function shape({ topics, producers }: BrokerStats): unknown {
  return {
    topics:
      topics?.map(({ name, channels }) => [
        name,
        channels.map((channel) => [
          channel.name,
          channel.clients?.map(({ remoteAddress }) => remoteAddress) ?? null,
        ]),
      ]) ?? null,
    producers: producers?.map(({ remoteAddress, published }) => [remoteAddress, published]) ?? null,
  };
}

describe('StatsCollector: filter', () => {
  const c = ['c', ['10.0.0.3:3']];
  const z = ['z', ['10.0.0.2:2']];
  const ofA = [['10.0.0.1:1', { topic: 'a', count: 1 }]];
  const ofB = [['10.0.0.1:1', { topic: 'b', count: 3 }]];
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
      name: 'b',
      channels: [
        {
          name: 'c',
          depth: 3,
          backendDepth: 0,
          inFlightCount: 0,
          deferredCount: 0,
          messageCount: 3,
          ...newChannelTallies(),
          droppedCount: 0,
          expiredCount: 0,
          deadLetterCount: 0,
          exhaustedCount: 0,
          throttledCount: 0,
          takenCounts: { zone: 0, region: 0, global: 0 },
          clientCount: 1,
          clients: null,
          isPaused: false,
          isExpiring: false,
          policyCounts: {},
          policies: [],
          latency: NO_LATENCY,
        },
      ],
      depth: 0,
      backendDepth: 0,
      messageCount: 3,
      ...newTopicTallies(),
      messageBytes: 6,
      droppedCount: 0,
      expiredCount: 0,
      deadLetterCount: 0,
      deduplicatedCount: 0,
      isPaused: false,
      isReplicated: false,
      policyCounts: {},
      policies: [],
      latency: NO_LATENCY,
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
    const producer = producers?.find(({ remoteAddress }) => remoteAddress === '10.0.0.4:4');

    assert.deepStrictEqual(consumer.published, count);
    assert.deepStrictEqual(producer, consumer);
  }
});

test("StatsCollector: a client's numbers", async () => {
  const broker = await busyBroker();

  const { topics } = await collect(broker, { topic: 'b', channel: 'z' });

  assert.deepStrictEqual(topics?.[0].channels[0].clients, [
    {
      clientId: 'id',
      hostname: 'name',
      userAgent: 'agent',
      remoteAddress: '10.0.0.2:2',
      state: 'subscribed',
      readyCount: 2,
      inFlightCount: 2,
      messageCount: 2,
      finishCount: 0,
      requeueCount: 0,
      connectTimestamp: 1_700_000_000,
      sampleRate: 7,
      topologyRegion: '',
      topologyZone: '',
      compression: null,
      tls: null,
      auth: null,
      published: null,
    },
  ]);
});

test('StatsCollector: without clients there are no producers', async () => {
  const broker = new BrokerTurns();

  assert.deepStrictEqual(await collect(broker, {}), {
    topics: [],
    producers: null,
  });
});

test('StatsCollector: says what was dropped where queues have a bound', async () => {
  const counts = async (given: Record<string, unknown>): Promise<unknown> => {
    const broker = new BrokerTurns(given);
    broker.topics.getOrCreate(topicNamed('t'));
    return (await collect(broker, {})).topics?.map(({ policyCounts }) => policyCounts);
  };

  assert.deepStrictEqual(
    [await counts({}), await counts({ maxDepth: 10 }), await counts({ maxBytes: 10 })],
    [[{}], [{ dropped: 0 }], [{ dropped: 0 }]],
  );
});

test('StatsCollector: a topic with many channels and clients is asked for in parts, and shown whole', async () => {
  const broker = new BrokerTurns();
  const topic = broker.topics.getOrCreate(topicNamed('many'));
  const names = Array.from({ length: 3000 }, (_, index) => `c${(index * 7919) % 3000}`);
  for (const name of names) broker.topics.getOrCreateChannel(topic, channelNamed(name));
  for (let number = 1; number <= 600; number++) {
    broker.connect(new FakeSocket('10.0.0.1', number)).send(wire(MAGIC, 'SUB many c7\n'));
  }
  await broker.turns();
  broker.connect(new FakeSocket()).send(wire(MAGIC, mpub('many', ['x', 'y'])));
  await broker.turns();
  const asked: number[] = [];
  const request = broker.pump.request.bind(broker.pump);
  broker.pump.request = (wanted) => {
    assert.ok(wanted.do === 'stats');
    asked.push(wanted.topics.length + wanted.channels.length + wanted.consumers.length);
    return request(wanted);
  };

  const { topics } = await collect(broker, {});

  const [{ channels }] = topics ?? [];
  assert.deepEqual(
    channels.map(({ name, messageCount, clients }) => [name, messageCount, clients?.length]),
    names.sort().map((name) => [name, 2, name === 'c7' ? 600 : 0]),
  );
  assert.equal(new Set(channels.flatMap(({ clients }) => clients)).size, 600);
  assert.deepEqual(asked, [...Array.from({ length: 14 }, () => 256), 17]);
});

test('StatsCollector: what goes away meanwhile is left out, with what is in it', async () => {
  const broker = await busyBroker();
  const topic = broker.topics.get('b');
  const channel = broker.topics.get('b')?.channels.get('c');
  assert.ok(topic !== undefined && channel !== undefined);

  const withoutChannel = collectorOf(broker).collect(ALL);
  void broker.topics.deleteChannel(channel);
  await broker.turns();
  const withoutTopic = collectorOf(broker).collect(ALL);
  void broker.topics.deleteTopic(topic);
  await broker.turns();

  const shown = [await withoutChannel, await withoutTopic].map(({ topics }) =>
    topics?.map(({ name, channels }) => [name, channels.map((one) => one.name)]),
  );
  assert.deepStrictEqual(shown, [
    [
      ['a', []],
      ['b', ['z']],
    ],
    [['a', []]],
  ]);
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
  const collector = collectorOf(broker);
  const filter = { ...ALL, withClients: false };
  const before = collector.collect(filter);
  await broker.turns();

  answers = false;
  const during = collector.collect(filter);
  await broker.turns();
  broker.clock.advance(1000);
  const known = [await before, await during, await collector.collect(filter)];

  assert.deepEqual(known[1], known[0]);
  assert.deepEqual(known[2], known[0]);
  assert.equal(known[0].topics?.length, 2);
  assert.deepEqual(asked, ['stats', 'stats']);
});

test('StatsCollector: two that ask at the same time both get an answer', async () => {
  const broker = await busyBroker();
  const collector = collectorOf(broker);

  const both = [collector.collect(ALL), collector.collect(ALL)];
  await broker.turns();

  const [first, second] = await Promise.all(both);
  assert.deepEqual(second, first);
  assert.equal(first.topics?.length, 2);
});
