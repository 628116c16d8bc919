import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isAnsweredByPump, PublishRefused } from '../../../../src/main/topics/publisher.ts';
import { MainRings, sized, topicOn } from '../../../support/main-rings.ts';
import { topicNamed } from '../../../support/names.ts';
import { publisherOn } from '../../../support/publisher-side.ts';

test('Publisher: publishes at once where memory is good enough and the ring has room', () => {
  const rings = new MainRings();
  const { publisher } = publisherOn(rings);
  const messages = sized(['a', 'b']);

  const isDone = publisher.tryPublish(
    topicOn(rings),
    publisher.batch(messages, 0, messages.length, 2, 0),
  );
  rings.handle.flush();

  assert.deepStrictEqual(
    [isDone, rings.takePublishes().map(({ topic, bodies, token }) => ({ topic, bodies, token }))],
    [true, [{ topic: 3, bodies: ['a', 'b'], token: 0 }]],
  );
});

test('Publisher: publishes nothing at once where the pump has to answer, or the ring is full', () => {
  const rings = new MainRings();
  const { publisher } = publisherOn(rings);
  const messages = sized(['x'.repeat(500_000)]);
  const onDisk = topicOn(rings, { memQueueSize: 0 });
  const batch = publisher.batch(messages, 0, messages.length, 1, 0);

  const isAnswered = publisher.tryPublish(onDisk, batch);
  while (publisher.tryPublish(topicOn(rings), batch));
  rings.handle.flush();

  assert.deepStrictEqual(
    [isAnswered, rings.takePublishes().some(({ token }) => token !== 0)],
    [false, false],
  );
});

test('Publisher: resolves when the pump has answered, rejects with its reason', async () => {
  const rings = new MainRings();
  const { publisher } = publisherOn(rings);
  const messages = sized(['a']);
  const publish = (given: Record<string, unknown>): Promise<void> => {
    const batch = publisher.batch(messages, 0, messages.length, 1, 0);
    return publisher.publish(topicOn(rings, given), batch);
  };

  const outcomes = [{ memQueueSize: 0 }, { memQueueSize: 0 }, { maxDepth: 1 }].map((given) =>
    publish(given).then(
      () => 'kept',
      (error: Error) => [error instanceof PublishRefused, error.message],
    ),
  );
  rings.handle.flush();
  const answers = [null, 'EIO', 'topic "t" is full'];
  for (const [index, { token }] of rings.takePublishes().entries()) {
    rings.handle.onAnswer(token, answers[index]);
  }

  assert.deepStrictEqual(await Promise.all(outcomes), [
    'kept',
    [false, 'EIO'],
    [true, 'topic "t" is full'],
  ]);
});

test('Publisher: while the disk is short of space, refuses what may have to go there', async () => {
  const rings = new MainRings();
  const { publisher, topics } = publisherOn(rings);
  const messages = sized(['a']);
  topics.diskShortage = '1.0MiB are free';
  const ephemeral = { ...topicOn(rings), name: topicNamed('t#ephemeral') };

  const refusals = [publisher.refusalOf(topicOn(rings)), publisher.refusalOf(ephemeral)];
  const published = publisher.publish(
    topicOn(rings),
    publisher.batch(messages, 0, messages.length, 1, 0),
  );

  await assert.rejects(published, new PublishRefused('1.0MiB are free'));
  assert.deepStrictEqual(refusals, ['1.0MiB are free', null]);
});

describe('isAnsweredByPump', () => {
  const cases: readonly (readonly [string, Record<string, unknown>, string, boolean])[] = [
    ['memory is enough', {}, 't', false],
    ['everything is written', { memQueueSize: 0 }, 't', true],
    [
      'everything is written, except of an ephemeral topic',
      { memQueueSize: 0 },
      't#ephemeral',
      false,
    ],
    ['a queue may be full', { maxDepth: 5 }, 't', true],
    ['a queue may be full, also of an ephemeral topic', { maxBytes: 5 }, 't#ephemeral', true],
    ['the oldest makes room', { maxDepth: 5, whenFull: 'drop-oldest' }, 't', false],
  ];
  for (const [what, given, name, isAnswered] of cases) {
    test(`${what}: ${isAnswered}`, () => {
      const topic = { ...topicOn(new MainRings(), given), name: topicNamed(name) };

      assert.equal(isAnsweredByPump(topic), isAnswered);
    });
  }

  test('a disk queue that fails: true', () => {
    const topic = { ...topicOn(new MainRings()), backendError: 'ENOSPC' };

    assert.equal(isAnsweredByPump(topic), true);
  });
});
