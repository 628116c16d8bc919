import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { ConnectionLimit } from '../../../../src/daemon/connection-limit.ts';
import { HttpServer } from '../../../../src/daemon/http/http-server.ts';
import { UnfinishedHeads } from '../../../../src/daemon/http/unfinished-heads.ts';
import { Logger } from '../../../../src/daemon/log.ts';
import { HttpApi } from '../../../../src/main/http/http-api.ts';
import { BodyMemory } from '../../../../src/main/limits/body-memory.ts';
import {
  FakeBroker,
  type RawAnswer,
  RawClient,
  request,
  startApi,
} from '../../../support/http-api.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { policyStoreOf } from '../../../support/policy-store.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

test('HttpApi: an unknown path is NOT_FOUND', async (t) => {
  const { port } = await startApi(t);

  const { status, headers, body } = await request(t, port, 'GET /debug/stats?x=1');

  assert.deepEqual(
    [status, headers['content-type'], headers['x-nsq-content-type'], body],
    [404, 'application/json; charset=utf-8', 'nsq; version=1.0', '{"message":"NOT_FOUND"}'],
  );
});

test('HttpApi: the wrong method is METHOD_NOT_ALLOWED', async (t) => {
  const { port } = await startApi(t);

  const { status, headers, body } = await request(t, port, 'DELETE /config/log_level');

  assert.deepEqual(
    [status, headers['allow'], headers['x-nsq-content-type'], body],
    [405, 'GET, OPTIONS, PUT', 'nsq; version=1.0', '{"message":"METHOD_NOT_ALLOWED"}'],
  );
});

test('HttpApi: OPTIONS lists the methods of a path', async (t) => {
  const { port } = await startApi(t);

  const { status, headers, body } = await request(t, port, 'OPTIONS /pub');

  assert.deepEqual([status, headers['allow'], body], [200, 'OPTIONS, POST', '']);
});

test('HttpApi: another method of everything is refused with all methods', async (t) => {
  const { port } = await startApi(t);

  const { status, headers, body } = await request(t, port, 'GET *');

  assert.deepEqual(
    [status, headers['allow'], body],
    [405, 'DELETE, GET, OPTIONS, POST, PUT', '{"message":"METHOD_NOT_ALLOWED"}'],
  );
});

test('HttpApi: OPTIONS of everything is answered', async (t) => {
  const { port } = await startApi(t);

  const { status } = await request(t, port, 'OPTIONS *');

  assert.equal(status, 200);
});

for (const [what, status, location, body] of [
  ['GET /ping/', 301, '/ping', '<a href="/ping">Moved Permanently</a>.\n\n'],
  ['GET //PING?a=1&b', 301, '/ping?a=1&b', '<a href="/ping?a=1&amp;b">Moved Permanently</a>.\n\n'],
  ['POST /Pub?topic=t', 307, '/pub?topic=t', ''],
  [
    'GET /CONFIG/a%20%C3%A9',
    301,
    '/config/a%20%C3%A9',
    '<a href="/config/a%20%C3%A9">Moved Permanently</a>.\n\n',
  ],
] as const) {
  test(`HttpApi: ${what} is redirected to ${location}`, async (t) => {
    const { port } = await startApi(t);

    const answer = await request(t, port, what);

    assert.deepEqual(
      [answer.status, answer.headers['location'], answer.body],
      [status, location, body],
    );
  });
}

test('HttpApi: refuses everything without TLS where that is required', async (t) => {
  const sink = { write: () => undefined, writeSync: () => undefined };
  const clock = new ManualClock();
  const logger = new Logger({ prefix: '', level: 'info', sink, clock });
  const memory = (): never => {
    throw new Error('not asked for');
  };
  const bodies = new BodyMemory({ memberBytes: 1, guestBytes: 1 }, clock, logger);
  const broker = new FakeBroker();
  const api = new HttpApi({
    guard: strictGuard(),
    broker,
    logger,
    clock,
    bodies,
    countAnswer: () => undefined,
    hostname: 'host',
    policies: policyStoreOf(),
    memory,
    metrics: { stats: memory, node: memory, topicsMax: 0 },
    readiness: memory,
    access: null,
    page: null,
  });
  const server = new HttpServer({
    handle: (asked) => api.refuseWithoutTls(asked, 4152),
    refuseConnect: (target) => api.connectRefusal(target),
    clock,
    limit: new ConnectionLimit(1, clock, logger),
    heads: new UnfinishedHeads(clock, logger),
    guard: strictGuard(),
    tls: null,
  });
  const { port } = await server.start({ host: '127.0.0.1', port: 0 });
  t.after(() => server.stop());

  const { status, headers, body } = await request(t, port, 'GET /none');

  assert.deepEqual(
    [status, headers['content-type'], headers['x-nsq-content-type'], body],
    [
      403,
      'application/json; charset=utf-8',
      'nsq; version=1.0',
      '{"message": "TLS_REQUIRED", "https_port": 4152}',
    ],
  );
});

test('ping: answers as plain text how the broker is', async (t) => {
  const { broker, port } = await startApi(t);

  const well = await request(t, port, 'GET /ping');
  broker.healthText = 'NOK - no space left';
  const ill = await request(t, port, 'GET /ping');

  assert.deepEqual(
    [well, ill].map(({ status, headers, body }) => [
      status,
      headers['content-type'],
      headers['x-nsq-content-type'],
      body,
    ]),
    [
      [200, 'text/plain; charset=utf-8', undefined, 'OK'],
      [500, 'text/plain; charset=utf-8', undefined, 'NOK - no space left'],
    ],
  );
});

test('info: tells about the broker, with times in ns', async (t) => {
  const { port } = await startApi(t, {
    topologyZone: 'z',
    broadcastAddress: '<b>',
    maxDeflateLevel: 4,
  });

  const { body } = await request(t, port, 'GET /info');

  assert.equal(
    body,
    '{"version":"1.3.0","broadcast_address":"\\u003cb\\u003e","hostname":"host","http_port":4151,"tcp_port":4150,' +
      '"start_time":1700000000,"max_heartbeat_interval":60000000000,"max_output_buffer_size":65536,' +
      '"max_output_buffer_timeout":30000000000,"max_deflate_level":4,"topology_zone":"z",' +
      '"topology_region":""}',
  );
});

for (const [query, topic, channel, withClients, isText, hasMemory] of [
  ['', undefined, undefined, true, true, true],
  ['?format=json&topic=t&channel=c', 't', 'c', true, false, true],
  ['?format=JSON&include_clients=false&include_mem=0', undefined, undefined, false, true, false],
  ['?format=json&include_clients=0&include_mem=false', undefined, undefined, false, false, false],
  ['?format=json&include_clients=FALSE&include_mem=no', undefined, undefined, true, false, true],
] as const) {
  test(`stats: "${query}" asks for the right part`, async (t) => {
    const { broker, port } = await startApi(t);

    const { headers, body } = await request(t, port, `GET /stats${query}`);

    assert.deepEqual(broker.filters, [{ topic, channel, withClients }]);
    assert.equal(
      headers['content-type'],
      isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    );
    assert.equal(body.includes('heap_objects'), hasMemory);
  });
}

test('stats: a query that cannot be parsed is INVALID_REQUEST', async (t) => {
  const { port } = await startApi(t);

  const { status, body } = await request(t, port, 'GET /stats?topic=%');

  assert.deepEqual([status, body], [400, '{"message":"INVALID_REQUEST"}']);
});

test('stats: a broker that fails to tell them is INTERNAL_ERROR', async (t) => {
  const { broker, port } = await startApi(t);
  broker.stats = async () => {
    throw new Error('boom');
  };

  const { status, body } = await request(t, port, 'GET /stats');

  assert.deepEqual([status, body], [500, '{"message":"INTERNAL_ERROR"}']);
});

for (const [what, body, status, wanted] of [
  ['GET /config/mem_queue_size', '', 200, '10000'],
  ['GET /config/log_prefix', '', 200, '[nsqd] '],
  ['GET /config/none', '', 400, '{"message":"INVALID_OPTION"}'],
  ['PUT /config/none', 'x', 400, '{"message":"INVALID_OPTION"}'],
  ['PUT /config/mem_queue_size', '5', 400, '{"message":"INVALID_OPTION"}'],
  ['PUT /config/none', '', 413, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/log_level', 'x'.repeat(21), 413, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/log_level', 'DEBUG', 200, '1'],
  ['PUT /config/log_level', '"info"', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '["a:1","[::1]:2"]', 200, '["a:1","[::1]:2"]'],
  ['PUT /config/nsqlookupd_tcp_addresses', 'null', 200, '[]'],
  ['PUT /config/nsqlookupd_tcp_addresses', '[null]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '[""]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '["a:1","b"]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '["<b>:1"]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '["\\u0000:1"]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '["a:65536"]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '["a:0"]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '["::1:4160"]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '[1]', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', '{}', 400, '{"message":"INVALID_VALUE"}'],
  ['PUT /config/nsqlookupd_tcp_addresses', 'nonsense', 400, '{"message":"INVALID_VALUE"}'],
] as const) {
  test(`config: ${what} with "${body}" is ${status} ${wanted}`, async (t) => {
    const { port } = await startApi(t, { maxMsgSize: 20 });

    const answer = await request(t, port, what, body);

    assert.deepEqual([answer.status, answer.body], [status, wanted]);
  });
}

test('config: a broker is told of 128 nsqlookupds at most, in 64 KiB', async (t) => {
  const { broker, port } = await startApi(t);
  const addresses = Array.from({ length: 129 }, (_, index) => `host-${index}:4160`);
  const ask = (value: unknown): Promise<RawAnswer> =>
    request(t, port, 'PUT /config/nsqlookupd_tcp_addresses', JSON.stringify(value));

  const many = await ask(addresses);
  const large = await ask(['x'.repeat(64 * 1024)]);
  const most = await ask(addresses.slice(1));

  assert.deepEqual([many.status, large.status, most.status], [400, 413, 200]);
  assert.deepEqual(broker.options.lookupdTcpAddress, addresses.slice(1));
});

test('config: a string is plain text, all else JSON', async (t) => {
  const { port } = await startApi(t);

  const text = await request(t, port, 'GET /config/log_prefix');
  const number = await request(t, port, 'GET /config/mem_queue_size');
  const nothing = await request(t, port, 'GET /config/statsd_address');

  assert.deepEqual(
    [text, number, nothing].map(({ headers }) => headers['content-type']),
    ['text/plain; charset=utf-8', 'application/json; charset=utf-8', undefined],
  );
});

for (const [what, status, wanted] of [
  [
    'PUT /debug/setblockrate?rate=abc',
    400,
    'invalid block rate : strconv.Atoi: parsing "abc": invalid syntax',
  ],
  ['PUT /debug/setblockrate', 400, 'invalid block rate : strconv.Atoi: parsing "": invalid syntax'],
  [
    'PUT /debug/setblockrate?rate=%',
    400,
    'invalid block rate : strconv.Atoi: parsing "": invalid syntax',
  ],
  ['PUT /debug/setblockrate?rate=-5', 200, ''],
  ['POST /debug/freememory', 200, ''],
  ['POST /debug/freememory', 200, ''],
  ['GET /debug/pprof/profile?seconds=0', 400, 'invalid seconds "0", wanted 1 to 300'],
  ['GET /debug/pprof/profile?seconds=301', 400, 'invalid seconds "301", wanted 1 to 300'],
  ['GET /debug/pprof/profile?seconds=1s', 400, 'invalid seconds "1s", wanted 1 to 300'],
  ['GET /debug/pprof/goroutine', 404, '{"message":"NOT_FOUND"}'],
] as const) {
  test(`debug: ${what} is ${status} "${wanted}"`, async (t) => {
    const { port } = await startApi(t);

    const answer = await request(t, port, what);

    assert.deepEqual([answer.status, answer.body], [status, wanted]);
    assert.equal(answer.headers['x-nsq-content-type'] === undefined, status !== 404);
  });
}

test('debug: the index is a page', async (t) => {
  const { port } = await startApi(t);

  const { status, headers, body } = await request(t, port, 'GET /debug/pprof/');

  assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8']);
  assert.match(body, /href="heap"/);
});

test('debug: the command line has its words between zero bytes', async (t) => {
  const { port } = await startApi(t);

  const { body } = await request(t, port, 'GET /debug/pprof/cmdline');

  const words = Buffer.from(body, 'latin1').toString().split('\0');
  assert.equal(words[0], process.execPath);
  assert.ok(words.includes(process.argv[1]), `${process.argv[1]} is not among ${words}`);
});

test('debug: a CPU profile takes its time, and there is only one at once', async (t) => {
  const { clock, port } = await startApi(t);
  const first = await RawClient.connect(t, port);

  first.write('GET /debug/pprof/profile?seconds=2 HTTP/1.1\r\nHost: x\r\n\r\n');
  while (clock.timerCount === 0) await new Promise((next) => setImmediate(next));
  const second = await request(t, port, 'GET /debug/pprof/profile');
  clock.advance(2000);
  const answer = await first.answer();

  assert.equal(second.status, 409);
  assert.equal(answer?.status, 200);
  assert.ok(Array.isArray(JSON.parse(answer.body).nodes));
});

test('debug: a CPU profile ends when its client goes away', async (t) => {
  const { clock, port } = await startApi(t);
  const first = await RawClient.connect(t, port);

  first.write('GET /debug/pprof/profile HTTP/1.1\r\nHost: x\r\n\r\n');
  while (clock.timerCount === 0) await new Promise((next) => setImmediate(next));
  first.socket.destroy();
  while (clock.timerCount > 0) await new Promise((next) => setImmediate(next));
  const { body } = await request(t, port, 'GET /ping');

  assert.equal(body, 'OK');
});

test('debug: a heap snapshot comes in chunks', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('GET /debug/pprof/heap HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const received = await client.end();

  assert.match(received, /^HTTP\/1.1 200 OK\r\nContent-Type: application\/octet-stream\r\n/);
  assert.match(received, /\{"snapshot":/);
  assert.ok(received.endsWith('\r\n0\r\n\r\n'));
});

test('debug: there is only one heap snapshot at once', async (t) => {
  const { port } = await startApi(t);
  const slow = await RawClient.connect(t, port);

  slow.write('GET /debug/pprof/heap HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(slow.socket, 'data');
  slow.socket.pause();
  const second = await request(t, port, 'GET /debug/pprof/heap');

  assert.deepEqual(
    [second.status, second.body],
    [409, 'failed to take heap snapshot - another one is being sent'],
  );
});
