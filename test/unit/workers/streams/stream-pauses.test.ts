import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamPauses } from '../../../../src/workers/streams/stream-pauses.ts';
import type { StreamQueue } from '../../../../src/workers/streams/stream-queue.ts';

/** A store whose answers the test gives, and the pauses that it is told of. */
class Side {
  readonly pauses: StreamPauses;
  /** What the store was asked. */
  readonly asked: string[] = [];
  readonly warnings: string[] = [];
  nowMs = 0;
  #answers: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor() {
    const store = {
      pause: (name: StreamQueue['name'], isPaused: boolean): Promise<void> => {
        this.asked.push(`${isPaused ? 'pause' : 'resume'} ${name.topic}`);
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        this.#answers.push({ resolve, reject });
        return promise;
      },
    };
    this.pauses = new StreamPauses(
      store,
      () => this.nowMs,
      (_, text) => this.warnings.push(text),
    );
  }

  /** Answers the oldest call that has no answer. */
  async answer(error?: string): Promise<void> {
    const [first] = this.#answers.splice(0, 1);
    if (error === undefined) first.resolve();
    else first.reject(new Error(error));
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

/** A queue, as far as its pause is concerned. */
function queueNamed(topic: string): StreamQueue & { isGone: boolean; state: string } {
  const queue = {
    name: { topic, channel: '' },
    title: `topic "${topic}"`,
    state: 'open',
    isGone: false,
  };
  return queue as unknown as StreamQueue & { isGone: boolean; state: string };
}

test('StreamPauses: the store is told at once, and once', async () => {
  const side = new Side();
  side.pauses.set(queueNamed('a'), true);
  assert.deepStrictEqual([side.asked, side.pauses.dueMs], [['pause a'], Infinity]);
  await side.answer();

  side.pauses.step(10_000);
  assert.deepStrictEqual([side.asked, side.warnings], [['pause a'], []]);
});

test('StreamPauses: what the store cannot keep is tried again after a second, with a warning', async () => {
  const side = new Side();
  side.pauses.set(queueNamed('a'), false);
  side.nowMs = 500;
  await side.answer('no quorum');
  assert.deepStrictEqual(side.warnings, ['failed to resume topic "a" at all brokers - no quorum']);
  assert.equal(side.pauses.dueMs, 1500);

  side.pauses.step(1499);
  assert.equal(side.asked.length, 1);
  side.pauses.step(1500);
  assert.deepStrictEqual([side.asked, side.pauses.dueMs], [['resume a', 'resume a'], Infinity]);
  // One attempt at a time.
  side.pauses.step(9000);
  assert.equal(side.asked.length, 2);
});

test('StreamPauses: a later pause of a queue takes the place of the one before', async () => {
  const side = new Side();
  const queue = queueNamed('a');
  side.pauses.set(queue, true);
  side.pauses.set(queue, false);
  await side.answer('no quorum');
  assert.deepStrictEqual([side.warnings, side.pauses.dueMs], [[], Infinity]);

  await side.answer('no quorum');
  assert.equal(side.warnings.length, 1);
  side.pauses.step(1000);
  assert.deepStrictEqual(side.asked, ['pause a', 'resume a', 'resume a']);
});

test('StreamPauses: an answer to a pause that was replaced does not end the later one', async () => {
  const side = new Side();
  const queue = queueNamed('a');
  side.pauses.set(queue, true);
  side.pauses.set(queue, false);
  await side.answer();
  await side.answer('no quorum');

  assert.equal(side.pauses.dueMs, 1000);
});

for (const [name, change] of [
  ['closed', { state: 'closed' }],
  ['gone', { isGone: true }],
] as const) {
  test(`StreamPauses: a queue that is ${name} is not paused any more`, async () => {
    const side = new Side();
    const queue = queueNamed('a');
    side.pauses.set(queue, true);
    await side.answer('no quorum');
    Object.assign(queue, change);
    side.pauses.step(1000);

    assert.deepStrictEqual([side.asked.length, side.pauses.dueMs], [1, Infinity]);
  });
}

test('StreamPauses: the next attempt of several queues counts', async () => {
  const side = new Side();
  side.pauses.set(queueNamed('a'), true);
  side.pauses.set(queueNamed('b'), true);
  side.nowMs = 300;
  await side.answer('no');
  side.nowMs = 200;
  await side.answer('no');

  assert.equal(side.pauses.dueMs, 1200);
});
