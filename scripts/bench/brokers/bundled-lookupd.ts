/**
 * The nsqlookupd of brokers that are driven together: a small one, which stores what brokers register over TCP and
 * answers over HTTP; and the queries to it or to another nsqlookupd.
 */

import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import type { CleanUp } from '../clean-up.ts';
import { ask } from '../server-queries.ts';

/** A broker in the answers to consumers. The names are those of nsqlookupd's answers. */
export type Producer = {
  readonly remote_address: string;
  readonly hostname: string;
  readonly broadcast_address: string;
  readonly tcp_port: number;
  readonly http_port: number;
  readonly version: string;
};

/** A broker's topics, each with its channels. */
type Holdings = Map<string, Set<string>>;

export class Registry {
  readonly #brokers = new Map<Producer, Holdings>();

  /** Adds a broker, which has no topics yet. */
  add(producer: Producer): void {
    this.#brokers.set(producer, new Map());
  }

  /** Removes a broker with everything that it registered. */
  remove(producer: Producer): void {
    this.#brokers.delete(producer);
  }

  /** `channel`: null for the topic itself. */
  register(producer: Producer, topic: string, channel: string | null): void {
    const holdings = this.#brokers.get(producer);
    if (holdings === undefined) return;
    const channels = holdings.get(topic) ?? new Set();
    if (channel !== null) channels.add(channel);
    holdings.set(topic, channels);
  }

  /** The reverse of `register`; a topic is removed with its channels. */
  unregister(producer: Producer, topic: string, channel: string | null): void {
    const holdings = this.#brokers.get(producer);
    if (channel === null) holdings?.delete(topic);
    else holdings?.get(topic)?.delete(channel);
  }

  producersOf(topic: string): Producer[] {
    return [...this.#brokers].filter(([, held]) => held.has(topic)).map(([producer]) => producer);
  }

  /** The channels of a topic on all brokers. */
  channelsOf(topic: string): string[] {
    const channels = [...this.#brokers.values()].flatMap((held) => [...(held.get(topic) ?? [])]);
    return [...new Set(channels)].sort();
  }
}

const MAGIC = '  V1';
const SIZE_BYTES = 4;
const LINE_END = 0x0a;
/** A line that is longer is not a broker's command. */
const COMMAND_BYTES_MAX = 1 << 20;

/** A command with its words, and its size in bytes. */
type Command = { readonly words: readonly string[]; readonly body: Buffer; readonly bytes: number };

export class Registration {
  readonly #registry: Registry;
  readonly #remoteAddress: string;
  /** The answer to IDENTIFY. */
  readonly #self: Readonly<Record<string, unknown>>;
  #held: Buffer = Buffer.alloc(0);
  #hasMagic = false;
  #producer: Producer | undefined;

  constructor(registry: Registry, remoteAddress: string, self: Readonly<Record<string, unknown>>) {
    this.#registry = registry;
    this.#remoteAddress = remoteAddress;
    this.#self = self;
  }

  /** Takes received bytes and returns the replies. Errors: throws on input that no broker sends. */
  take(chunk: Buffer): Buffer[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    if (!this.#hasMagic && !this.#takeMagic()) return [];
    const replies: Buffer[] = [];
    for (let command = this.#next(); command !== undefined; command = this.#next()) {
      this.#held = this.#held.subarray(command.bytes);
      replies.push(framed(this.#carryOut(command)));
    }
    if (this.#held.length > COMMAND_BYTES_MAX) throw new Error('a command without an end');
    return replies;
  }

  /** The connection is closed, so the broker is removed. */
  end(): void {
    if (this.#producer !== undefined) this.#registry.remove(this.#producer);
  }

  #takeMagic(): boolean {
    if (this.#held.length < MAGIC.length) return false;
    const magic = this.#held.toString('latin1', 0, MAGIC.length);
    if (magic !== MAGIC) throw new Error(`the protocol "${magic}" is not spoken here`);
    this.#held = this.#held.subarray(MAGIC.length);
    this.#hasMagic = true;
    return true;
  }

  /** The next command, if it has arrived completely. */
  #next(): Command | undefined {
    const lineEnd = this.#held.indexOf(LINE_END);
    if (lineEnd === -1) return undefined;
    const words = this.#held.toString('latin1', 0, lineEnd).trim().split(' ');
    const bodyAt = lineEnd + 1;
    if (words[0] !== 'IDENTIFY') return { words, body: Buffer.alloc(0), bytes: bodyAt };
    if (this.#held.length < bodyAt + SIZE_BYTES) return undefined;
    const bytes = bodyAt + SIZE_BYTES + this.#held.readUInt32BE(bodyAt);
    if (bytes > COMMAND_BYTES_MAX) throw new Error('an IDENTIFY of more than a MiB');
    if (this.#held.length < bytes) return undefined;
    return { words, body: this.#held.subarray(bodyAt + SIZE_BYTES, bytes), bytes };
  }

  #carryOut({ words, body }: Command): string {
    const [name, topic] = words;
    const channel = words[2] ?? null;
    if (name === 'PING') return 'OK';
    if (name === 'IDENTIFY') return this.#identify(body);
    if (name !== 'REGISTER' && name !== 'UNREGISTER') return `E_INVALID invalid command ${name}`;
    if (this.#producer === undefined) return 'E_INVALID client must IDENTIFY';
    if (words.length < 2) return `E_INVALID ${name} insufficient number of params`;
    if (name === 'REGISTER') this.#registry.register(this.#producer, topic, channel);
    else this.#registry.unregister(this.#producer, topic, channel);
    return 'OK';
  }

  #identify(body: Buffer): string {
    if (this.#producer !== undefined) return 'E_INVALID cannot IDENTIFY again';
    // the broker's description of itself; consumers check the fields that they use
    const fields = JSON.parse(body.toString()) as Partial<Record<string, unknown>>;
    this.#producer = {
      remote_address: this.#remoteAddress,
      hostname: String(fields['hostname']),
      broadcast_address: String(fields['broadcast_address']),
      tcp_port: Number(fields['tcp_port']),
      http_port: Number(fields['http_port']),
      version: String(fields['version']),
    };
    this.#registry.add(this.#producer);
    return JSON.stringify(this.#self);
  }
}

function framed(text: string): Buffer {
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeInt32BE(Buffer.byteLength(text));
  return Buffer.concat([size, Buffer.from(text)]);
}

const HOST = '127.0.0.1';
const VERSION = '1.3.0';

export class BundledLookupd {
  readonly #registry = new Registry();
  readonly #sockets = new Set<net.Socket>();
  readonly #tcp = net.createServer((socket) => this.#serve(socket));
  readonly #http = http.createServer((request, response) => this.#answer(request, response));

  #forget: () => void = () => undefined;

  /** Listens on its own ports on this machine until it is closed. */
  static async start(cleanUp: CleanUp): Promise<BundledLookupd> {
    const lookupd = new BundledLookupd();
    lookupd.#tcp.listen(0, HOST);
    lookupd.#http.listen(0, HOST);
    await Promise.all([once(lookupd.#tcp, 'listening'), once(lookupd.#http, 'listening')]);
    lookupd.#forget = cleanUp.add(() => lookupd.close());
    return lookupd;
  }

  /** The address at which brokers register. */
  get address(): HostPort {
    return addressOf(this.#tcp);
  }

  /** The address for consumers. */
  get httpAddress(): HostPort {
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
    // a broker that is registered over the connection notices that by itself
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

function addressOf(server: net.Server | http.Server): HostPort {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return { host: HOST, port: address.port };
}

/** Brokers report a new topic at once; this time is for a busy machine. */
const FOUND_MS_MAX = 30_000;
const LOOK_MS = 20;

/**
 * Asks until the nsqlookupd knows all the brokers of a topic. Resolves with their addresses in its answer.
 * Errors: rejects if that takes too long, or if it cannot be reached.
 */
export async function findBrokers(
  lookupd: HostPort,
  topic: string,
  count: number,
): Promise<HostPort[]> {
  const deadlineMs = performance.now() + FOUND_MS_MAX;
  for (;;) {
    const found = await lookUp(lookupd, topic);
    if (found.length === count) return found;
    if (found.length > count || performance.now() > deadlineMs) {
      throw new Error(
        `the nsqlookupd at ${joinHostPort(lookupd.host, lookupd.port)} knows ${found.length} brokers of topic "${topic}" instead of ${count}`,
      );
    }
    await delay(LOOK_MS);
  }
}

/** Makes an nsqlookupd forget a topic whose brokers are gone. */
export async function deleteFromLookupd(lookupd: HostPort, topic: string): Promise<void> {
  await ask(lookupd, 'POST', `/topic/delete?topic=${topic}`);
}

async function lookUp(lookupd: HostPort, topic: string): Promise<HostPort[]> {
  let text: string;
  try {
    text = await ask(lookupd, 'GET', `/lookup?topic=${topic}`);
  } catch (error) {
    // no consumer knows the topic yet
    if (error instanceof Error && error.message.includes('TOPIC_NOT_FOUND')) return [];
    throw error;
  }
  // the format that nsqlookupd documents
  const { producers = [] } = JSON.parse(text) as {
    producers?: { broadcast_address: string; tcp_port: number }[];
  };
  return producers.map(({ broadcast_address, tcp_port }) => ({
    host: broadcast_address,
    port: tcp_port,
  }));
}
