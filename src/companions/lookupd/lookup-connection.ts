/**
 * A producer's connection: it says who it is, and what it has.
 *
 * ```
 * magic ──"  V1"──▶ commands ──IDENTIFY──▶ body ──▶ commands
 *    └──────── an error, or the end ──▶ gone, with all that it has registered
 * ```
 *
 * Bound: a client that does not read its answers is not read either. A client must identify itself within
 * IDENTIFY_MS; after that only the age of its last PING tells whether it is alive.
 *
 * Thread: main.
 * Source: nsqlookupd `lookup_protocol_v1.go`.
 */

import type { Socket } from 'node:net';
import { formatDuration, NS_PER_MS } from '../../daemon/go/go-duration.ts';
import { parseGoFields } from '../../daemon/go/go-fields.ts';
import type { Sender } from '../../daemon/guard.ts';
import { socketAddress } from '../../daemon/remote-host.ts';
import type { Timer } from '../../shared/clock.ts';
import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../shared/names.ts';
import { Input, InvalidPart } from './input.ts';
import type { LookupContext } from './lookup-context.ts';
import type { Producer } from './producer.ts';

const MAGIC = '  V1';
const OK = 'OK';
const IDENTIFY_MS = 60_000;
/** Unsent bytes of answers beyond which the client is not read. */
const UNTAKEN_BYTES_MAX = 64 * 1024;
/** Log lines for the registrations of a producer that goes; the rest is counted. */
const REMOVED_LINES_MAX = 100;

const FIELDS = {
  hostname: 'string',
  broadcast_address: 'string',
  tcp_port: 'int',
  http_port: 'int',
  version: 'string',
  topology_zone: 'string',
  topology_region: 'string',
} as const;

/** The names in a command. */
type Names = { readonly topic: TopicName; readonly channel: ChannelName | null };

/** An error as the client receives it. */
class ErrorReply {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class LookupConnection implements Sender {
  readonly #socket: Socket;
  readonly #context: LookupContext;
  readonly #address: string;
  readonly #onGone: () => void;
  readonly #input = new Input();
  readonly #deadline: Timer;
  #state: 'magic' | 'command' | 'body' | 'gone' = 'magic';
  #producer: Producer | null = null;

  /** `onGone`: called once, after the last input. */
  constructor(socket: Socket, context: LookupContext, onGone: () => void) {
    this.#socket = socket;
    this.#context = context;
    this.#address = socketAddress(socket);
    this.#onGone = onGone;
    const { guard, clock, logger } = context;
    socket.on(
      'data',
      guard.around(this, (chunk: Buffer) => this.#onData(chunk)),
    );
    socket.on(
      'drain',
      guard.around(this, () => this.#onDrain()),
    );
    socket.on(
      'end',
      guard.around(this, () => this.#onEnd()),
    );
    socket.on(
      'error',
      guard.around(this, (error: Error) => this.#leave(error.message)),
    );
    socket.on(
      'close',
      guard.around(this, () => this.#leave('EOF')),
    );
    this.#deadline = clock.after(IDENTIFY_MS, () => {
      logger.error(`client(${this}) - it has not identified itself within ${IDENTIFY_MS} ms`);
      this.destroy();
    });
    this.#deadline.unref();
    logger.info(`TCP: new client(${this})`);
  }

  destroy(): void {
    this.#leave('closed');
    this.#socket.destroy();
  }

  toString(): string {
    return this.#address;
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'gone') return;
    this.#input.add(chunk);
    this.#socket.cork();
    this.#work();
    this.#socket.uncork();
    this.#input.settle();
  }

  #onDrain(): void {
    this.#work();
    if (this.#state !== 'gone') this.#socket.resume();
  }

  /** Carries out complete commands until the client has to read its answers. */
  #work(): void {
    while (this.#state !== 'gone') {
      if (this.#socket.writableLength > UNTAKEN_BYTES_MAX) {
        this.#socket.pause();
        return;
      }
      if (!this.#next()) return;
    }
  }

  /** Carries out the next part. Returns whether there was one. */
  #next(): boolean {
    switch (this.#state) {
      case 'magic':
        return this.#onMagic(this.#input.magic());
      case 'command': {
        const line = this.#input.line();
        if (typeof line === 'string') this.#settle(this.#carryOut(line));
        return this.#isTaken(line);
      }
      case 'body': {
        const body = this.#input.body();
        if (body instanceof Buffer) this.#settle(this.#identify(body));
        return this.#isTaken(body);
      }
      case 'gone':
        return false;
    }
  }

  #isTaken(part: string | Buffer | InvalidPart | undefined): boolean {
    if (part instanceof InvalidPart) this.#refuse(`${part.code} ${part.why}`);
    return part !== undefined;
  }

  #onMagic(magic: string | undefined): boolean {
    if (magic === undefined) return false;
    const { logger } = this.#context;
    logger.info(`CLIENT(${this}): desired protocol magic '${magic}'`);
    if (magic === MAGIC) {
      this.#state = 'command';
      return true;
    }
    logger.error(`client(${this}) bad protocol magic '${magic}'`);
    this.#end('E_BAD_PROTOCOL');
    return true;
  }

  /** A client that has closed its side in the middle of a command receives an error. */
  #onEnd(): void {
    if (this.#state === 'body') {
      const missing = this.#input.hasSize ? 'body' : 'body size';
      this.#refuse(`E_BAD_BODY IDENTIFY failed to read ${missing}`);
      return;
    }
    if (this.#state === 'magic') {
      const why = this.#input.isEmpty ? 'EOF' : 'unexpected EOF';
      this.#context.logger.error(`failed to read protocol version - ${why}`);
    }
    this.#leave('EOF');
    this.#socket.end();
  }

  /** The answer to a command; null for one whose body follows. */
  #carryOut(line: string): string | ErrorReply | null {
    const [word, ...params] = line.split(' ');
    switch (word) {
      case 'PING':
        return this.#ping();
      case 'IDENTIFY':
        if (this.#producer !== null) return new ErrorReply('E_INVALID cannot IDENTIFY again');
        this.#state = 'body';
        return null;
      case 'REGISTER':
        return this.#withNames(word, params, (producer, names) => this.#register(producer, names));
      case 'UNREGISTER':
        return this.#withNames(word, params, (producer, names) =>
          this.#unregister(producer, names),
        );
      default:
        return new ErrorReply(`E_INVALID invalid command ${word}`);
    }
  }

  #ping(): string {
    const producer = this.#producer;
    if (producer !== null) {
      const { clock, logger } = this.#context;
      const age = Math.round((clock.monotonicMs() - producer.lastUpdateMs) * NS_PER_MS);
      logger.info(`CLIENT(${this}): pinged (last ping ${formatDuration(age)})`);
      producer.touch(clock);
    }
    return OK;
  }

  #identify(body: Buffer): string | ErrorReply {
    this.#state = 'command';
    const fields = parseGoFields(body, FIELDS);
    if (fields === undefined) {
      return new ErrorReply('E_BAD_BODY IDENTIFY failed to decode JSON body');
    }
    const { broadcast_address, tcp_port, http_port, version } = fields;
    if (broadcast_address === '' || tcp_port === 0 || http_port === 0 || version === '') {
      return new ErrorReply('E_BAD_BODY IDENTIFY missing fields');
    }
    const { registrations, logger, identity } = this.#context;
    const producer = registrations.addProducer({
      remoteAddress: this.#address,
      hostname: fields.hostname,
      broadcastAddress: broadcast_address,
      tcpPort: tcp_port,
      httpPort: http_port,
      version,
      topologyZone: fields.topology_zone,
      topologyRegion: fields.topology_region,
    });
    if (producer === undefined) {
      const count = registrations.producerCount;
      return new ErrorReply(`E_INVALID IDENTIFY there are ${count} producers, which is the limit`);
    }
    this.#producer = producer;
    this.#deadline.cancel();
    const about = `Address:${broadcast_address} TCP:${tcp_port} HTTP:${http_port}`;
    logger.info(`CLIENT(${this}): IDENTIFY ${about} Version:${version}`);
    logger.info(`DB: client(${this}) REGISTER category:client key: subkey:`);
    return identity();
  }

  #withNames(
    word: string,
    [topicText, channelText = '']: readonly string[],
    work: (producer: Producer, names: Names) => string | ErrorReply,
  ): string | ErrorReply {
    if (this.#producer === null) return new ErrorReply('E_INVALID client must IDENTIFY');
    if (topicText === undefined) {
      return new ErrorReply(`E_INVALID ${word} insufficient number of params`);
    }
    const topic = parseTopicName(topicText);
    if (topic === undefined) {
      return new ErrorReply(`E_BAD_TOPIC ${word} topic name '${topicText}' is not valid`);
    }
    if (channelText === '') return work(this.#producer, { topic, channel: null });
    const channel = parseChannelName(channelText);
    if (channel !== undefined) return work(this.#producer, { topic, channel });
    return new ErrorReply(`E_BAD_CHANNEL ${word} channel name '${channelText}' is not valid`);
  }

  #register(producer: Producer, { topic, channel }: Names): string | ErrorReply {
    const { registrations, registrationsMax } = this.#context;
    // A command registers at most one topic and one channel.
    if (producer.registrationCount + 2 > registrationsMax) {
      const why = `a producer may have ${registrationsMax} topics and channels`;
      return new ErrorReply(`E_INVALID REGISTER ${why}`);
    }
    const added = registrations.register(producer, topic, channel);
    if (added === undefined) {
      const why = `there are ${registrations.keyCount} topics and channels, which is the limit`;
      return new ErrorReply(`E_INVALID REGISTER ${why}`);
    }
    for (const one of added) this.#logRegistration('REGISTER', one.topic, one.channel);
    return OK;
  }

  #unregister(producer: Producer, { topic, channel }: Names): string {
    const { registrations, logger } = this.#context;
    if (channel !== null) {
      const isRemoved = registrations.unregisterChannel(producer, topic, channel);
      if (isRemoved) this.#logRegistration('UNREGISTER', topic, channel);
      return OK;
    }
    const { channels, isRemoved } = registrations.unregisterTopic(producer, topic);
    for (const left of channels) {
      const what = `category:channel key:${topic} subkey:${left}`;
      logger.warn(`client(${this}) unexpected UNREGISTER ${what}`);
    }
    if (isRemoved) this.#logRegistration('UNREGISTER', topic, '');
    return OK;
  }

  #logRegistration(what: 'REGISTER' | 'UNREGISTER', topic: string, channel: string): void {
    const { logger } = this.#context;
    if (!logger.isWritten('info')) return;
    const category = channel === '' ? 'topic' : 'channel';
    logger.info(`DB: client(${this}) ${what} category:${category} key:${topic} subkey:${channel}`);
  }

  #settle(outcome: string | ErrorReply | null): void {
    if (outcome === null) return;
    if (outcome instanceof ErrorReply) this.#refuse(outcome.text);
    else this.#socket.write(framed(outcome));
  }

  /** All errors end the connection. */
  #refuse(text: string): void {
    this.#context.logger.error(`[${this}] - ${text}`);
    this.#leave(text);
    this.#end(text);
  }

  /** Sends a last answer. */
  #end(text: string): void {
    this.#leave(text);
    this.#socket.uncork();
    this.#context.refused.dismiss(this.#socket, framed(text));
  }

  /** Ignores all further input. */
  #leave(why: string): void {
    if (this.#state === 'gone') return;
    const hasSpoken = this.#state !== 'magic';
    this.#state = 'gone';
    this.#deadline.cancel();
    const { logger, registrations } = this.#context;
    if (hasSpoken) logger.info(`PROTOCOL(V1): [${this}] exiting ioloop`);
    if (this.#producer !== null) {
      const removed = registrations.removeProducer(this.#producer);
      logger.info(`DB: client(${this}) UNREGISTER category:client key: subkey:`);
      for (const { topic, channel } of removed.slice(0, REMOVED_LINES_MAX)) {
        this.#logRegistration('UNREGISTER', topic, channel);
      }
      const more = removed.length - REMOVED_LINES_MAX;
      if (more > 0) logger.info(`DB: client(${this}) UNREGISTER ${more} more`);
      this.#producer = null;
    }
    if (hasSpoken) logger.error(`client(${this}) - ${why}`);
    this.#onGone();
  }
}

/** Shape: the size, then the text, which has a character for each byte. */
function framed(text: string): Buffer {
  const frame = Buffer.allocUnsafe(4 + text.length);
  frame.writeInt32BE(text.length);
  frame.write(text, 4, 'latin1');
  return frame;
}
