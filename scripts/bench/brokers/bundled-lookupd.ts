/**
 * As much of an nsqlookupd as brokers and consumers need to find each other: brokers register over TCP, consumers ask
 * `/lookup` and brokers `/channels` over HTTP. It has no tombstones and no timeouts: a broker is there as long as its
 * connection.
 */

import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { CleanUp } from '../clean-up.ts';
import type { Address } from '../wire/address.ts';
import { Registration } from './registration.ts';
import { Registry } from './registry.ts';

const HOST = '127.0.0.1';
const VERSION = '1.3.0';

export class BundledLookupd {
  readonly #registry = new Registry();
  readonly #sockets = new Set<net.Socket>();
  readonly #tcp = net.createServer((socket) => this.#serve(socket));
  readonly #http = http.createServer((request, response) => this.#answer(request, response));

  #forget: () => void = () => undefined;

  /** Listens on ports of its own on this machine, until it is closed. */
  static async start(cleanUp: CleanUp): Promise<BundledLookupd> {
    const lookupd = new BundledLookupd();
    lookupd.#tcp.listen(0, HOST);
    lookupd.#http.listen(0, HOST);
    await Promise.all([once(lookupd.#tcp, 'listening'), once(lookupd.#http, 'listening')]);
    lookupd.#forget = cleanUp.add(() => lookupd.close());
    return lookupd;
  }

  /** Where brokers register. */
  get address(): Address {
    return addressOf(this.#tcp);
  }

  /** Where consumers ask. */
  get httpAddress(): Address {
    return addressOf(this.#http);
  }

  close(): void {
    this.#forget();
    for (const socket of this.#sockets) socket.destroy();
    this.#tcp.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  #serve(socket: net.Socket): void {
    const self = {
      broadcast_address: HOST,
      hostname: HOST,
      http_port: this.httpAddress.port,
      tcp_port: this.address.port,
      version: VERSION,
    };
    const remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    const registration = new Registration(this.#registry, remoteAddress, self);
    this.#sockets.add(socket);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const reply of registration.take(chunk)) socket.write(reply);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    // whoever was registered over it sees that by itself
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      registration.end();
    });
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://lookupd');
    const topic = searchParams.get('topic') ?? '';
    const channels = this.#registry.channelsOf(topic);
    const producers = this.#registry.producersOf(topic);
    if (pathname === '/channels') end(response, 200, { channels });
    else if (pathname !== '/lookup') end(response, 404, { message: 'NOT_FOUND' });
    else if (producers.length === 0) end(response, 404, { message: 'TOPIC_NOT_FOUND' });
    else end(response, 200, { channels, producers });
  }
}

function end(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

function addressOf(server: net.Server | http.Server): Address {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return { host: HOST, port: address.port };
}
