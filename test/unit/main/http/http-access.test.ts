import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ROUTE_ROLES, roleOf } from '../../../../src/main/http/route-roles.ts';
import { accessFile } from '../../../support/access-file.ts';
import { RawClient, type RunningApi, request, startApi } from '../../../support/http-api.ts';

const FILE = accessFile([
  { name: 'reader', secret: 'r', roles: ['read'] },
  { name: 'publisher', secret: 'p', roles: ['publish'], topics: ['orders'] },
  { name: 'ops', secret: 'o', roles: ['admin'] },
]);
const READER = ['Authorization: Bearer reader.r'];
const PUBLISHER = ['Authorization: Bearer publisher.p'];
const ADMIN = [`Authorization: Basic ${Buffer.from('ops:o').toString('base64')}`];

function start(t: TestContext, hasLane = true, given = {}): Promise<RunningApi> {
  return startApi(t, given, { accessFile: FILE, hasLane });
}

test('every endpoint has a role, and every role an endpoint', async (t) => {
  const { api } = await startApi(t);

  const routes = api.routes.map(({ method, path }) => `${method} ${path}`);

  assert.deepEqual(routes.toSorted(), Object.keys(ROUTE_ROLES).toSorted());
  assert.equal(roleOf({ method: 'GET', path: '/forgotten' }), 'admin');
});

test('access: without credentials only what everybody may is answered', async (t) => {
  const { api, port, broker } = await start(t);

  for (const { method, path } of api.routes) {
    const { status, headers, body } = await request(
      t,
      port,
      `${method} ${path.replace(/:\w+$/, 'x')}?topic=orders&channel=c`,
      method === 'GET' ? '' : 'body',
    );
    if (['/ping', '/livez', '/readyz'].includes(path)) {
      assert.equal(status, 200, path);
      continue;
    }
    assert.deepEqual([status, body], [401, '{"message":"UNAUTHORIZED"}'], path);
    assert.match(headers['www-authenticate'], /^Basic realm="ringmq".*Bearer realm="ringmq"$/);
  }
  assert.deepEqual(broker.calls, []);
});

for (const hasLane of [true, false]) {
  const where = hasLane ? 'on the fast lane' : 'without the fast lane';

  test(`access: publishing needs its role and topic, ${where}`, async (t) => {
    const { port, broker, statuses } = await start(t, hasLane);
    broker.topics.set('orders', new Set());
    const ask = (fields: readonly string[], what = '/pub?topic=orders') =>
      request(t, port, `POST ${what}`, 'body', fields);

    const answers = [
      await ask(PUBLISHER),
      await ask(PUBLISHER, '/mpub?topic=orders'),
      await ask(ADMIN, '/pub?topic=other'),
      await ask(PUBLISHER, '/pub?topic=other'),
      await ask(PUBLISHER, '/mpub?topic=other'),
      await ask(READER),
      await ask(['Authorization: Bearer publisher.wrong']),
      await ask(['Authorization: nonsense']),
      await ask([]),
    ];

    assert.deepEqual(
      answers.map(({ status, body }) => [status, body]),
      [
        [200, 'OK'],
        [200, 'OK'],
        [200, 'OK'],
        [403, '{"message":"TOPIC_FORBIDDEN"}'],
        [403, '{"message":"TOPIC_FORBIDDEN"}'],
        [403, '{"message":"ROLE_REQUIRED","role":"publish"}'],
        [401, '{"message":"UNAUTHORIZED"}'],
        [401, '{"message":"UNAUTHORIZED"}'],
        [401, '{"message":"UNAUTHORIZED"}'],
      ],
    );
    assert.deepEqual(
      broker.calls.filter((call) => call.startsWith('publish')),
      ['publish orders 1 0 ["body"]', 'publish orders 1 0 ["body"]', 'publish other 1 0 ["body"]'],
    );
    assert.equal(statuses.length, answers.length);
  });

  test(`access: pipelined publishes wait for the check, each with its own field, ${where}`, async (t) => {
    const { port, broker } = await start(t, hasLane);
    broker.topics.set('orders', new Set());
    const client = await RawClient.connect(t, port);
    const pub = (field: string) =>
      `POST /pub?topic=orders HTTP/1.1\r\nHost: x\r\n${field}\r\nContent-Length: 1\r\n\r\nm`;

    client.write([PUBLISHER[0], PUBLISHER[0], READER[0], PUBLISHER[0]].map(pub).join(''));
    const statuses: (number | undefined)[] = [];
    for (let count = 0; count < 4; count++) statuses.push((await client.answer())?.status);

    assert.deepEqual(statuses, [200, 200, 403, 200]);
    assert.equal(broker.calls.length, 3);
  });
}

test('access: reading and steering need their roles', async (t) => {
  const { port, broker } = await start(t);
  broker.topics.set('t', new Set());

  const answers = [
    await request(t, port, 'GET /stats?format=json', '', READER),
    await request(t, port, 'GET /metrics', '', READER),
    await request(t, port, 'POST /topic/empty?topic=t', '', READER),
    await request(t, port, 'PUT /config/log_level', 'debug', READER),
    await request(t, port, 'GET /stats', '', PUBLISHER),
    await request(t, port, 'POST /topic/empty?topic=t', '', ADMIN),
    await request(t, port, 'PUT /config/log_level', 'debug', ADMIN),
  ];

  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 403, 403, 403, 200, 200],
  );
  assert.equal(answers[2].body, '{"message":"ROLE_REQUIRED","role":"admin"}');
  assert.deepEqual(broker.calls, ['emptyTopic t']);
});

test('access: /debug is for admins, also on this machine; off is off', async (t) => {
  const { port } = await start(t);
  const closed = await start(t, true, { debugHttp: 'off' });

  const answers = [
    await request(t, port, 'GET /debug/pprof/cmdline'),
    await request(t, port, 'GET /debug/pprof/cmdline', '', READER),
    await request(t, port, 'GET /debug/pprof/cmdline', '', ADMIN),
    await request(t, closed.port, 'GET /debug/pprof/cmdline', '', ADMIN),
  ];

  assert.deepEqual(
    answers.map(({ status }) => status),
    [401, 403, 200, 404],
  );
});

test('access: too many wrong secrets of one host are refused, and known clients go on', async (t) => {
  const { port } = await start(t);
  await request(t, port, 'GET /stats', '', READER);

  const clients: RawClient[] = [];
  for (let index = 0; index < 12; index++) {
    const client = await RawClient.connect(t, port);
    client.write(
      `GET /stats HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader.guess${index}\r\n\r\n`,
    );
    clients.push(client);
  }
  const refused = await clients[11].answer();
  const known = await request(t, port, 'GET /stats', '', READER);

  assert.deepEqual([refused?.status, refused?.body], [503, '{"message":"TOO_MANY_CHECKS"}']);
  assert.equal(refused?.headers['retry-after'], '1');
  assert.equal(known.status, 200);
});
