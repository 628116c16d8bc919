import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type ClientRequest, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { LookupdWatch } from '../../../src/client/lookupd-watch.ts';

const SETTINGS = {
  urls: [],
  pollIntervalMs: 60_000,
  pollJitter: 0,
  timeoutMs: 10_000,
  authorization: null,
};
const BROKER = { broadcast_address: 'n1.test', tcp_port: 4150 };
/** Node tells of each HTTP request here. */
const CREATED = 'http.client.request.created';

test('LookupdWatch: an nsqlookupd that cannot be watched is asked again at some later polls', {
  timeout: 120_000,
}, async (t) => {
  const statuses = [404, 404, 200];
  const server = createServer((_, response) => {
    const status = statuses.shift() ?? 500;
    response.writeHead(status, { 'Content-Type': 'text/event-stream' });
    if (status !== 200) response.end();
    // RingMQ's has taken its place.
    else response.write(`event: producers\ndata: ${JSON.stringify({ producers: [BROKER] })}\n\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const requests: ClientRequest[] = [];
  // The channel's documentation promises this shape.
  const onCreated = (message: unknown): void =>
    void requests.push((message as { request: ClientRequest }).request);
  subscribe(CREATED, onCreated);
  t.after(() => {
    unsubscribe(CREATED, onCreated);
    server.closeAllConnections();
    server.close();
  });
  // A server that listens on TCP has such an address.
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const found = Promise.withResolvers<string[]>();
  const watch = new LookupdWatch(url, 'orders', SETTINGS, {
    onFound: (addresses) => found.resolve(addresses.map(({ text }) => text)),
  });

  const askedAt: number[] = [];
  for (let poll = 1; poll <= 21; poll++) {
    watch.ensure();
    const request = requests.pop();
    if (request === undefined) continue;
    askedAt.push(poll);
    if (askedAt.length < 3) await once(request, 'close');
  }

  assert.deepEqual(askedAt, [1, 11, 21]);
  assert.deepEqual(await found.promise, ['n1.test:4150']);
  watch.close();
  watch.ensure();
  assert.deepEqual(requests, []);
});

test('LookupdWatch: with a path of its own an nsqlookupd is never watched', () => {
  const watch = new LookupdWatch(new URL('http://127.0.0.1:1/nsq'), 'orders', SETTINGS, {
    onFound: () => assert.fail('nothing was asked'),
  });
  const requests: unknown[] = [];
  const onCreated = (message: unknown): void => void requests.push(message);
  subscribe(CREATED, onCreated);

  for (let poll = 0; poll < 30; poll++) watch.ensure();

  unsubscribe(CREATED, onCreated);
  assert.deepEqual(requests, []);
});
