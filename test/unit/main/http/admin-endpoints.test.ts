import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request, startApi } from '../../../support/http-api.ts';

const LONG_NAME = 'x'.repeat(65);

for (const [what, wanted, ...calls] of [
  ['/topic/create?topic=new', '', 'createTopic new'],
  ['/topic/create?topic=t', '', 'createTopic t'],
  ['/topic/create', '400 MISSING_ARG_TOPIC'],
  ['/topic/create?topic=', '400 INVALID_TOPIC'],
  [`/topic/create?topic=${LONG_NAME}`, '400 INVALID_TOPIC'],
  ['/topic/create?topic=%', '400 INVALID_REQUEST'],
  ['/topic/delete?topic=t', '', 'deleteTopic t'],
  ['/topic/delete?topic=in%20valid', '404 TOPIC_NOT_FOUND'],
  ['/topic/delete', '400 MISSING_ARG_TOPIC'],
  ['/topic/empty?topic=t', '', 'emptyTopic t'],
  ['/topic/empty?topic=in%20valid', '400 INVALID_TOPIC'],
  ['/topic/empty?topic=none', '404 TOPIC_NOT_FOUND'],
  ['/topic/empty?topic=a;b', '400 INVALID_REQUEST'],
  ['/topic/pause?topic=t', '', 'pauseTopic t true'],
  ['/topic/pause?topic=none', '404 TOPIC_NOT_FOUND'],
  ['/topic/unpause?topic=t', '', 'pauseTopic t false'],
  ['/topic/unpause?topic=', '404 TOPIC_NOT_FOUND'],
  ['/channel/create?topic=t&channel=new', '', 'createChannel t new'],
  ['/channel/create?topic=none&channel=c', '404 TOPIC_NOT_FOUND'],
  ['/channel/create?topic=t&channel=n&from=first', '', 'startChannel t n {"sequence":1}'],
  ['/channel/create?topic=t&channel=n&from=120', '', 'startChannel t n {"sequence":120}'],
  [
    '/channel/create?topic=t&channel=n&from=2026-01-31T08:00:00Z',
    '',
    'startChannel t n {"unixMs":1769846400000}',
  ],
  ['/channel/delete?topic=t&channel=c', '', 'deleteChannel t c'],
  ['/channel/empty?topic=t&channel=c', '', 'emptyChannel t c'],
  ['/channel/pause?topic=t&channel=c', '', 'pauseChannel t c true'],
  ['/channel/unpause?topic=t&channel=c', '', 'pauseChannel t c false'],
  ...['create', 'delete', 'empty', 'pause', 'unpause'].flatMap((verb) => [
    [`/channel/${verb}`, '400 MISSING_ARG_TOPIC'],
    [`/channel/${verb}?topic=!`, '400 INVALID_ARG_TOPIC'],
    [`/channel/${verb}?topic=t`, '400 MISSING_ARG_CHANNEL'],
    [`/channel/${verb}?topic=none&channel=!`, '400 INVALID_ARG_CHANNEL'],
    [`/channel/${verb}?topic=none&channel=c`, '404 TOPIC_NOT_FOUND'],
    [`/channel/${verb}?topic=%`, '400 INVALID_REQUEST'],
  ]),
  ...['delete', 'empty', 'pause', 'unpause'].map((verb) => [
    `/channel/${verb}?topic=t&channel=none`,
    '404 CHANNEL_NOT_FOUND',
  ]),
]) {
  test(`admin: ${what} is ${wanted === '' ? 'done' : wanted}`, async (t) => {
    const { broker, port } = await startApi(t);
    broker.topics.set('t', new Set(['c']));

    const { status, headers, body } = await request(t, port, `POST ${what}`, 'topic=t&channel=c');

    const [code, text] = wanted.split(' ');
    const isDone = wanted === '';
    assert.deepEqual(
      [status, body, broker.calls],
      [isDone ? 200 : Number(code), isDone ? '' : `{"message":"${text}"}`, calls],
    );
    assert.equal(headers['x-nsq-content-type'], 'nsq; version=1.0');
    assert.equal(headers['content-type'], isDone ? undefined : 'application/json; charset=utf-8');
  });
}

for (const path of [
  ...['create', 'delete', 'empty', 'pause', 'unpause'].map((verb) => `/topic/${verb}`),
  ...['create', 'delete', 'empty', 'pause', 'unpause'].map((verb) => `/channel/${verb}`),
]) {
  test(`admin: ${path} is INTERNAL_ERROR when the broker fails, and the log says why`, async (t) => {
    const { broker, log, port } = await startApi(t);
    broker.topics.set('t', new Set(['c']));
    broker.failure = new Error('no space left');

    const { status, body } = await request(t, port, `POST ${path}?topic=t&channel=c`);

    assert.deepEqual([status, body], [500, '{"message":"INTERNAL_ERROR"}']);
    assert.equal(log[0], `ERROR: failure in ${path} - Error: no space left`);
  });
}

for (const from of ['', '0', '-1', 'last', '2026-13-01T00:00:00Z']) {
  test(`admin: a channel does not begin at ${JSON.stringify(from)}`, async (t) => {
    const { broker, port } = await startApi(t);
    broker.topics.set('t', new Set());

    const { status, body } = await request(
      t,
      port,
      `POST /channel/create?topic=t&channel=c&from=${from}`,
    );

    const reason = 'from is "first", the number of a message, or an RFC 3339 time';
    assert.deepEqual([status, JSON.parse(body)], [400, { message: 'INVALID_FROM', reason }]);
    assert.deepEqual(broker.calls, []);
  });
}

test('admin: why a channel cannot begin with what a topic has kept is the reason of the answer', async (t) => {
  const { broker, port } = await startApi(t);
  broker.topics.set('t', new Set());
  broker.startRefusal = 'the topic is not replicated: it keeps no finished messages';

  const { status, body } = await request(
    t,
    port,
    'POST /channel/create?topic=t&channel=c&from=first',
  );

  const wanted = { message: 'REPLAY_REFUSED', reason: broker.startRefusal };
  assert.deepEqual([status, JSON.parse(body)], [400, wanted]);
});
