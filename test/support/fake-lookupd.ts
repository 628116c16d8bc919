/** An nsqlookupd that records its commands and requests, and answers what a test wants. */

import { once } from 'node:events';
import { createServer as createWebServer, type Server as WebServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { joinHostPort } from '../../src/daemon/host-port.ts';
import { Journal } from './journal.ts';

const MAGIC_BYTES = 4;
const SIZE_BYTES = 4;
const LINE_END = 10;

/** A reply as it is on the wire. */
export function framed(text: string): Buffer {
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeInt32BE(Buffer.byteLength(text));
  return Buffer.concat([size, Buffer.from(text)]);
}

export class FakeLookupd {
  /** `connected`, `magic …`, `IDENTIFY …`, other commands unchanged, `closed`, `GET …`. */
  readonly journal = new Journal();
  /** The answer to a command, undefined for none; a test may replace it. */
  reply: (command: string) => Buffer | undefined = (command) => this.goodReply(command);
  /** Channels by topic. */
  channels: Record<string, unknown> = {};
  /** The answers over HTTP, except those about channels. Undefined status: never answers. */
  web: { status: number | undefined; body: string } | undefined;
  /** Replaces the answer to IDENTIFY. */
  identity: Record<string, unknown> = {};
  readonly #host: string;
  readonly #tcp: Server;
  readonly #http: WebServer;
  readonly #sockets = new Set<Socket>();

  static async start(t: TestContext, host = '127.0.0.1'): Promise<FakeLookupd> {
    const fake = new FakeLookupd(host);
    await fake.#listen();
    t.after(() => fake.stop());
    return fake;
  }

  private constructor(host: string) {
    this.#host = host;
    this.#tcp = createServer((socket) => this.#serve(socket));
    this.#http = createWebServer((request, response) => {
      this.journal.add(`GET ${request.url}`);
      const topic = new URL(request.url ?? '', 'http://x').searchParams.get('topic') ?? '';
      if (this.web === undefined) {
        response.end(JSON.stringify({ channels: this.channels[topic] ?? [] }));
      } else if (this.web.status !== undefined) {
        response.writeHead(this.web.status).end(this.web.body);
      }
    });
  }

  get address(): string {
    return joinHostPort(this.#host, portOf(this.#tcp));
  }

  get httpPort(): number {
    return portOf(this.#http);
  }

  goodReply(command: string): Buffer {
    if (!command.startsWith('IDENTIFY')) return framed('OK');
    return framed(
      JSON.stringify({
        broadcast_address: this.#host,
        hostname: 'fake',
        http_port: this.httpPort,
        tcp_port: portOf(this.#tcp),
        version: '1.3.0',
        ...this.identity,
      }),
    );
  }

  /** Sends bytes that answer no command. */
  say(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): void {
    this.hangUp();
    this.#tcp.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async #listen(): Promise<void> {
    this.#tcp.listen(0, this.#host);
    this.#http.listen(0, this.#host);
    await Promise.all([once(this.#tcp, 'listening'), once(this.#http, 'listening')]);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    this.journal.add('connected');
    // A reset is the end of a connection like any other.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.journal.add('closed');
    });
    let received = Buffer.alloc(0);
    let hasMagic = false;
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (!hasMagic && received.length >= MAGIC_BYTES) {
        this.journal.add(`magic ${JSON.stringify(received.toString('latin1', 0, MAGIC_BYTES))}`);
        received = received.subarray(MAGIC_BYTES);
        hasMagic = true;
      }
      while (hasMagic) {
        const end = commandEnd(received);
        if (end === undefined) return;
        const command = commandText(received.subarray(0, end));
        received = received.subarray(end);
        const reply = this.reply(command);
        this.journal.add(command);
        if (reply !== undefined) socket.write(reply);
      }
    });
  }
}

/** A port on which nothing listens. */
export async function deadPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

function portOf(server: Server | WebServer): number {
  const address = server.address() as AddressInfo;
  return address.port;
}

/** The end of the first command; undefined if it is incomplete. */
function commandEnd(bytes: Buffer): number | undefined {
  const lineEnd = bytes.indexOf(LINE_END);
  if (lineEnd === -1) return undefined;
  const bodyStart = lineEnd + 1 + SIZE_BYTES;
  if (bytes.toString('latin1', 0, lineEnd) !== 'IDENTIFY') return lineEnd + 1;
  if (bytes.length < bodyStart) return undefined;
  const end = bodyStart + bytes.readInt32BE(lineEnd + 1);
  return bytes.length < end ? undefined : end;
}

function commandText(bytes: Buffer): string {
  const lineEnd = bytes.indexOf(LINE_END);
  const line = bytes.toString('latin1', 0, lineEnd);
  return line === 'IDENTIFY' ? `${line} ${bytes.toString('utf8', lineEnd + 1 + SIZE_BYTES)}` : line;
}
