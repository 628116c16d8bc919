import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Authorization } from '../../../../src/main/tcp/authorization.ts';
import { CLOSED, NEXT, type Step, WAIT } from '../../../../src/main/tcp/command-handler.ts';
import { ClientPublisher } from '../../../../src/main/tcp/publish-commands.ts';
import type { TopicHandle, TopicMap } from '../../../../src/main/topics/topic-map.ts';
import { MainRings, sized } from '../../../support/main-rings.ts';
import { topicNamed } from '../../../support/names.ts';
import { publisherOn } from '../../../support/publisher-side.ts';
import { RecordingPort } from '../../../support/recording-port.ts';

const TOPIC = topicNamed('t');

type Setup = {
  rings: MainRings;
  port: RecordingPort;
  topics: TopicMap;
  publishing: ClientPublisher;
  /** Publishes texts as one command. */
  publish: (bodies: readonly string[]) => Step;
};

function setUp(given: Parameters<typeof publisherOn>[1] = {}): Setup {
  const rings = new MainRings();
  const { publisher, topics } = publisherOn(rings, given);
  const port = new RecordingPort();
  const authorization = new Authorization(port, null);
  const publishing = new ClientPublisher(port, topics, publisher, authorization);
  publishing.setTopic('MPUB', 't');
  return {
    rings,
    port,
    topics,
    publishing,
    publish: (bodies) => {
      const bytes = sized(bodies);
      const batch = publishing.batch(bytes, 0, bytes.length, bodies.length, 0);
      return publishing.publish('MPUB', batch);
    },
  };
}

function publishedBodies(rings: MainRings): (readonly string[])[] {
  rings.handle.flush();
  return rings.takePublishes().map(({ bodies }) => bodies);
}

/** The topic, which is created where it is not there. */
function created(publishing: ClientPublisher): TopicHandle {
  const topic = publishing.getOrCreate();
  assert.ok(topic !== null && topic !== WAIT);
  return topic;
}

test('ClientPublisher: publishes, answers OK and counts the messages for the client', () => {
  const { rings, port, publish } = setUp();

  const step = publish(['a', 'b']);

  assert.deepStrictEqual([step, port.sent(), publishedBodies(rings)], [NEXT, ['OK'], [['a', 'b']]]);
  assert.deepStrictEqual(port.client.publishCounts.get('t'), { topic: 't', count: 2 });
});

test('ClientPublisher: finds a topic again, and one that was deleted and created again', async () => {
  const { topics, publishing } = setUp();
  const first = created(publishing);
  const again = publishing.getOrCreate();
  void topics.deleteTopic(first);

  const second = publishing.getOrCreate();

  assert.deepStrictEqual(
    [again === first, second === first, topics.get(TOPIC) === second],
    [true, false, true],
  );
});

test('ClientPublisher: while publishes are refused, answers with the reason and publishes nothing', () => {
  const { rings, port, topics, publish } = setUp();
  topics.diskShortage = '1.0MiB are free';

  const step = publish(['a']);

  assert.deepStrictEqual(
    [step, port.sent(), publishedBodies(rings), port.client.publishCounts.size],
    [CLOSED, ['E_MPUB_FAILED MPUB failed 1.0MiB are free'], [], 0],
  );
});

test('ClientPublisher: an answered publish gets its response from the pump, in order', () => {
  const { rings, port, publish } = setUp({ memQueueSize: 0 });
  const steps = [publish(['a']), publish(['b'])];
  rings.handle.flush();
  const [first, second] = rings.takePublishes().map(({ token }) => token);
  rings.handle.onAnswer(second, 'EIO');
  const before = port.sent();

  rings.handle.onAnswer(first, null);

  assert.deepStrictEqual(
    [steps, before, port.sent()],
    [[NEXT, NEXT], [], ['OK', 'E_MPUB_FAILED MPUB failed EIO']],
  );
  assert.deepStrictEqual(port.client.publishCounts.get('t'), { topic: 't', count: 1 });
});

for (const canLend of [true, false]) {
  const what = canLend ? 'its own bytes' : 'a copy of bytes that are reused';
  test(`ClientPublisher: without room in the ring it waits, and publishes ${what} later`, () => {
    const { rings, port, publishing } = setUp();
    port.canLend = canLend;
    const full = sized(['x'.repeat(500_000)]);
    const fill = (): boolean =>
      rings.handle.publish(
        created(publishing).number,
        { source: full, at: 0, bytes: full.length, count: 1, deferMs: 0 },
        0,
      );
    while (fill());
    const bytes = sized(['y'.repeat(500_000)]);
    const batch = publishing.batch(bytes, 0, bytes.length, 1, 0);

    const first = publishing.publish('PUB', batch);
    if (!canLend) bytes.fill(0);
    const waited = [port.ringWaits, port.sent()];
    publishedBodies(rings);
    const second = publishing.publish('PUB', batch);

    assert.deepStrictEqual([first, waited], [WAIT, [1, []]]);
    assert.deepStrictEqual(
      [second, port.sent(), publishedBodies(rings).map(([body]) => body.slice(0, 3))],
      [NEXT, ['OK'], ['yyy']],
    );
  });
}

test('ClientPublisher: an invalid topic name is shown as Go quotes it', () => {
  const { port, publishing } = setUp();

  const step = publishing.setTopic('PUB', 'a\x01"b');

  assert.deepStrictEqual(
    [step, port.sent()],
    [CLOSED, ['E_BAD_TOPIC PUB topic name "a\\x01\\"b" is not valid']],
  );
});
