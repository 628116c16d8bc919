import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { Guard } from '../../../../src/daemon/guard.ts';
import { HttpClient } from '../../../../src/daemon/http-client.ts';
import { type AuthQuestion, AuthServers } from '../../../../src/main/auth/auth-servers.ts';
import { Grant } from '../../../../src/main/auth/grant.ts';
import { AssertionError } from '../../../../src/shared/assert.ts';
import { type Journal, journalLogger } from '../../../support/journal.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const QUESTION: AuthQuestion = {
  remoteIp: '127.0.0.1',
  isTls: false,
  commonName: '',
  secret: Buffer.from('a secret&more'),
};
const ANSWER = { ttl: 60, identity: 'joe', authorizations: [] };

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

const answerJson =
  (answer: unknown, status = 200): Answering =>
  (_request, response) => {
    response.writeHead(status).end(JSON.stringify(answer));
  };

/** Starts an auth server; returns its address. */
async function serve(t: TestContext, answering: Answering): Promise<string> {
  const server = createServer(answering);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `127.0.0.1:${address.port}`;
}

type Setup = { addresses: string[]; method?: 'get' | 'post'; random?: number };

function setUp(
  t: TestContext,
  setup: Setup,
): { servers: AuthServers; clock: ManualClock; guard: Guard; log: Journal } {
  const clock = new ManualClock();
  const client = new HttpClient({ connectTimeoutMs: 2000, requestTimeoutMs: 5000, tls: {}, clock });
  t.after(() => client.close());
  const { addresses, method = 'get', random = 0 } = setup;
  const { logger, log } = journalLogger();
  const guard = new Guard(clock, logger);
  const servers = new AuthServers({ client, addresses, method, guard, random: () => random });
  return { servers, clock, guard, log };
}

/** An address that nothing listens on. */
async function deadAddress(): Promise<string> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the server had no port');
  return `127.0.0.1:${address.port}`;
}

test('AuthServers: get asks in the query', async (t) => {
  const requests: unknown[] = [];
  const address = await serve(t, (request, response) => {
    requests.push([request.method, request.url, request.headers.accept]);
    answerJson(ANSWER)(request, response);
  });
  const { servers } = setUp(t, { addresses: [address] });

  const grant = await servers.query(QUESTION);

  assert.equal(grant.identity, 'joe');
  assert.deepEqual(requests, [
    [
      'GET',
      '/auth?common_name=&remote_ip=127.0.0.1&secret=a+secret%26more&tls=false',
      'application/vnd.nsq; version=1.0',
    ],
  ]);
});

test('AuthServers: a secret of any bytes is encoded byte by byte', async (t) => {
  const urls: (string | undefined)[] = [];
  const address = await serve(t, (request, response) => {
    urls.push(request.url);
    answerJson(ANSWER)(request, response);
  });
  const { servers } = setUp(t, { addresses: [address] });

  await servers.query({
    remoteIp: '::1',
    isTls: true,
    commonName: 'jos\u00e9',
    secret: Buffer.from('ff00~*-_.', 'latin1'),
  });
  await servers.query({ ...QUESTION, secret: Buffer.from([0xff, 0x00, 0x2b, 0x0a]) });

  assert.deepEqual(urls, [
    '/auth?common_name=jos%C3%A9&remote_ip=%3A%3A1&secret=ff00~%2A-_.&tls=true',
    '/auth?common_name=&remote_ip=127.0.0.1&secret=%FF%00%2B%0A&tls=false',
  ]);
});

test('AuthServers: post asks in JSON', async (t) => {
  const requests: unknown[] = [];
  const address = await serve(t, async (request, response) => {
    const { method, url, headers } = request;
    requests.push([method, url, headers.accept, headers['content-type'], await text(request)]);
    answerJson(ANSWER)(request, response);
  });
  const { servers } = setUp(t, { addresses: [address], method: 'post' });

  await servers.query(QUESTION);

  assert.deepEqual(requests, [
    [
      'POST',
      '/auth',
      'application/vnd.nsq; version=1.0',
      'application/json',
      '{"common_name":[""],"remote_ip":["127.0.0.1"],"secret":["a secret\\u0026more"],"tls":["false"]}',
    ],
  ]);
});

test('AuthServers: an address with a scheme is a URL, whatever it ends in', async (t) => {
  const urls: (string | undefined)[] = [];
  const address = await serve(t, (request, response) => {
    urls.push(request.url);
    answerJson(ANSWER)(request, response);
  });
  const { servers } = setUp(t, { addresses: [`http://${address}/my/path?x=1`] });

  await servers.query({ ...QUESTION, secret: Buffer.from('s') });

  assert.deepEqual(urls, ['/my/path?x=1?common_name=&remote_ip=127.0.0.1&secret=s&tls=false']);
});

test('AuthServers: they are tried from a random one on, until one answers validly', async (t) => {
  const asked: string[] = [];
  const addresses = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      serve(t, (request, response) => {
        asked.push(name);
        answerJson({ ttl: name === 'b' ? 60 : 0, identity: name })(request, response);
      }),
    ),
  );
  const { servers } = setUp(t, { addresses, random: 0.5 });

  const grant = await servers.query(QUESTION);

  assert.equal(grant.identity, 'b');
  assert.deepEqual(asked, ['c', 'd', 'a', 'b']);
});

test('AuthServers: none answers validly', async (t) => {
  const addresses = [
    await serve(t, answerJson({ message: 'NO' }, 403)),
    await serve(t, answerJson({ message: 'OOPS' }, 500)),
    await serve(t, (_request, response) => response.end('not json')),
    await serve(t, answerJson({ ttl: 0 })),
    await serve(t, (request) => request.socket.destroy()),
    await deadAddress(),
  ];
  const { servers } = setUp(t, { addresses });

  const error: unknown = await servers.query(QUESTION).catch((reason: unknown) => reason);

  assert.ok(error instanceof Error);
  const reasons = error.message.split('; ').map((part, index) => {
    const prefix = `failed to auth against ${addresses[index]} - `;
    return part.startsWith(prefix) ? part.slice(prefix.length) : part;
  });
  assert.deepEqual(reasons.slice(0, 2), [
    'got response 403 "{\\"message\\":\\"NO\\"}"',
    'got response 500 "{\\"message\\":\\"OOPS\\"}"',
  ]);
  assert.equal(reasons[2], 'the answer is not valid JSON');
  assert.equal(reasons[3], 'invalid TTL 0 (must be >0)');
  assert.equal(reasons[4], 'other side closed');
  assert.equal(reasons[5], `connect ECONNREFUSED ${addresses[5]}`);
  assert.doesNotMatch(error.message, /secret/);
});

test('AuthServers: an error shows neither the secret that a server repeats nor a password of ours', async (t) => {
  const repeat: Answering = ({ url }, response) =>
    void response
      .writeHead(404)
      .end(`Cannot GET ${url} with ${QUESTION.secret}, a%20secret%26more`);
  const address = await serve(t, repeat);
  const { servers } = setUp(t, { addresses: [`http://joe:word@${address}/auth`] });

  const error: unknown = await servers.query(QUESTION).catch((reason: unknown) => reason);

  assert.ok(error instanceof Error);
  assert.equal(
    error.message,
    `failed to auth against http://***@${address}/auth - got response 404 ` +
      '"Cannot GET /auth?common_name=&remote_ip=127.0.0.1&secret=***&tls=false with ***, ***"',
  );
});

test('AuthServers: a server that hangs holds up only those who ask it', async (t) => {
  let onAsked = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    onAsked = resolve;
  });
  const hanging = await serve(t, () => onAsked());
  const answering = await serve(t, answerJson(ANSWER));
  const { servers, clock } = setUp(t, { addresses: [hanging, answering] });
  const { servers: others } = setUp(t, { addresses: [answering] });
  let isAnswered = false;

  const slow = servers.query(QUESTION).then((grant) => {
    isAnswered = true;
    return grant;
  });
  await asked;
  await others.query(QUESTION);
  const wasAnswered = isAnswered;
  clock.advance(5000);

  assert.equal((await slow).identity, 'joe');
  assert.equal(wasAnswered, false);
});

test('AuthServers: what an answer makes throw is a failure of that server, logged and counted', async (t) => {
  const { servers, guard, log } = setUp(t, { addresses: [await serve(t, answerJson(ANSWER))] });
  t.mock.method(Grant, 'parse', () => {
    throw new TypeError('provoked');
  });

  await assert.rejects(servers.query(QUESTION), /failed to auth against .* - provoked/);

  assert.equal(guard.failedCount, 1);
  assert.match(
    log.lines.join('\n'),
    /^ERROR: auth server 127\.0\.0\.1:\d+: its input cannot be handled - TypeError: provoked at [^\n]*$/,
  );
  assert.doesNotMatch(log.lines.join('\n'), /secret/);
});

test('AuthServers: a bug is no failure of the server', async (t) => {
  const { servers, guard } = setUp(t, { addresses: [await serve(t, answerJson(ANSWER))] });
  t.mock.method(Grant, 'parse', () => {
    throw new AssertionError('a broken promise');
  });

  await assert.rejects(servers.query(QUESTION), AssertionError);
  assert.equal(guard.failedCount, 0);
});
