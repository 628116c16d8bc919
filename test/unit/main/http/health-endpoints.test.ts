import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request, startApi } from '../../../support/http-api.ts';

test('/livez: says OK whatever the disk does', async (t) => {
  const { broker, port } = await startApi(t);
  broker.healthText = 'NOK - disk';
  broker.readiness = { start: 'x', drain: 'x', disk: 'x', space: 'x' };

  const { status, body } = await request(t, port, 'GET /livez');

  assert.deepStrictEqual([status, body], [200, 'OK']);
});

test('/readyz: OK when every check has passed, otherwise which has not, and why', async (t) => {
  const { broker, port } = await startApi(t);
  const good = await request(t, port, 'GET /readyz');
  broker.readiness = { ...broker.readiness, drain: 'it drains', space: '1MiB are free' };
  const bad = await request(t, port, 'GET /readyz');

  assert.deepStrictEqual(
    [good.status, good.body, bad.status, bad.body],
    [200, 'OK', 503, 'NOK - drain: it drains; space: 1MiB are free'],
  );
});

test('/readyz?verbose: each check as JSON', async (t) => {
  const { broker, port } = await startApi(t);
  broker.readiness = { ...broker.readiness, disk: 'it does not answer' };

  const { status, headers, body } = await request(t, port, 'GET /readyz?verbose');

  assert.equal(status, 503);
  assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  assert.deepStrictEqual(JSON.parse(body), {
    ready: false,
    checks: [
      { name: 'start', ok: true },
      { name: 'drain', ok: true },
      { name: 'disk', ok: false, reason: 'it does not answer' },
      { name: 'space', ok: true },
    ],
  });
});

test('/readyz: a query that cannot be parsed is refused', async (t) => {
  const { port } = await startApi(t);

  assert.equal((await request(t, port, 'GET /readyz?%zz')).status, 400);
});
