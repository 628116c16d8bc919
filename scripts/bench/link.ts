/**
 * A load generator's connection, plain or through the layers that it asks for.
 */

import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { deflateCodec, snappyCodec } from '../../src/main/compression/codecs.ts';
import { ClientTransport } from '../../src/main/tcp/client-transport.ts';

const MAGIC = '  V2';
const DEFLATE_LEVEL = 6;

/** What stands between the generator and the wire. */
export type Layers = { tls?: boolean; compression?: 'snappy' | 'deflate' };

/** What the loads use of a connection; a socket is one. */
export interface Link extends EventEmitter {
  write(bytes: Buffer | string): unknown;
  cork(): void;
  uncork(): void;
  destroy(): unknown;
}

/** Connects, sends the magic, and puts the layers on. */
export async function connect(port: number, layers: Layers = {}): Promise<Link> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.write(MAGIC);
  if (layers.tls !== true && layers.compression === undefined) return socket;
  const { compression } = layers;
  const body = JSON.stringify({
    feature_negotiation: true,
    tls_v1: layers.tls === true,
    snappy: compression === 'snappy',
    deflate: compression === 'deflate',
  });
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  socket.write(Buffer.concat([Buffer.from('IDENTIFY\n'), size, Buffer.from(body)]));
  await takeFrame(socket);
  const secured = layers.tls === true ? await secure(socket) : socket;
  const transport = new ClientTransport(secured);
  const link = new LayeredLink(transport);
  secured.resume();
  if (compression !== undefined) {
    transport.compress(compression === 'snappy' ? snappyCodec() : deflateCodec(DEFLATE_LEVEL));
    await once(link, 'data');
  }
  return link;
}

/** Reads one frame; what comes behind it in the same chunk is left to be read by a layer. */
async function takeFrame(socket: net.Socket): Promise<void> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE(0)) {
    const [chunk] = await once(socket, 'data');
    bytes = Buffer.concat([bytes, chunk]);
  }
  socket.pause();
  const rest = bytes.subarray(4 + bytes.readUInt32BE(0));
  if (rest.length > 0) socket.unshift(rest);
}

async function secure(socket: net.Socket): Promise<net.Socket> {
  const secured = tls.connect({ socket, rejectUnauthorized: false });
  await takeFrame(secured);
  return secured;
}

/** A transport in the place of a socket. */
class LayeredLink extends EventEmitter implements Link {
  readonly #transport: ClientTransport;
  #pending: Buffer[] = [];
  #isCorked = false;

  constructor(transport: ClientTransport) {
    super();
    this.#transport = transport;
    transport.listen({
      onData: (bytes) => this.emit('data', bytes),
      onEnd: () => this.emit('end'),
      onError: (error) => this.emit('error', error),
      onClose: () => this.emit('close'),
    });
  }

  write(bytes: Buffer | string): void {
    this.#pending.push(Buffer.from(bytes));
    if (!this.#isCorked) this.#flush();
  }

  cork(): void {
    this.#isCorked = true;
  }

  uncork(): void {
    this.#isCorked = false;
    this.#flush();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    this.#transport.write(pending, () => undefined);
  }
}
