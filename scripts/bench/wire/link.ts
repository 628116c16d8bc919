/**
 * A load generator's connections: plain, over a stream such as TLS, or compressed; and how they are opened.
 */

import { once } from 'node:events';
import type { Socket } from 'node:net';
import net from 'node:net';
import tls from 'node:tls';
import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import { identify, MAGIC } from '../../../src/protocol/commands.ts';
import type { CompressionCodec } from '../../../src/protocol/compression/codec.ts';
import { deflateCodec, snappyCodec } from '../../../src/protocol/compression/codecs.ts';
import { FrameReader } from './frame-reader.ts';

/** The listener of a link. */
export interface LinkListener {
  /** The first `end` bytes of a chunk, which may be overwritten after the call. */
  onBytes(chunk: Buffer, end: number): void;
  /** The link has closed, and this side has not closed it. */
  onGone(error: Error): void;
}

export interface Link {
  /** Replaces the listener. */
  listen(listener: LinkListener): void;
  /** Sends bytes. Returns whether they may be overwritten at once; otherwise they must never be. */
  send(bytes: Buffer): boolean;
  /** Ends the connection cleanly, after everything sent before. */
  close(): void;
}

/** The layers between the generator and the network. */
export type Layers = {
  readonly tls: boolean;
  readonly compression: 'none' | 'snappy' | 'deflate';
};

/** The initial listener. */
const NOBODY: LinkListener = { onBytes: () => undefined, onGone: () => undefined };

/**
 * All links of a process read into the same memory: the data of a read is used before the next one begins, and the
 * buffers of thousands of links would take more memory than the measured server.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(1 << 18);

export class PlainLink implements Link {
  readonly #socket: net.Socket;
  #listener: LinkListener = NOBODY;
  #isClosed = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Resolves when connected. Nothing is sent yet. Errors: rejects with the address and the reason. */
  static connect(address: HostPort): Promise<PlainLink> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({
        ...address,
        noDelay: true,
        onread: {
          buffer: READ_BUFFER,
          callback: (end) => {
            link.#listener.onBytes(READ_BUFFER, end);
            return true;
          },
        },
      });
      const link = new PlainLink(socket);
      const place = joinHostPort(address.host, address.port);
      let isConnected = false;
      socket.once('connect', () => {
        isConnected = true;
        resolve(link);
      });
      socket.on('error', (cause) => {
        if (isConnected) link.#onGone(new Error(`${place}: ${cause.message}`, { cause }));
        else reject(new Error(`connect to ${place}: ${cause.message}`, { cause }));
      });
      socket.on('close', () => link.#onGone(new Error(`${place} closed a connection`)));
    });
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  send(bytes: Buffer): boolean {
    this.#socket.write(bytes);
    // nothing waits: the system has taken it all
    return this.#socket.writableLength === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#listener = NOBODY;
    this.#socket.destroySoon();
  }

  #onGone(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.onGone(error);
  }
}

class StreamLink implements Link {
  readonly #socket: Socket;
  #listener: LinkListener = NOBODY;
  #isClosed = false;

  /** `place`: the name of the server in errors. */
  constructor(socket: Socket, place: string) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#listener.onBytes(chunk, chunk.length));
    socket.on('error', (cause) => this.#onGone(new Error(`${place}: ${cause.message}`, { cause })));
    socket.on('close', () => this.#onGone(new Error(`${place} closed a connection`)));
    // paused since its first frame was read
    socket.resume();
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  /** Bytes may still wait to be encrypted. */
  send(bytes: Buffer): boolean {
    this.#socket.write(bytes);
    return false;
  }

  close(): void {
    this.#isClosed = true;
    this.#listener = NOBODY;
    this.#socket.destroySoon();
  }

  #onGone(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.onGone(error);
  }
}

class CompressedLink implements Link {
  readonly #below: Link;
  readonly #codec: CompressionCodec;
  #listener: LinkListener = NOBODY;
  /** Output that waits for the encoder. */
  #waiting: Buffer[] = [];
  #isEncoding = false;
  /** Input that waits for the decoder, which takes one chunk at a time. */
  readonly #input: Buffer[] = [];
  #isDecoding = false;

  constructor(below: Link, codec: CompressionCodec) {
    this.#below = below;
    this.#codec = codec;
    codec.decoder.listen({
      onData: (bytes) => this.#listener.onBytes(bytes, bytes.length),
      onUsed: () => {
        this.#isDecoding = false;
        this.#decode();
      },
      onEnd: () => undefined,
      onError: (error) => this.#listener.onGone(error),
    });
    below.listen({
      onBytes: (chunk, end) => {
        this.#input.push(Buffer.from(chunk.subarray(0, end)));
        this.#decode();
      },
      onGone: (error) => this.#listener.onGone(error),
    });
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  send(bytes: Buffer): boolean {
    this.#waiting.push(bytes);
    this.#encode();
    return false;
  }

  close(): void {
    this.#listener = NOBODY;
    this.#codec.encoder.close();
    this.#codec.decoder.close();
    this.#below.close();
  }

  #encode(): void {
    if (this.#isEncoding || this.#waiting.length === 0) return;
    this.#isEncoding = true;
    const buffers = this.#waiting;
    this.#waiting = [];
    this.#codec.encoder.encode(buffers, (encoded) => {
      this.#isEncoding = false;
      for (const bytes of encoded) this.#below.send(bytes);
      this.#encode();
    });
  }

  #decode(): void {
    if (this.#isDecoding) return;
    const chunk = this.#input.shift();
    if (chunk === undefined) return;
    this.#isDecoding = true;
    this.#codec.decoder.decode(chunk);
  }
}

const DEFLATE_LEVEL = 6;
/** Sockets that connect at the same time: more would overflow a server's accept queue. */
const CONNECTING_MAX = 100;
const FRAME_HEAD_BYTES = 8;

export const PLAIN: Layers = { tls: false, compression: 'none' };

/**
 * A link on which commands can be sent.
 * Errors: rejects if the server cannot be reached or does not support a layer.
 */
export async function connect(address: HostPort, layers: Layers = PLAIN): Promise<Link> {
  if (!layers.tls && layers.compression === 'none') {
    const link = await PlainLink.connect(address);
    link.send(MAGIC);
    return link;
  }
  return await connectLayered(address, layers);
}

/** Opens links, a few at a time. `onConnected` is called for each. */
export async function connectMany(
  count: number,
  address: HostPort,
  layers: Layers = PLAIN,
  onConnected: (link: Link) => void = () => undefined,
): Promise<Link[]> {
  const links: Link[] = [];
  while (links.length < count) {
    const wave = Math.min(CONNECTING_MAX, count - links.length);
    const connected = Array.from({ length: wave }, () => connect(address, layers));
    for (const link of await Promise.all(connected)) {
      links.push(link);
      onConnected(link);
    }
  }
  return links;
}

/** The server's description of itself in its answer to IDENTIFY. */
export async function introduce(address: HostPort): Promise<Readonly<Record<string, unknown>>> {
  const socket = await openSocket(address);
  try {
    return await negotiate(
      socket,
      { feature_negotiation: true },
      joinHostPort(address.host, address.port),
    );
  } finally {
    socket.destroy();
  }
}

async function connectLayered(address: HostPort, layers: Layers): Promise<Link> {
  const place = joinHostPort(address.host, address.port);
  const { compression } = layers;
  const fields = {
    feature_negotiation: true,
    tls_v1: layers.tls,
    snappy: compression === 'snappy',
    deflate: compression === 'deflate',
    deflate_level: DEFLATE_LEVEL,
  };
  const socket = await openSocket(address);
  const answer = await negotiate(socket, fields, place);
  for (const name of ['tls_v1', 'snappy', 'deflate'] as const) {
    if (fields[name] && answer[name] !== true) {
      throw new Error(`${place} does not offer ${name}`);
    }
  }
  const link = new StreamLink(layers.tls ? await secure(socket) : socket, place);
  if (compression === 'none') return link;
  const codec = compression === 'snappy' ? snappyCodec() : deflateCodec(DEFLATE_LEVEL);
  const compressed = new CompressedLink(link, codec);
  await receiveOk(compressed);
  return compressed;
}

async function openSocket(address: HostPort): Promise<net.Socket> {
  const socket = net.connect({ ...address, noDelay: true });
  try {
    await once(socket, 'connect');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`connect to ${joinHostPort(address.host, address.port)}: ${why}`, { cause });
  }
  return socket;
}

async function negotiate(
  socket: net.Socket,
  fields: Readonly<Record<string, unknown>>,
  place: string,
): Promise<Readonly<Record<string, unknown>>> {
  socket.write(Buffer.concat([MAGIC, identify(fields)]));
  const text = (await takeFrame(socket, place)).toString();
  if (!text.startsWith('{')) throw new Error(`${place} answers "${text}" to an IDENTIFY`);
  // the server's description of itself, whose fields are checked one by one
  return JSON.parse(text) as Record<string, unknown>;
}

async function secure(socket: net.Socket): Promise<net.Socket> {
  const secured = tls.connect({ socket, rejectUnauthorized: false });
  await takeFrame(secured, 'TLS');
  return secured;
}

/** Reads one frame's data; the rest of the chunk is left for a layer. */
async function takeFrame(socket: net.Socket, place: string): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  const closed = new AbortController();
  const onClose = (): void => closed.abort(new Error(`${place} closed a connection`));
  socket.once('close', onClose);
  try {
    while (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE(0)) {
      const [chunk] = await once(socket, 'data', { signal: closed.signal });
      bytes = Buffer.concat([bytes, chunk]);
    }
  } catch (error) {
    throw closed.signal.aborted ? closed.signal.reason : error;
  } finally {
    socket.off('close', onClose);
  }
  socket.pause();
  const end = 4 + bytes.readUInt32BE(0);
  const rest = bytes.subarray(end);
  if (rest.length > 0) socket.unshift(rest);
  return bytes.subarray(FRAME_HEAD_BYTES, end);
}

function receiveOk(link: Link): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader({
      onOk: () => resolve(),
      onMessage: () => reject(new Error('a message came before anything was subscribed to')),
      onHeartbeat: () => undefined,
      onError: (text) => reject(new Error(`the server says ${text}`)),
    });
    link.listen({ onBytes: (chunk, end) => reader.take(chunk, end), onGone: reject });
  });
}
