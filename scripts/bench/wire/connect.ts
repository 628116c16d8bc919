/**
 * Makes links: connects, says which protocol is spoken, and puts the layers on.
 */

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import { identify, MAGIC } from '../../../src/protocol/commands.ts';
import { deflateCodec, snappyCodec } from '../../../src/protocol/compression/codecs.ts';
import { FrameReader } from './frame-reader.ts';
import { CompressedLink, type Layers, type Link, PlainLink, StreamLink } from './link.ts';

const DEFLATE_LEVEL = 6;
/** Sockets that connect at once: more would overrun a server's queue of them. */
const CONNECTING_MAX = 100;
const FRAME_HEAD_BYTES = 8;

export const PLAIN: Layers = { tls: false, compression: 'none' };

/** A link on which commands can be sent. Errors: rejects when the server cannot be reached or has no such layer. */
export async function connect(address: HostPort, layers: Layers = PLAIN): Promise<Link> {
  if (!layers.tls && layers.compression === 'none') {
    const link = await PlainLink.connect(address);
    link.send(MAGIC);
    return link;
  }
  return await connectLayered(address, layers);
}

/** A number of links, made a few at a time. `onConnected` is called for each. */
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

/** What a server says of itself in its answer to an IDENTIFY. */
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
  // what a server says of itself, under names that are looked at one by one
  return JSON.parse(text) as Record<string, unknown>;
}

async function secure(socket: net.Socket): Promise<net.Socket> {
  const secured = tls.connect({ socket, rejectUnauthorized: false });
  await takeFrame(secured, 'TLS');
  return secured;
}

/** Reads one frame's data; what follows in the same chunk is left for a layer to read. */
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
