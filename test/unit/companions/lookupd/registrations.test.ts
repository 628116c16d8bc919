import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Producer } from '../../../../src/companions/lookupd/producer.ts';
import { Registrations } from '../../../../src/companions/lookupd/registrations.ts';
import {
  type ChannelName,
  isEphemeral,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../../../src/shared/names.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { freshSeed, type Random, seededRandom } from '../../../support/seeded-random.ts';

const TIMES = { inactiveMs: 1000, tombstoneMs: 500 };
/** A broker stays active for a twentieth longer. */
const ACTIVE_MS = 1050;
const MAX = 8;
const STEPS = 2000;
const TOPICS = ['a', 'b', 'c#ephemeral'].map((name) => parseTopicName(name) as TopicName);
const CHANNELS = ['x', 'y', 'z#ephemeral'].map((name) => parseChannelName(name) as ChannelName);

/** What a simple list says: all keys `topic` and `topic:channel` with their producers, and when each was hidden. */
type Model = {
  readonly keys: Map<string, Set<Producer>>;
  readonly hiddenMs: Map<string, Map<Producer, number>>;
  readonly seenMs: Map<Producer, number>;
};

function setUp() {
  const clock = new ManualClock();
  const changed: string[] = [];
  const onChange = (topic: string): void => void changed.push(topic);
  const database = new Registrations({ times: TIMES, max: MAX, clock, onChange });
  const model: Model = { keys: new Map(), hiddenMs: new Map(), seenMs: new Map() };
  return { clock, changed, database, model };
}

type Bench = ReturnType<typeof setUp>;

test('Registrations: are as a list of keys has them, whatever brokers and operators do', (t) => {
  const seed = freshSeed();
  t.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  const bench = setUp();

  for (let step = 0; step < STEPS; step++) {
    const before = activeNodes(bench);
    bench.changed.length = 0;
    const what = takeStep(bench, random);
    compare(bench, `step ${step}: ${what}`);
    // Those who watch a topic hear of all that does not come with time.
    if (what !== 'time' && what !== 'ping') {
      for (const [topic, nodes] of activeNodes(bench)) {
        const isChanged = nodes !== (before.get(topic) ?? '');
        assert.ok(!isChanged || bench.changed.includes(topic), `step ${step}: ${what} of ${topic}`);
      }
    }
  }
});

function takeStep(bench: Bench, random: Random): string {
  const { database, model, clock } = bench;
  const producers = [...model.seenMs.keys()];
  const dice = random(100);
  if (producers.length === 0 || (dice < 6 && producers.length < 5)) return addProducer(bench);
  const producer = producers[random(producers.length)];
  const topic = TOPICS[random(TOPICS.length)];
  const channel = random(3) === 0 ? null : CHANNELS[random(CHANNELS.length)];
  if (dice < 10) return removeProducer(bench, producer);
  if (dice < 45) return register(bench, producer, topic, channel);
  if (dice < 60) return unregister(bench, producer, topic, channel);
  if (dice < 66) {
    if (database.create(topic, channel) !== undefined) addKeys(model, topic, channel);
    return 'create';
  }
  if (dice < 70) return remove(bench, topic, channel);
  if (dice < 78) return tombstone(bench, producer, topic);
  if (dice < 88) {
    database.touch(producer);
    model.seenMs.set(producer, clock.monotonicMs());
    return 'ping';
  }
  clock.advance(random(300));
  return 'time';
}

function addProducer({ database, model, clock }: Bench): string {
  const producer = database.addProducer({
    remoteAddress: '127.0.0.1:1',
    hostname: 'host',
    // two of them may be one node, as after a restart
    broadcastAddress: `node-${model.seenMs.size % 3}`,
    tcpPort: 4150,
    httpPort: 4151,
    version: '1',
    topologyZone: '',
    topologyRegion: '',
  });
  assert.ok(producer !== undefined);
  model.seenMs.set(producer, clock.monotonicMs());
  return 'producer';
}

function removeProducer({ database, model }: Bench, producer: Producer): string {
  const expected = keysOf(model, producer);
  const removed = database.removeProducer(producer);
  assert.deepEqual(removed.map(keyOf).sort(), expected);
  for (const producers of model.keys.values()) producers.delete(producer);
  for (const hidden of model.hiddenMs.values()) hidden.delete(producer);
  model.seenMs.delete(producer);
  return 'gone';
}

function register(bench: Bench, producer: Producer, topic: TopicName, channel: ChannelName | null) {
  const { database, model } = bench;
  const fits = addKeys(model, topic, channel);
  const before = keysOf(model, producer);
  const added = database.register(producer, topic, channel);
  assert.equal(added !== undefined, fits);
  if (added === undefined) return 'register too many';
  const isNew = !before.includes(topic);
  model.keys.get(topic)?.add(producer);
  if (channel !== null) model.keys.get(`${topic}:${channel}`)?.add(producer);
  else if (!isNew) model.hiddenMs.get(topic)?.delete(producer);
  const expected = keysOf(model, producer).filter((key) => !before.includes(key));
  assert.deepEqual(added.map(keyOf).sort(), expected);
  return 'register';
}

function unregister(
  { database, model }: Bench,
  producer: Producer,
  topic: TopicName,
  channel: ChannelName | null,
): string {
  if (channel !== null) {
    const key = `${topic}:${channel}`;
    const producers = model.keys.get(key);
    const isRemoved = producers?.delete(producer) ?? false;
    assert.equal(database.unregisterChannel(producer, topic, channel), isRemoved);
    if (producers?.size === 0 && isEphemeral(channel)) model.keys.delete(key);
    return 'unregister channel';
  }
  const channels = keysOf(model, producer).filter((key) => key.startsWith(`${topic}:`));
  for (const key of channels) model.keys.get(key)?.delete(producer);
  const producers = model.keys.get(topic);
  const isRemoved = producers?.delete(producer) ?? false;
  model.hiddenMs.get(topic)?.delete(producer);
  if (producers?.size === 0 && isEphemeral(topic)) dropTopic(model, topic);
  const found = database.unregisterTopic(producer, topic);
  const removed = found.channels.map((name) => keyOf({ topic, channel: name })).sort();
  assert.deepEqual([removed, found.isRemoved], [channels, isRemoved]);
  return 'unregister topic';
}

function remove({ database, model }: Bench, topic: TopicName, channel: ChannelName | null): string {
  if (channel !== null) {
    const isThere = model.keys.delete(`${topic}:${channel}`);
    assert.equal(database.deleteChannel(topic, channel), isThere);
    return 'delete channel';
  }
  for (const key of [...model.keys.keys()]) if (key.startsWith(`${topic}:`)) model.keys.delete(key);
  dropTopic(model, topic);
  database.deleteTopic(topic);
  return 'delete topic';
}

function tombstone({ database, model, clock }: Bench, { node }: Producer, topic: TopicName) {
  database.tombstone(topic, node);
  const hidden = model.hiddenMs.get(topic) ?? new Map();
  for (const producer of model.keys.get(topic) ?? []) {
    if (producer.node === node) hidden.set(producer, clock.monotonicMs());
  }
  model.hiddenMs.set(topic, hidden);
  return 'tombstone';
}

/** Adds what is missing, if all of it fits. */
function addKeys({ keys }: Model, topic: TopicName, channel: ChannelName | null): boolean {
  const wanted = channel === null ? [topic] : [topic, `${topic}:${channel}`];
  const missing = wanted.filter((key) => !keys.has(key));
  if (missing.length > 0 && keys.size + missing.length > MAX) return false;
  for (const key of missing) keys.set(key, new Set());
  return true;
}

function dropTopic({ keys, hiddenMs }: Model, topic: TopicName): void {
  keys.delete(topic);
  hiddenMs.delete(topic);
}

function keysOf({ keys }: Model, producer: Producer): string[] {
  return [...keys]
    .filter(([, producers]) => producers.has(producer))
    .map(([key]) => key)
    .sort();
}

function keyOf({ topic, channel }: { topic: string; channel: string }): string {
  return channel === '' ? topic : `${topic}:${channel}`;
}

/** The producers of each topic that consumers may connect to, by the model. */
function activeNodes({ model, clock }: Bench): Map<string, string> {
  const nowMs = clock.monotonicMs();
  const found = new Map<string, string>();
  for (const topic of TOPICS) {
    const active = [...(model.keys.get(topic) ?? [])].filter((producer) => {
      const isSeen = nowMs - (model.seenMs.get(producer) ?? 0) <= ACTIVE_MS;
      const hiddenMs = model.hiddenMs.get(topic)?.get(producer);
      return isSeen && (hiddenMs === undefined || nowMs - hiddenMs >= TIMES.tombstoneMs);
    });
    found.set(topic, numbersOf(active));
  }
  return found;
}

function numbersOf(producers: Iterable<Producer>): string {
  return [...producers]
    .map(({ number }) => number)
    .sort((a, b) => a - b)
    .join(' ');
}

function compare(bench: Bench, what: string): void {
  const { database, model } = bench;
  const keys = new Map<string, string>();
  for (const topic of database.topics.values()) {
    if (topic.producers !== null) keys.set(topic.name, numbersOf(database.producersOf(topic)));
    for (const [channel, producers] of topic.channels) {
      keys.set(`${topic.name}:${channel}`, numbersOf(database.producersOf({ producers })));
    }
  }
  const expected = new Map([...model.keys].map(([key, producers]) => [key, numbersOf(producers)]));
  assert.deepEqual(new Map([...keys].sort()), new Map([...expected].sort()), what);
  assert.deepEqual(
    [database.keyCount, database.producerCount],
    [expected.size, model.seenMs.size],
    what,
  );
  for (const producer of model.seenMs.keys()) {
    assert.equal(producer.registrationCount, keysOf(model, producer).length, what);
  }
  const names = [...model.keys.keys()].filter((key) => !key.includes(':')).sort();
  assert.deepEqual(JSON.parse(database.topicsJson()).sort(), names, what);
  for (const [topic, nodes] of activeNodes(bench)) {
    const known = database.topics.get(topic);
    assert.equal(
      known === undefined ? '' : numbersOf(database.activeProducers(known)),
      nodes,
      what,
    );
  }
}
