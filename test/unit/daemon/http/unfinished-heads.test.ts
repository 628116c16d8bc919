import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { makeCertificate, writeFiles } from '../../../../scripts/bench/certificates.ts';
import { ConnectionLimit } from '../../../../src/daemon/connection-limit.ts';
import { closingAnswer } from '../../../../src/daemon/http/answer.ts';
import { HttpServer } from '../../../../src/daemon/http/http-server.ts';
import { UnfinishedHeads } from '../../../../src/daemon/http/unfinished-heads.ts';
import type { ListenAddress } from '../../../../src/daemon/listen-address.ts';
import { Logger } from '../../../../src/daemon/log.ts';
import { TlsContext } from '../../../../src/daemon/tls/tls-context.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

const BYTES_MAX = 100_000;
const START = 'GET / HTTP/1.1\r\nHost: x\r\n';
/** 40 KB of the shortest fields. */
const FIELDS = 'a:\r\n'.repeat(10_000);
const HEAD_BYTES = START.length + FIELDS.length;
const TIMED_OUT =
  /^HTTP\/1\.1 408 Request Timeout\r\n.*Connection: close\r\n\r\n408 Request Timeout$/s;

type Kind = 'HTTP' | 'HTTPS' | 'unix';

/** A server, its count of unfinished heads, and how to connect to it. */
class Site {
  readonly log: string[] = [];
  readonly heads: UnfinishedHeads;
  readonly #t: TestContext;
  readonly #server: HttpServer;
  readonly #kind: Kind;
  #address: ListenAddress = { host: '127.0.0.1', port: 0 };

  private constructor(t: TestContext, kind: Kind, tls: TlsContext | null) {
    const write = (line: string): void => void this.log.push(line);
    const clock = new ManualClock();
    const sink = { write, writeSync: write };
    const logger = new Logger({ prefix: '', level: 'info', sink, clock });
    this.#t = t;
    this.#kind = kind;
    this.heads = new UnfinishedHeads(clock, logger, BYTES_MAX);
    this.#server = new HttpServer({
      handle: ({ request, response }) => {
        request.resume();
        request.once('end', () => response.end('done'));
      },
      refuseConnect: () => closingAnswer(405),
      clock,
      limit: new ConnectionLimit(100, clock, logger),
      heads: this.heads,
      guard: strictGuard(),
      tls,
    });
  }

  static async start(t: TestContext, kind: Kind = 'HTTP'): Promise<Site> {
    const site = new Site(t, kind, kind === 'HTTPS' ? await tlsContext(t) : null);
    if (kind === 'unix') site.#address = { path: join(directory(t), 'http.sock') };
    const { port } = await site.#server.start(site.#address);
    if (kind !== 'unix') site.#address = { host: '127.0.0.1', port };
    t.after(() => site.#server.stop());
    return site;
  }

  /** Connects. `from`: the client's address. */
  async connect(from = '127.0.0.1'): Promise<Client> {
    const { socket, event } = this.#open(from);
    this.#t.after(() => socket.destroy());
    const client = new Client(socket);
    await once(socket, event);
    return client;
  }

  #open(from: string): { readonly socket: Socket; readonly event: string } {
    const address = this.#address;
    if ('path' in address) return { socket: connect(address.path), event: 'connect' };
    if (this.#kind === 'HTTP') {
      return { socket: connect({ ...address, localAddress: from }), event: 'connect' };
    }
    const socket = connectSecurely({ ...address, rejectUnauthorized: false });
    return { socket, event: 'secureConnect' };
  }

  /** Resolves when as many bytes of heads are held. */
  async holds(bytes: number): Promise<void> {
    while (this.heads.totalBytes !== bytes) await nextTurn();
  }
}

/** What a client has received. */
class Client {
  received = '';
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text;
    });
    // A reset shows as the end of what is received.
    socket.on('error', () => undefined);
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  async ended(): Promise<string> {
    if (!this.#socket.closed) await once(this.#socket, 'close');
    return this.received;
  }

  /** Resolves when so many answers have arrived. */
  async answers(count: number): Promise<void> {
    while (this.received.split('done').length <= count) await nextTurn();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function tlsContext(t: TestContext): Promise<TlsContext> {
  const { cert, key } = makeCertificate({ commonName: 'broker' });
  const files = writeFiles(t, { cert, key });
  return TlsContext.load({
    tlsCert: files.cert,
    tlsKey: files.key,
    tlsRootCaFile: '',
    tlsClientAuthPolicy: '',
    tlsMinVersion: 'tls1.2',
  });
}

for (const kind of ['HTTP', 'HTTPS', 'unix'] as const) {
  test(`UnfinishedHeads: over ${kind} the oldest head is given up`, async (t) => {
    const site = await Site.start(t, kind);
    const clients = [await site.connect(), await site.connect(), await site.connect()];

    for (const [index, client] of clients.entries()) {
      client.write(START + FIELDS);
      await site.holds(Math.min(index + 1, 2) * HEAD_BYTES);
    }
    const refused = await clients[0].ended();
    for (const client of clients.slice(1)) client.write('\r\n');
    await clients[1].answers(1);
    await clients[2].answers(1);

    assert.match(refused, TIMED_OUT);
    assert.equal(site.heads.totalBytes, 0);
    assert.match(
      site.log.join('\n'),
      /^\S+ \S+ WARNING: disconnected HTTP client \S+: its header is incomplete, and those of all clients take 1\d{5} bytes\n$/,
    );
  });
}

test('UnfinishedHeads: the address that holds most gives up a head', async (t) => {
  const site = await Site.start(t);
  const small = await site.connect('127.0.0.2');
  small.write(START);
  await site.holds(START.length);
  const large = [await site.connect(), await site.connect(), await site.connect()];

  for (const [index, client] of large.entries()) {
    client.write(START + FIELDS);
    await site.holds(START.length + Math.min(index + 1, 2) * HEAD_BYTES);
  }
  small.write('\r\n');
  await small.answers(1);

  assert.match(await large[0].ended(), TIMED_OUT);
});

test('UnfinishedHeads: a connection between two requests holds nothing', async (t) => {
  const site = await Site.start(t);
  const client = await site.connect();

  client.write(START);
  await site.holds(START.length);
  client.write('\r\n');
  await client.answers(1);
  const afterFirst = site.heads.totalBytes;
  client.write(`${START}\r\n\r\n`);
  await client.answers(2);

  assert.deepEqual([afterFirst, site.heads.totalBytes], [0, 0]);
});

test('UnfinishedHeads: a head that begins behind a request counts', async (t) => {
  const site = await Site.start(t);
  const client = await site.connect();

  client.write(`${START}\r\nG`);
  await client.answers(1);

  assert.equal(site.heads.totalBytes, START.length + 3);
});

test('UnfinishedHeads: a body does not count', async (t) => {
  const site = await Site.start(t);
  const client = await site.connect();
  const post = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n`;

  client.write(post);
  await site.holds(post.length);
  client.write('\r\n');
  await site.holds(0);
  client.write('x'.repeat(200_000));
  await client.answers(1);

  assert.deepEqual([site.heads.totalBytes, site.log], [0, []]);
});

test('UnfinishedHeads: trailers count', async (t) => {
  const site = await Site.start(t);
  const clients = [await site.connect(), await site.connect(), await site.connect()];
  const body = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n';

  for (const [index, client] of clients.entries()) {
    client.write(body + FIELDS);
    while (site.heads.totalBytes < Math.min(index + 1, 2) * FIELDS.length) await nextTurn();
  }
  const refused = await clients[0].ended();
  clients[2].write('\r\n');
  await clients[2].answers(1);

  assert.equal(refused, '');
});

test('UnfinishedHeads: a client that disconnects holds nothing', async (t) => {
  const site = await Site.start(t);
  const client = await site.connect();
  client.write(START + FIELDS);
  await site.holds(HEAD_BYTES);

  client.destroy();

  await site.holds(0);
});
