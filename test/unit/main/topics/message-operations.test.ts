import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  InvalidCursor,
  MessageOperations,
  type MessageRequest,
  TargetGone,
} from '../../../../src/main/topics/message-operations.ts';
import type { ChannelHandle, TopicHandle } from '../../../../src/main/topics/topic-map.ts';
import type { ControlReply, ControlRequest } from '../../../../src/shared/control.ts';
import type {
  ListedMessage,
  MessageFilter,
  Survey,
  SurveyResult,
} from '../../../../src/shared/message-survey.ts';
import { topicName } from '../../../sim/names.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

type SurveyRequest = Extract<ControlRequest, { do: 'survey' }>;
/** What the pump answers, or why it cannot. */
type Answer = Partial<SurveyResult> | string;

const NOTHING: SurveyResult = { messages: [], done: [], busyCount: 0, cursor: null };
const wanted = (): boolean => true;

/** A topic with a channel whose pump answers surveys one after the other. */
class Bench {
  readonly clock = new ManualClock();
  readonly asked: Survey[] = [];
  readonly published: { readonly topic: string; readonly bodies: string[] }[] = [];
  readonly topics = new Map<string, TopicHandle>();
  readonly channel = { number: 7, name: 'billing' } as ChannelHandle;
  /** Why the other topic takes nothing. */
  refusal: Error | null = null;
  readonly messages: MessageOperations;

  constructor(...answers: readonly Answer[]) {
    const left = [...answers];
    const pump = {
      request: async (request: ControlRequest): Promise<ControlReply> => {
        const { survey } = request as SurveyRequest;
        this.asked.push(survey);
        const answer = left.shift();
        assert.ok(answer !== undefined, 'the pump is asked no more');
        if (typeof answer === 'string') return { error: answer } as ControlReply;
        return { error: null, survey: { ...NOTHING, ...answer } } as ControlReply;
      },
    };
    const channels = new Map([['billing', this.channel]]);
    const orders = { number: 3, name: 'orders', channels, pump } as unknown as TopicHandle;
    this.topics.set('orders', orders);
    const made = (name: string): TopicHandle => ({ name }) as TopicHandle;
    this.messages = new MessageOperations({
      startTimeMs: 1,
      topics: { get: (name) => this.topics.get(name), getOrCreate: made },
      publisher: {
        publishToDisk: async ({ name }, bytes, count) => {
          if (this.refusal !== null) throw this.refusal;
          const bodies = bodiesIn(bytes);
          assert.equal(bodies.length, count);
          this.published.push({ topic: name, bodies });
        },
      },
      client: (number) =>
        number === 5
          ? { remoteAddress: '10.0.0.5:1', settings: { clientId: 'five', hostname: 'h' } }
          : undefined,
      clock: this.clock,
    });
  }
}

/** The bodies of an MPUB. */
function bodiesIn(bytes: Buffer): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    bodies.push(bytes.toString('latin1', at + 4, end));
    at = end;
  }
  return bodies;
}

function request(
  given: Partial<MessageRequest> = {},
  filter: Partial<MessageFilter> = {},
): MessageRequest {
  const all: MessageFilter = {
    states: ['ready', 'deferred'],
    ...{ ids: null, sinceMs: 0, match: null },
    ...filter,
  };
  return { topic: 'orders', channel: 'billing', filter: all, cursor: null, limit: 100, ...given };
}

function listed(id: string, given: Partial<ListedMessage> = {}): ListedMessage {
  const body = Buffer.from(`body of ${id}`);
  return {
    ...{ id, publishedMs: 1, attempts: 0, size: body.length, body },
    ...{ state: 'ready', dueMs: 0, deadlineMs: 0, consumer: 0, isOnDisk: true },
    ...given,
  };
}

test('MessageOperations.list: gathers slices until the limit, and names the consumers', async () => {
  const bench = new Bench(
    { messages: [listed('a', { state: 'in-flight', consumer: 5 })], cursor: [1, 2, 3] },
    { messages: [listed('b', { consumer: 6 }), listed('c')], cursor: [4, 5, 6] },
  );

  const page = await bench.messages.list(request({ limit: 3 }), 10);

  assert.deepEqual(
    page.messages.map(({ id, holder }) => [id, holder?.settings.clientId]),
    [
      ['a', 'five'],
      ['b', undefined],
      ['c', undefined],
    ],
  );
  assert.deepEqual(
    bench.asked.map(({ cursor, countMax, bodyMax, work }) => [cursor, countMax, bodyMax, work]),
    [
      [[0, 0, 0], 3, 10, 'list'],
      [[1, 2, 3], 2, 10, 'list'],
    ],
  );
  assert.equal(page.cursor, '1.3.7.4.5.6');
});

test('MessageOperations.list: goes on at its cursor, and takes no other', async () => {
  const bench = new Bench({ messages: [listed('a')] });

  const page = await bench.messages.list(request({ cursor: '1.3.7.4.5.6' }), 10);

  assert.deepEqual([bench.asked[0].cursor, page.cursor], [[4, 5, 6], null]);
  // Of an earlier life, of another channel, and of nothing.
  for (const cursor of ['2.3.7.4.5.6', '1.3.8.4.5.6', 'x']) {
    await assert.rejects(bench.messages.list(request({ cursor }), 10), InvalidCursor);
  }
});

test('MessageOperations: a listing of many slices ends, with a cursor to go on', async () => {
  const slices = Array.from({ length: 64 }, (_, at) => ({ cursor: [1, 0, at] as const }));
  const bench = new Bench(...slices);

  const page = await bench.messages.list(request(), 10);

  assert.deepEqual([page.messages, page.cursor], [[], '1.3.7.1.0.1r']);
});

test('MessageOperations: rejects when the target is gone, and when files cannot be read', async () => {
  const bench = new Bench('read orders: EIO', { cursor: [1, 0, 0] });
  const { messages, topics } = bench;

  await assert.rejects(messages.list(request({ topic: 'none' }), 1), TargetGone);
  await assert.rejects(messages.list(request({ channel: 'none' }), 1), TargetGone);
  await assert.rejects(messages.list(request(), 1), { message: 'read orders: EIO' });
  const working = messages.work(request(), 'finish', 0, () => {
    topics.delete('orders');
    return true;
  });
  await assert.rejects(working, TargetGone);
});

test('MessageOperations.find: asks slice by slice until it has the message or is cancelled', async () => {
  const bench = new Bench(
    { cursor: [1, 0, 0] },
    { messages: [listed('a')] },
    { cursor: [1, 0, 0] },
  );
  let askedFor = 0;

  const found = await bench.messages.find('orders', 'billing', 'a', wanted);
  const given = await bench.messages.find('orders', 'billing', 'b', () => ++askedFor === 1);

  assert.deepEqual([found?.id, given, bench.asked.length], ['a', undefined, 3]);
  assert.deepEqual(bench.asked[0].filter, {
    states: ['ready', 'deferred', 'in-flight'],
    ids: ['a'],
    sinceMs: 0,
    match: null,
  });
});

test('MessageOperations.work: counts what is done, and says which ids were not found', async () => {
  const bench = new Bench({ done: ['a'], cursor: [1, 0, 0] }, { done: ['c'] });

  const ids = ['a', 'b', 'c'];
  const outcome = await bench.messages.work(request({}, { ids }), 'requeue', 50, wanted);

  assert.deepEqual(outcome, { count: 2, notFound: ['b'], cursor: null, failure: null });
  assert.deepEqual(
    bench.asked.map(({ filter, work, delayMs }) => [filter.ids, work, delayMs]),
    [
      [['a', 'b', 'c'], 'requeue', 50],
      [['b', 'c'], 'requeue', 50],
    ],
  );
});

test('MessageOperations.work: waits for a message that is being written to a file', async () => {
  const bench = new Bench({ busyCount: 1, cursor: [5, 0, 1] }, { done: ['a'] });

  const working = bench.messages.work(request({}, { ids: ['a'] }), 'finish', 0, wanted);
  while (bench.clock.timerCount === 0) await setImmediate();
  const before = bench.asked.length;
  bench.clock.advance(20);
  const { count } = await working;

  // It looks at the same place again.
  assert.deepEqual([before, count, bench.asked[1].cursor], [1, 1, [0, 0, 0]]);
});

test('MessageOperations.move: publishes before it finishes', async () => {
  const bench = new Bench(
    { messages: [listed('a'), listed('b')], cursor: [7, 0, 9] },
    { done: ['a', 'b'], cursor: [7, 0, 9] },
    { messages: [listed('c')] },
    { done: ['c'] },
  );

  const outcome = await bench.messages.move(request(), topicName('dead'), wanted);

  assert.deepEqual(bench.published, [
    { topic: 'dead', bodies: ['body of a', 'body of b'] },
    { topic: 'dead', bodies: ['body of c'] },
  ]);
  assert.deepEqual(
    bench.asked.map(({ work, cursor, filter, isFilesFirst }) => [
      work,
      cursor,
      filter.ids,
      isFilesFirst,
    ]),
    [
      ['list', [0, 0, 0], null, true],
      ['finish', [0, 0, 0], ['a', 'b'], true],
      ['list', [7, 0, 9], null, true],
      ['finish', [7, 0, 9], ['c'], true],
    ],
  );
  assert.deepEqual(outcome, { count: 3, notFound: [], cursor: null, failure: null });
});

test('MessageOperations.move: looks for what has left its place in memory, and with consumers', async () => {
  const bench = new Bench(
    { messages: [listed('a'), listed('b')] },
    { done: ['a'], cursor: [7, 0, 9] },
    { cursor: null },
    { done: ['b'] },
  );

  const outcome = await bench.messages.move(request(), topicName('dead'), wanted);

  const { cursor, filter, isFilesFirst } = bench.asked[3];
  assert.deepEqual([cursor, filter.ids, isFilesFirst], [[0, 0, 0], ['b'], false]);
  assert.deepEqual(filter.states, ['ready', 'deferred', 'in-flight']);
  assert.equal(outcome.count, 2);
});

test('MessageOperations.move: what the other topic refuses stays, and the answer says why', async () => {
  const bench = new Bench({ messages: [listed('a')], cursor: [7, 0, 9] });
  bench.refusal = new Error('topic dead is full');

  const outcome = await bench.messages.move(request(), topicName('dead'), wanted);

  assert.deepEqual(
    bench.asked.map(({ work }) => work),
    ['list'],
  );
  assert.deepEqual(outcome, {
    ...{ count: 0, notFound: [], failure: 'topic dead is full' },
    cursor: '1.3.7.0.0.0',
  });
});
