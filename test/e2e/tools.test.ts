import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeCertificate, writeFiles } from '../../scripts/bench/certificates.ts';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { Producer } from '../../src/client/client.ts';
import { runNsqStat } from '../../src/companions/tools/nsq-stat.ts';
import { runNsqTail } from '../../src/companions/tools/nsq-tail.ts';
import { runNsqToNsq } from '../../src/companions/tools/nsq-to-nsq.ts';
import { runToHttp } from '../../src/companions/tools/to-http.ts';
import { runToNsq } from '../../src/companions/tools/to-nsq.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { runWords } from '../support/operator.ts';

const ENTRY = fileURLToPath(new URL('../../scripts/ringmq.cjs', import.meta.url));
/** Nothing listens there. */
const DEAD_ADDRESS = '127.0.0.1:1';

const site = new BrokerSite({ after });
let broker: BrokerProcess;
let address: string;
let producer: Producer;

before(async () => {
  broker = await site.start();
  address = `127.0.0.1:${broker.tcpPort}`;
  producer = new Producer({ nsqd: [address] });
});
after(() => producer.close());

test('a link with the name of an original runs the command that takes its place', async (t) => {
  const directory = scratch(t);
  const programs = ['nsqd', 'to_nsq'];

  const outcomes = programs.map(async (program) => {
    const link = path.join(directory, program);
    symlinkSync(ENTRY, link);
    const { code, stdout } = await runProcess(t, [link, '--version']);
    return `${code} ${stdout.split(' (')[0].trim()}`;
  });

  assert.deepEqual(
    await Promise.all(outcomes),
    programs.map((program) => `0 ${program} v1.3.0`),
  );
});

test('to-nsq publishes each record of its input to each broker, the last one whole', async () => {
  const words = ['--topic=lines', `--nsqd-tcp-address=${address}`];
  const input = (): Readable => Readable.from([Buffer.from('a\nb'), Buffer.from('c\n\nlast')]);

  const published = await runWords(runToNsq, words, { input });
  const tail = ['--topic=lines', '--channel=c', `--nsqd-tcp-address=${address}`];
  const first = await runWords(runNsqTail, [...tail, '-n=2', '--print-topic']);
  const second = await runWords(runNsqTail, [...tail, '-n=1', '--json']);

  assert.equal(published.code, 0);
  assert.match(published.stderr, /published 3 messages to lines\n$/);
  assert.deepEqual([first.code, first.stdout], [0, 'lines | a\nlines | bc\n']);
  const { id, timestamp, ...rest } = JSON.parse(second.stdout);
  assert.deepEqual(rest, { topic: 'lines', attempts: 1, body: 'last' });
  assert.match(`${id} ${timestamp}`, /^[0-9a-f]{16} \d{19}$/);
});

test('nsq_tail leaves what it has not printed to others', async () => {
  await producer.publishMany('left', ['0', '1', '2', '3']);
  const words = ['--topic=left', '--channel=c', `--nsqd-tcp-address=${address}`];

  const outcome = await runWords(runNsqTail, [...words, '-n=3', '--max-in-flight=10']);

  const [{ depth, in_flight_count: inFlight }] = await channelsOf('left');
  assert.deepEqual([outcome.code, outcome.stdout], [0, '0\n1\n2\n']);
  assert.equal(depth + inFlight, 1);
});

test('nsq_stat prints rates and counts as the original, and as JSON', async () => {
  await producer.publishMany('counted', ['0', '1', '2']);
  await broker.ask('/channel/create?topic=counted&channel=c', 'POST');
  const http = `--nsqd-http-address=127.0.0.1:${broker.httpPort}`;
  const words = ['--topic=counted', '--channel=c', http, '--interval=10ms'];

  const text = await runWords(runNsqStat, [...words, '--count=2']);
  const json = await runWords(runNsqStat, [...words, '--count=1', '--json']);
  const missing = await runWords(runNsqStat, ['--topic=counted', '--channel=d', http]);

  const line =
    '      0       0 |       3       3       0     0     0 |       0       0            3       0';
  assert.equal(
    text.stdout,
    `------rate------+----------------depth----------------+--------------metadata---------------
ingress  egress |   total     mem    disk inflt   def |     req     t-o         msgs clients
${line}\n${line}\n`,
  );
  assert.deepEqual(JSON.parse(json.stdout), {
    topic: 'counted',
    channel: 'c',
    ingress: 0,
    egress: 0,
    depth: 3,
    backend_depth: 0,
    in_flight_count: 0,
    deferred_count: 0,
    requeue_count: 0,
    timeout_count: 0,
    message_count: 3,
    client_count: 0,
  });
  assert.equal(missing.code, 1);
  assert.match(
    missing.stderr,
    /ERROR: failed to find channel\(d\) in stats metadata for topic\(counted\)\n$/,
  );
});

for (const [method, flag, place, expected] of [
  ['POST', 'post', '/in?x=1', ['/in?x=1 a/b c', '/in?x=1 a/b d']],
  ['GET', 'get', '/in?m=%s', ['/in?m=a%2Fb+c ', '/in?m=a%2Fb+d ']],
] as const) {
  test(`to-http makes a ${method} request of each message, and again of one that is refused`, async (t) => {
    const topic = `http-${method}`;
    await producer.publishMany(topic, ['a/b c', 'a/b d']);
    const asked: string[] = [];
    const headers = new Set<string>();
    const taken = Promise.withResolvers<void>();
    const server = createServer(async (request, response) => {
      const body = await buffer(request);
      const isRefused = asked.length === 0;
      asked.push(`${request.url} ${body}`);
      const { 'user-agent': agent, 'content-type': type, 'x-own': own } = request.headers;
      headers.add(`${request.method} ${agent} ${type} ${own}`);
      response.writeHead(isRefused ? 500 : 200).end('an answer');
      if (asked.length === 3) taken.resolve();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => void server.close());
    const { port } = server.address() as AddressInfo;

    const running = runWords(runToHttp, [
      `--topic=${topic}`,
      '--header=X-Own: 7',
      '--n=1',
      `--nsqd-tcp-address=${address}`,
      '--consumer-opt=default_requeue_delay,1ms',
      '--consumer-opt=backoff_multiplier,1ms',
      `--${flag}=http://127.0.0.1:${port}${place}`,
    ]);
    await taken.promise;
    process.emit('SIGTERM', 'SIGTERM');
    const outcome = await running;

    assert.equal(outcome.code, 0);
    assert.match(outcome.stderr, /message [0-9a-f]{16} failed - got status code 500/);
    assert.deepEqual([...new Set(asked)].sort(), expected);
    const type = method === 'POST' ? 'application/octet-stream' : 'undefined';
    assert.deepEqual([...headers], [`${method} nsq_to_http v1.3.0 ${type} 7`]);
    const [{ depth, in_flight_count: inFlight }] = await channelsOf(topic);
    assert.equal(depth + inFlight, 0);
  });
}

test('to-http trusts the authorities, and shows the certificate, that its flags name', async (t) => {
  await producer.publish('https', 'sealed');
  const authority = makeCertificate({ commonName: 'authority', isAuthority: true });
  const own = makeCertificate({ commonName: 'server', issuer: authority });
  const { cert, key } = makeCertificate({ commonName: 'client', issuer: authority });
  const files = writeFiles(t, { ca: authority.cert, cert, key, broken: 'no PEM' });
  const taken = Promise.withResolvers<string>();
  const tls = {
    cert: own.cert,
    key: own.key,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
  };
  const server = createSecureServer(tls, async (request, response) => {
    taken.resolve(`${await buffer(request)}`);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const words = [
    '--topic=https',
    `--nsqd-tcp-address=${address}`,
    '--consumer-opt=default_requeue_delay,1ms',
    '--consumer-opt=backoff_multiplier,1ms',
    `--post=https://localhost:${port}/`,
  ];
  const mistakes = await Promise.all(
    [
      [`--http-client-tls-cert=${files.cert}`],
      ['--http-client-tls-root-ca-file=/none'],
      [`--http-client-tls-cert=${files.broken}`, `--http-client-tls-key=${files.key}`],
    ].map(async (flags) => (await runWords(runToHttp, [...words, ...flags])).code),
  );
  const untrusted = Promise.withResolvers<void>();
  const failing = runWords(runToHttp, words, {
    stderr: (text) => {
      if (/failed - .*certificate/.test(text)) untrusted.resolve();
    },
  });
  await untrusted.promise;
  process.emit('SIGTERM', 'SIGTERM');
  await failing;

  const running = runWords(runToHttp, [
    ...words,
    `--http-client-tls-root-ca-file=${files.ca}`,
    `--http-client-tls-cert=${files.cert}`,
    `--http-client-tls-key=${files.key}`,
  ]);
  const body = await taken.promise;
  process.emit('SIGTERM', 'SIGTERM');
  const { code } = await running;

  assert.deepEqual([mistakes, body, code], [[1, 1, 1], 'sealed', 0]);
});

test('a directory as standard input cannot be read, which is an error', async (t) => {
  const directory = openSync(tmpdir(), 'r');
  t.after(() => closeSync(directory));
  const http = `--http-address=127.0.0.1:${broker.httpPort}`;

  const outcomes = await Promise.all(
    [
      ['to-nsq', '--topic=nothing', `--nsqd-tcp-address=${address}`],
      ['publish', 'nothing', http],
      ['publish', 'nothing', '--lines', http],
    ].map(async (words) => {
      const child = spawn(process.execPath, [ENTRY, ...words], {
        stdio: [directory, 'ignore', 'pipe'],
      });
      t.after(() => void child.kill('SIGKILL'));
      assert.ok(child.stderr);
      const [stderr, [code]] = await Promise.all([buffer(child.stderr), once(child, 'exit')]);
      return [code, /failed to read standard input - EISDIR[^\n]*\n$/.test(`${stderr}`)];
    }),
  );

  assert.deepEqual(outcomes, [
    [1, true],
    [1, true],
    [1, true],
  ]);
});

test('nsq-to-nsq publishes what passes its filter to the destination', async () => {
  const bodies = ['{"state":"paid","id":1,"x":2}', '{"state":"open","id":2}', 'no json'];
  await producer.publishMany('from', bodies);
  await broker.ask('/topic/create?topic=to', 'POST');
  await broker.ask('/channel/create?topic=to&channel=c', 'POST');

  const running = runWords(runNsqToNsq, [
    '--topic=from',
    '--destination-topic=to',
    `--nsqd-tcp-address=${address}`,
    `--destination-nsqd-tcp-address=${address}`,
    '--require-json-field=state',
    '--require-json-value=paid',
    '--whitelist-json-field=id',
  ]);
  const tail = ['--topic=to', '--channel=c', `--nsqd-tcp-address=${address}`, '-n=1'];
  const { stdout } = await runWords(runNsqTail, tail);
  while ((await unfinishedOf('from')) > 0);
  process.emit('SIGTERM', 'SIGTERM');
  const outcome = await running;

  assert.equal(stdout, '{"id":1}\n');
  assert.equal(outcome.code, 0);
  assert.match(outcome.stderr, /ERROR: Unable to decode json: no json/);
});

test('nsq-to-nsq leaves a message at its source while the destination is not there', async () => {
  await producer.publish('stuck', 'a');

  const running = runWords(runNsqToNsq, [
    '--topic=stuck',
    `--nsqd-tcp-address=${address}`,
    `--destination-nsqd-tcp-address=${DEAD_ADDRESS}`,
  ]);
  while ((await inFlightOf('stuck')) === 0);
  process.emit('SIGTERM', 'SIGTERM');
  const outcome = await running;

  assert.equal(outcome.code, 0);
  assert.equal(await unfinishedOf('stuck'), 1);
});

for (const [name, run, given] of [
  ['nsq_tail', runNsqTail, ['--topic=t']],
  ['to-http', runToHttp, ['--topic=t', '--post=http://127.0.0.1:1/']],
  ['to-nsq', runToNsq, ['--topic=t']],
] as const) {
  test(`${name} ends with 1 when a broker cannot be reached at the start`, async () => {
    const input = (): Readable => Readable.from([Buffer.from('a\n')]);

    const words = [...given, `--nsqd-tcp-address=${DEAD_ADDRESS}`];
    const outcome = await runWords(run, words, { input });

    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /connecting to 127\.0\.0\.1:1 failed: connect ECONNREFUSED/);
  });
}

test('to-nsq ends with 1 when the broker refuses a record, and says how many it has accepted', async () => {
  const refused = Buffer.alloc(2 * 1024 * 1024, 'x');
  const input = (): Readable => Readable.from([Buffer.from('a\n'), refused]);

  const words = ['--topic=refused', `--nsqd-tcp-address=${address}`];
  const outcome = await runWords(runToNsq, words, { input });

  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /failed to publish - .*E_BAD_MESSAGE/);
  assert.match(outcome.stderr, /published 1 messages to refused/);
});

for (const words of [
  ['tail', '--topic=quiet'],
  ['to-nsq', '--topic=quiet'],
]) {
  test(`${words[0]} ends by SIGTERM with 0`, async (t) => {
    const child = spawn(process.execPath, [ENTRY, ...words, `--nsqd-tcp-address=${address}`], {
      stdio: 'pipe',
    });
    t.after(() => void child.kill('SIGKILL'));
    if (words[0] === 'to-nsq') child.stdin.write('a\nhalf a record');
    // What it has published, or the subscription of tail.
    while ((await channelsOrTopic('quiet', words[0])) === 0);

    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');

    assert.equal(code, 0);
  });
}

test('nsq_tail ends as by SIGPIPE when nobody reads its output, and keeps the message', async (t) => {
  await producer.publish('unread', 'a');
  const words = ['nsq_tail', '--topic=unread', '--channel=c', `--nsqd-tcp-address=${address}`];
  const child = spawn(process.execPath, [ENTRY, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => void child.kill('SIGKILL'));
  child.stdout.destroy();

  const [code] = await once(child, 'exit');

  assert.equal(code, 141);
  assert.equal(await unfinishedOf('unread'), 1);
});

async function channelsOrTopic(topic: string, tool: string): Promise<number> {
  const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${topic}`));
  const found = stats.topics?.[0];
  return tool === 'tail' ? (found?.channels.length ?? 0) : (found?.message_count ?? 0);
}

/** Messages that wait or are in flight in the topic's only channel. */
async function unfinishedOf(topic: string): Promise<number> {
  const [{ depth, in_flight_count: inFlight, deferred_count: deferred }] = await channelsOf(topic);
  return depth + inFlight + deferred;
}

async function inFlightOf(topic: string): Promise<number> {
  const [channel] = await channelsOf(topic);
  return channel?.in_flight_count ?? 0;
}

type ChannelCounts = {
  readonly depth: number;
  readonly in_flight_count: number;
  readonly deferred_count: number;
};

async function channelsOf(topic: string): Promise<readonly ChannelCounts[]> {
  const stats = JSON.parse(await broker.ask(`/stats?format=json&topic=${topic}`));
  return stats.topics[0].channels;
}

async function runProcess(
  t: TestContext,
  words: readonly string[],
): Promise<{ code: number; stdout: string }> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => void child.kill('SIGKILL'));
  const [stdout, [code]] = await Promise.all([buffer(child.stdout), once(child, 'exit')]);
  return { code, stdout: stdout.toString() };
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'ringmq-tools-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}
