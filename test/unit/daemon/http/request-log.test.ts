import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient, request, startApi } from '../../../support/http-api.ts';

test('RequestLog: has a line for each request but those that publish', async (t) => {
  const { log, port } = await startApi(t);

  await request(t, port, 'POST /pub?topic=t', 'x');
  await request(t, port, 'POST /mpub', 'x');
  await request(t, port, 'GET /pub?topic=t');
  await request(t, port, 'GET /ping?x=%20y');
  await request(t, port, 'GET /info?x=%20y');
  await request(t, port, 'POST /topic/create');
  await request(t, port, 'GET /none');

  assert.deepEqual(
    log.map((line) => line.replace(/127\.0\.0\.1:\d+/, 'ADDRESS')),
    [
      'INFO: 405 GET /pub?topic=t (ADDRESS) 0s',
      'INFO: 200 GET /info?x=%20y (ADDRESS) 0s',
      'INFO: 400 POST /topic/create (ADDRESS) 0s',
      'INFO: 404 GET /none (ADDRESS) 0s',
    ],
  );
});

test('RequestLog: what monitors ask for is debug, unless the answer is bad', async (t) => {
  const { broker, log, port } = await startApi(t);

  await request(t, port, 'GET /ping');
  await request(t, port, 'GET /stats?format=json');
  await request(t, port, 'POST /ping');
  broker.healthText = 'NOK - a disk fails';
  await request(t, port, 'GET /ping');

  assert.deepEqual(
    log.map((line) => line.replace(/ \(.*/, '')),
    ['INFO: 405 POST /ping', 'INFO: 500 GET /ping'],
  );
});

test('RequestLog: shows how long a request took', async (t) => {
  const { broker, clock, log, port } = await startApi(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.gate = promise;
  const client = await RawClient.connect(t, port);

  client.write('POST /topic/create?topic=t HTTP/1.1\r\nHost: x\r\n\r\n');
  while (broker.calls.length === 0) await new Promise((next) => setImmediate(next));
  clock.advance(12.5);
  resolve();
  await client.answer();

  assert.match(log[0], / 12\.5ms$/);
});
