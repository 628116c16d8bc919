import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type ChannelMember, TopicMap } from '../../../../src/main/topics/topic-map.ts';
import type { ControlRequest } from '../../../../src/shared/control.ts';
import { nameHash } from '../../../../src/shared/name-hash.ts';
import { MainRings } from '../../../support/main-rings.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { channelNamed, topicNamed } from '../../../support/names.ts';
import { NO_REGISTRY } from '../../../support/no-registry.ts';
import { policyWith, samePolicies } from '../../../support/topic-policies.ts';

class Setup {
  readonly rings = [new MainRings(), new MainRings(), new MainRings()];
  changeCount = 0;
  readonly log: string[] = [];
  /** Topics and channels that others were told to be deleted. */
  readonly told: string[] = [];
  readonly topics = new TopicMap({
    atTurnEnd: () => undefined,
    clock: new ManualClock(),
    logger: {
      info: (text: string) => void this.log.push(text),
      warn: (text: string) => void this.log.push(text),
      error: (text: string) => void this.log.push(text),
    },
    registry: {
      ...NO_REGISTRY,
      onChannelDeleted: (topic: string, channel: string) => {
        this.told.push(`${topic}:${channel}`);
      },
      onTopicDeleted: (topic: string) => void this.told.push(topic),
    },
    pumps: this.rings.map((rings) => rings.handle),
    policies: samePolicies(),
    onChange: () => {
      this.changeCount++;
    },
  });

  /** What the pump of that topic was asked, each request answered. */
  requests(topic: string, error: string | null = null): unknown[] {
    const rings = this.rings[nameHash(topic) % this.rings.length];
    const requests: unknown[] = [];
    for (;;) {
      rings.handle.flush();
      const [token] = tokens(rings);
      if (token === undefined) return requests;
      requests.push(...rings.takeCommands(1));
      rings.handle.onReply(token, { error });
    }
  }
}

function tokens(rings: MainRings): number[] {
  try {
    return [rings.nextControl().token];
  } catch (error) {
    assert(error instanceof Error && error.message === 'no control request is next');
    return [];
  }
}

class Member implements ChannelMember {
  readonly number: number;
  isDestroyed = false;

  constructor(number: number) {
    this.number = number;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

const T = topicNamed('t');
const C = channelNamed('c');
const SHORT_LIVED = channelNamed('c#ephemeral');

test('TopicMap: a topic is created once, on the pump that its name falls on', () => {
  const setup = new Setup();

  const topic = setup.topics.getOrCreate(T);

  assert.equal(setup.topics.getOrCreate(T), topic);
  assert.deepStrictEqual(
    [setup.topics.get('t'), setup.topics.getByNumber(topic.number), [...setup.topics.values()]],
    [topic, topic, [topic]],
  );
  const expected: ControlRequest = {
    do: 'createTopic',
    topic: topic.number,
    name: 't',
    isPaused: false,
    isStarted: true,
    isReplicated: false,
    policy: policyWith(),
  };
  assert.deepStrictEqual([setup.requests('t'), setup.changeCount], [[expected], 1]);
});

test('TopicMap: topics and channels have different numbers', () => {
  const { topics } = new Setup();
  const topic = topics.getOrCreate(T);
  const channel = topics.getOrCreateChannel(topic, C);
  const other = topics.getOrCreate(topicNamed('u'));

  assert.equal(new Set([topic.number, channel.number, other.number]).size, 3);
});

test('TopicMap: a topic that is loaded is created stopped, and started later', () => {
  const setup = new Setup();
  const topic = setup.topics.createStopped(T, true);
  setup.topics.createStopped(T, false);

  setup.topics.start(topic);

  assert.deepStrictEqual(setup.requests('t'), [
    {
      do: 'createTopic',
      topic: 1,
      name: 't',
      isPaused: true,
      isStarted: false,
      isReplicated: false,
      policy: policyWith(),
    },
    { do: 'startTopic', topic: 1 },
  ]);
  assert.equal(topic.isPaused, true);
});

test('TopicMap: only what lasts is a change of what is saved', async () => {
  const setup = new Setup();
  const { topics } = setup;
  const counts: number[] = [];
  const note = (): number => counts.push(setup.changeCount);
  const short = topics.getOrCreate(topicNamed('t#ephemeral'));
  note();
  topics.getOrCreateChannel(short, C);
  note();
  const topic = topics.getOrCreate(T);
  note();
  const channel = topics.getOrCreateChannel(topic, SHORT_LIVED);
  note();
  const deleted = topics.deleteChannel(channel);
  note();
  setup.requests('t');
  await deleted;

  assert.deepStrictEqual(counts, [0, 0, 1, 1, 1]);
});

test("TopicMap: pausing and emptying are the pump's business", async () => {
  const setup = new Setup();
  const { topics } = setup;
  const topic = topics.getOrCreate(T);
  const channel = topics.getOrCreateChannel(topic, C, true);
  setup.requests('t');
  const done = [
    topics.pauseTopic(topic, true),
    topics.pauseChannel(channel, false),
    topics.emptyTopic(topic),
    topics.emptyChannel(channel),
  ];

  const requests = setup.requests('t');

  await Promise.all(done);
  assert.deepStrictEqual(requests, [
    { do: 'pauseTopic', topic: 1, isPaused: true, isTold: true },
    { do: 'pauseChannel', topic: 1, channel: 2, isPaused: false, isTold: true },
    { do: 'emptyTopic', topic: 1 },
    { do: 'emptyChannel', topic: 1, channel: 2 },
  ]);
  assert.deepStrictEqual([topic.isPaused, channel.isPaused], [true, false]);
});

test('TopicMap: what a pump cannot do rejects', async () => {
  const setup = new Setup();
  const { topics } = setup;
  const topic = topics.getOrCreate(T);
  const channel = topics.getOrCreateChannel(topic, C);
  setup.requests('t');
  const outcomes = [
    () => topics.pauseTopic(topic, true),
    () => topics.emptyTopic(topic),
    () => topics.emptyChannel(channel),
    () => topics.deleteChannel(channel),
    () => topics.deleteTopic(topic),
  ];
  for (const act of outcomes) {
    const rejected = assert.rejects(act(), { message: 'disk full' });
    setup.requests('t', 'disk full');
    await rejected;
  }
});

test('TopicMap: a deleted topic is gone at once, and its clients with it', async () => {
  const setup = new Setup();
  const { topics } = setup;
  const topic = topics.getOrCreate(T);
  const channel = topics.getOrCreateChannel(topic, C);
  const member = new Member(9);
  channel.members.add(member);
  setup.requests('t');
  const deleted = topics.deleteTopic(topic);
  const atOnce = [topics.get('t'), topic.isDeleted, member.isDestroyed];
  const byNumber = topics.getByNumber(topic.number);
  await topics.leave(channel, member);

  const requests = setup.requests('t');
  await deleted;

  assert.deepStrictEqual(atOnce, [undefined, true, true]);
  assert.deepStrictEqual(requests, [{ do: 'deleteTopic', topic: 1 }]);
  assert.deepStrictEqual([byNumber, topics.getByNumber(1)], [topic, undefined]);
  assert.notEqual(topics.getOrCreate(T).number, topic.number);
});

test('TopicMap: a topic with many channels is gone at once, and its channels are done with in slices', async () => {
  const setup = new Setup();
  const { topics, told } = setup;
  const topic = topics.getOrCreate(T);
  const names = Array.from({ length: 1000 }, (_, index) => `c${index}`);
  const members = names.map((name, index) => {
    const member = new Member(index);
    topics.getOrCreateChannel(topic, channelNamed(name)).members.add(member);
    return member;
  });
  const destroyed = (): number => members.filter(({ isDestroyed }) => isDestroyed).length;
  const deleted = topics.deleteTopic(topic);
  const atOnce = [topics.get('t'), topic.channels.size, destroyed()];
  // Of the same names, and there when it is their turn.
  const again = topics.getOrCreate(T);
  topics.getOrCreateChannel(again, channelNamed('c900'));

  setup.requests('t');
  await deleted;

  assert.deepStrictEqual(atOnce, [undefined, 0, 256]);
  assert.equal(destroyed(), 1000);
  assert.deepStrictEqual(
    told,
    names.filter((name) => name !== 'c900').map((name) => `t:${name}`),
  );
});

test('TopicMap: an ephemeral topic goes with its last channel', async () => {
  const setup = new Setup();
  const { topics } = setup;
  const topic = topics.getOrCreate(topicNamed('t#ephemeral'));
  const first = topics.getOrCreateChannel(topic, C);
  const second = topics.getOrCreateChannel(topic, channelNamed('d'));
  setup.requests('t#ephemeral');
  const firstDeleted = topics.deleteChannel(first);
  const between = topics.get('t#ephemeral');
  const secondDeleted = topics.deleteChannel(second);

  const requests = setup.requests('t#ephemeral');
  await Promise.all([firstDeleted, secondDeleted]);

  assert.deepStrictEqual([between, topics.get('t#ephemeral')], [topic, undefined]);
  assert.deepStrictEqual(requests, [
    { do: 'deleteChannel', topic: 1, channel: 2 },
    { do: 'deleteChannel', topic: 1, channel: 3 },
    { do: 'deleteTopic', topic: 1 },
  ]);
});

test('TopicMap: an ephemeral channel goes with its last consumer, another stays', async () => {
  const setup = new Setup();
  const { topics } = setup;
  const topic = topics.getOrCreate(T);
  const lasting = topics.getOrCreateChannel(topic, C);
  const short = topics.getOrCreateChannel(topic, SHORT_LIVED);
  const members = [new Member(7), new Member(8), new Member(9)];
  lasting.members.add(members[0]);
  short.members.add(members[1]).add(members[2]);
  setup.requests('t');
  await topics.leave(lasting, members[0]);
  await topics.leave(short, members[1]);
  await topics.leave(short, members[1]);
  const before = [...topic.channels.keys()];
  const left = topics.leave(short, members[2]);

  const requests = setup.requests('t');
  await left;

  assert.deepStrictEqual([before, [...topic.channels.keys()]], [['c', 'c#ephemeral'], ['c']]);
  assert.deepStrictEqual(requests, [
    { do: 'unsubscribe', consumer: 7 },
    { do: 'unsubscribe', consumer: 8 },
    { do: 'unsubscribe', consumer: 9 },
    { do: 'deleteChannel', topic: 1, channel: 3 },
  ]);
});

test('TopicMap: logs what is created and deleted, in the words of nsqd', async () => {
  const setup = new Setup();
  const topic = setup.topics.getOrCreate(topicNamed('t'));
  const channel = setup.topics.getOrCreateChannel(topic, channelNamed('c'));
  setup.topics.getOrCreate(topicNamed('t'));

  const deleting = [setup.topics.deleteChannel(channel), setup.topics.deleteTopic(topic)];
  setup.requests('t');
  await Promise.all(deleting);

  assert.deepStrictEqual(setup.log, [
    'TOPIC(t): created',
    'TOPIC(t): new channel(c)',
    'TOPIC(t): deleting channel c',
    'TOPIC(t): deleting',
  ]);
});

test('TopicMap: a topic is being saved until nsqd.dat has it, and what failed is tried again', async () => {
  const saves: PromiseWithResolvers<void>[] = [];
  const topics = new TopicMap({
    atTurnEnd: () => undefined,
    clock: new ManualClock(),
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    registry: NO_REGISTRY,
    pumps: [new MainRings().handle],
    policies: samePolicies(),
    onChange: () => {
      const save = Promise.withResolvers<void>();
      saves.push(save);
      return save.promise;
    },
  });
  const topic = topics.getOrCreate(topicNamed('t'));
  const first = topics.whenSaved(topic);
  saves[0].reject(new Error('disk is full'));
  await topic.saving;
  await setImmediate();
  saves[1].reject(new Error('disk is still full'));
  const failed = await first;
  const second = topics.whenSaved(topic);
  await setImmediate();
  saves[2].resolve();

  assert.equal(failed, 'disk is still full');
  assert.equal(await second, null);
  assert.deepEqual([topic.saving, saves.length], [null, 3]);
});
