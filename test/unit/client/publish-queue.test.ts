import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerLink } from '../../../src/client/broker-link.ts';
import { NsqError } from '../../../src/client/nsq-error.ts';
import type { Batch } from '../../../src/client/publication.ts';
import { PublishQueue, type QueueSettings } from '../../../src/client/publish-queue.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const SETTINGS: QueueSettings = {
  maxBatchMessages: 3,
  maxBatchBytes: 100,
  isBatching: true,
  isOrdered: false,
  isResending: true,
  maxUnansweredBytes: 1000,
  highWaterMarkBytes: 500,
  maxQueuedBytes: 1000,
};
const TIMEOUT_MS = 10_000;
const LOST = new NsqError('CONNECTION_LOST', 'the connection is lost');

/** A queue whose link writes down each command instead of sending it. */
function makeQueue(settings: Partial<QueueSettings> = {}) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const unanswered: Batch[] = [];
  const outcomes: string[] = [];
  let isReady = true;
  let drainCount = 0;
  const written: string[] = [];
  const commands = {
    bytes: (bytes: Buffer) => written.push(bytes.toString().trimEnd()),
    size: () => undefined,
    sized: (body: string) => written.push(body),
  };
  const connection = {
    commands,
    heardMs: 0,
    expect: (batch: Batch) => {
      sent.push(written.splice(0).join(' '));
      unanswered.push(batch);
    },
    destroy: (error: NsqError) => {
      isReady = false;
      for (const batch of unanswered.splice(0)) batch.onError(error);
    },
  };
  const link = {
    get ready() {
      return isReady ? connection : null;
    },
    addressCount: 2,
    need: () => undefined,
    onAnswer: () => undefined,
  };
  const queue = new PublishQueue(
    { ...SETTINGS, ...settings },
    { clock, random: () => 0, connect: () => assert.fail('the link is a recorder') },
    // the queue calls no more of it
    link as unknown as BrokerLink,
    () => drainCount++,
  );
  return {
    clock,
    queue,
    sent,
    unanswered,
    outcomes,
    drains: () => drainCount,
    setReady: (is: boolean) => {
      isReady = is;
    },
    /** Publishes and notes the outcome under the first body. */
    publish: (topic: string, ...bodies: string[]) => {
      const sized = bodies.map((body) => ({ body, bytes: body.length }));
      queue.publish(topic, sized, 0, TIMEOUT_MS, undefined).then(
        () => outcomes.push(`${bodies[0]}: ok`),
        (error: unknown) => outcomes.push(`${bodies[0]}: ${codeOf(error)}`),
      );
    },
    /** The connection is lost, and the next one is ready at once. */
    lose: () => {
      for (const batch of unanswered.splice(0)) batch.onError(LOST);
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof NsqError ? error.code : String(error);
}

/** After all ticks and promises of this turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('PublishQueue: messages of a turn go in one command for each topic, within the bounds', async () => {
  const { publish, sent } = makeQueue();
  for (const body of ['a', 'b', 'c', 'd']) publish('t', body);
  publish('u', 'e');

  await nextTurn();

  assert.deepStrictEqual(sent, ['MPUB t a b c', 'PUB t d', 'PUB u e']);
});

test('PublishQueue: messages resolve when their batch is answered', async () => {
  const { publish, unanswered, outcomes } = makeQueue({ isBatching: false });
  publish('t', 'a');
  publish('t', 'b');
  await nextTurn();

  unanswered.shift()?.onAnswer();
  await nextTurn();

  assert.deepStrictEqual(outcomes, ['a: ok']);
});

test('PublishQueue: ordered messages wait for the answer before them', async () => {
  const { publish, sent, unanswered } = makeQueue({ isBatching: false, isOrdered: true });
  publish('t', 'a');
  publish('t', 'b');
  await nextTurn();
  const before = [...sent];

  unanswered.shift()?.onAnswer();
  await nextTurn();

  assert.deepStrictEqual([before, sent], [['PUB t a'], ['PUB t a', 'PUB t b']]);
});

test('PublishQueue: after a lost connection unanswered batches go first, in their order', async () => {
  const { publish, sent, lose, setReady, queue } = makeQueue({ isBatching: false });
  publish('t', 'a');
  publish('t', 'b');
  await nextTurn();
  setReady(false);
  lose();
  publish('t', 'c');
  await nextTurn();

  setReady(true);
  queue.send();

  assert.deepStrictEqual(sent.slice(2), ['PUB t a', 'PUB t b', 'PUB t c']);
});

test('PublishQueue: without resending, a lost connection rejects what was unanswered', async () => {
  const { publish, lose, sent, outcomes } = makeQueue({ isResending: false });
  publish('t', 'a');
  await nextTurn();

  lose();
  await nextTurn();

  assert.deepStrictEqual([outcomes, sent], [['a: CONNECTION_LOST'], ['PUB t a']]);
});

test('PublishQueue: of a batch that breaks each connection, only the bad message is rejected', async () => {
  const { publish, sent, unanswered, outcomes, lose } = makeQueue();
  for (const body of ['good', 'bad', 'fine']) publish('t', body);
  await nextTurn();

  for (let turn = 0; turn < 20 && outcomes.length < 3; turn++) {
    if (sent.at(-1)?.includes('bad') === true) lose();
    else unanswered.shift()?.onAnswer();
    await nextTurn();
  }

  assert.deepStrictEqual(outcomes.sort(), ['bad: CONNECTION_LOST', 'fine: ok', 'good: ok']);
});

test('PublishQueue: a broker that cannot store a batch is not asked again while there is another', async () => {
  const { publish, unanswered, outcomes, sent } = makeQueue();
  publish('t', 'a');
  await nextTurn();

  for (let attempt = 0; attempt < 2; attempt++) {
    unanswered.shift()?.onError(new NsqError('E_PUB_FAILED', 'the disk is full'));
    await nextTurn();
  }

  assert.deepStrictEqual([sent, outcomes], [['PUB t a', 'PUB t a'], ['a: E_PUB_FAILED']]);
});

test('PublishQueue: a publish times out whether it was sent or not', async () => {
  const { publish, setReady, clock, outcomes, queue } = makeQueue();
  setReady(false);
  publish('t', 'a');
  await nextTurn();

  clock.advance(TIMEOUT_MS + 10);
  await nextTurn();

  assert.deepStrictEqual([outcomes, queue.bytes], [['a: TIMED_OUT'], 0]);
});

test('PublishQueue: a full queue refuses, and reports once that there is room again', async () => {
  const { publish, setReady, queue, outcomes, unanswered, drains } = makeQueue();
  setReady(false);
  publish('t', 'x'.repeat(90));
  for (let more = 0; more < 6; more++) publish('t', 'y'.repeat(80));
  await nextTurn();
  const full = { isFull: queue.needsDrain, refused: outcomes.length };

  setReady(true);
  queue.send();
  while (unanswered.length > 0) {
    unanswered.shift()?.onAnswer();
    await nextTurn();
  }

  assert.deepStrictEqual(full, { isFull: true, refused: 1 });
  assert.deepStrictEqual([queue.needsDrain, queue.bytes, drains()], [false, 0, 1]);
});

test('PublishQueue: an aborted message is not sent; others of its batch are', async () => {
  const { publish, queue, sent, setReady } = makeQueue();
  const abort = new AbortController();
  setReady(false);
  publish('t', 'a');
  const aborted = queue.publish('t', [{ body: 'b', bytes: 1 }], 0, TIMEOUT_MS, abort.signal);
  publish('t', 'c');
  abort.abort(new Error('not needed'));
  await assert.rejects(aborted, /not needed/);

  setReady(true);
  queue.send();

  assert.deepStrictEqual(sent, ['MPUB t a c']);
});

test('PublishQueue: settle rejects what is still unanswered at the deadline', async () => {
  const { publish, queue, clock, outcomes } = makeQueue();
  publish('t', 'a');
  await nextTurn();

  const settled = queue.settle(100, () => new NsqError('CLOSED', 'the producer is closed'));
  clock.advance(120);
  await settled;

  assert.deepStrictEqual([outcomes, queue.bytes], [['a: CLOSED'], 0]);
});
