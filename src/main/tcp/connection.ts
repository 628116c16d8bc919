/**
 * A TCP client's connection: its socket, what it sends and what it is sent.
 *
 * It takes commands one after the other. It stops reading while its output is backed up, while a pump has no
 * room, and where nsqd's one reader per connection would stand still: a command other than a publish waits
 * for responses that are still to come.
 *
 * Thread: main. Source: nsqd `protocolV2.IOLoop`, `clientV2`.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../log.ts';
import type { Options } from '../options/options.ts';
import type { ChannelMember, TopicMap } from '../topic-map.ts';
import { Client, type ClientSettings } from './client.ts';
import { ClientError, type ClientErrorCode } from './client-error.ts';
import type { ClientPort } from './client-port.ts';
import {
  BODY,
  CLOSED,
  type CommandHandler,
  CommandParser,
  NEXT,
  type Step,
  WAIT,
} from './command-parser.ts';
import { splitWords, wordBytes } from './command-words.ts';
import { ConsumerCommands } from './consumer-commands.ts';
import type { Deadlines } from './deadlines.ts';
import { errorFrame, HEARTBEAT_FRAME, OK_FRAME, responseFrame } from './frames.ts';
import { applyIdentify, identifyResponse, parseIdentify } from './identify.ts';
import { PublishCommands } from './publish-commands.ts';
import { ResponseQueue } from './response-queue.ts';
import { SocketOutput } from './socket-output.ts';

const MAGIC = Buffer.from('  V2');
const OUTPUT_BUFFER_SIZE_DEFAULT = 16384;
/** A client that asks for nothing else is given up after this time; half of it is between heartbeats. */
const CLIENT_TIMEOUT_MS = 60_000;
/** How long a connection that was sent a fatal error may go on sending before it is reset. */
const LINGER_MS = 2000;

/** What all connections use together. */
export type ConnectionContext = {
  readonly options: Options;
  readonly topics: TopicMap;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** Has the connection's output flushed at the end of this turn. */
  readonly onPending: (connection: Connection) => void;
  /** The client takes part in its channel no longer. */
  readonly onLeft: (connection: Connection) => void;
  /** The connection is gone. */
  readonly onClosed: (connection: Connection) => void;
};

/** Whose body is expected. */
type BodyOwner = 'identify' | 'auth' | 'publish';

export class Connection implements CommandHandler, ClientPort, ChannelMember {
  readonly client: Client;

  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #parser: CommandParser;
  readonly #output: SocketOutput;
  readonly #responses: ResponseQueue;
  readonly #publishing: PublishCommands;
  readonly #consuming: ConsumerCommands;
  readonly #heartbeat: number;
  readonly #readDeadline: number;
  #bodyOwner: BodyOwner = 'publish';
  /** The heartbeat interval of the first IDENTIFY is the one that counts. */
  #isIdentified = false;
  /** Nothing more is read: a fatal error was answered, or the client has ended its side. */
  #isEnding = false;
  #isClosed = false;
  #isReading = true;
  /** The client has ended its side. */
  #hasEnded = false;
  /** When the last command was complete. Units: ms, monotonic. */
  #lastCommandMs: number;
  #outputProgress = 0;

  constructor(number: number, socket: Socket, context: ConnectionContext) {
    const { clock, options, deadlines } = context;
    const host = remoteHost(socket);
    this.#socket = socket;
    this.#context = context;
    this.client = new Client(
      number,
      host === '' ? '@' : `${host}:${socket.remotePort}`,
      Number(clock.unixNs() / 1_000_000_000n),
      initialSettings(host, options),
    );
    this.#parser = new CommandParser(this);
    this.#output = new SocketOutput(socket, {
      onPending: () => context.onPending(this),
      onCredit: (bytes) => this.#onCredit(bytes),
      onDrained: () => this.#readOn(),
    });
    this.#responses = new ResponseQueue(
      (frame) => this.#output.add(frame),
      () => this.#onSettled(),
    );
    this.#publishing = new PublishCommands(this, context.topics, options);
    this.#consuming = new ConsumerCommands(this, context.topics, options);
    this.#lastCommandMs = clock.monotonicMs();
    this.#heartbeat = deadlines.add(() => this.#onHeartbeat());
    this.#readDeadline = deadlines.add(() => this.#onReadDeadline());
    this.#scheduleHeartbeat();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#context.logger.debug(`client(${this}) - ${error.message}`));
    socket.on('close', () => this.#onClose());
  }

  get number(): number {
    return this.client.number;
  }

  get member(): ChannelMember {
    return this;
  }

  get hasPendingResponses(): boolean {
    return this.#responses.isPending;
  }

  toString(): string {
    return this.client.remoteAddress;
  }

  /** Message frames from the client's pump: a view that is reused afterwards. */
  deliver(frames: Buffer): void {
    this.#output.addFrames(frames);
  }

  /** The pump could not carry out a FIN, REQ or TOUCH. */
  refuse(error: ClientError): void {
    this.#output.add(errorFrame(error.data));
  }

  /** Writes what this turn has brought. */
  flush(): void {
    this.#output.flush();
    if (this.#output.isBackedUp) this.#stopReading();
  }

  /** Closes the socket at once, without a frame. */
  destroy(): void {
    this.#socket.destroy();
  }

  // Port of the commands

  respondOk(): typeof NEXT {
    if (!this.#responses.isPending && !this.#consuming.hasUnanswered) this.#output.addOk();
    else this.#respond(OK_FRAME);
    return NEXT;
  }

  fail(error: ClientError): typeof NEXT | typeof CLOSED {
    this.#context.logger.error(`client(${this}) - ${error.data.toString()}`);
    if (!error.isFatal) {
      this.#output.add(errorFrame(error.data));
      return NEXT;
    }
    this.#parser.close();
    this.#respond(errorFrame(error.data));
    this.#end();
    return CLOSED;
  }

  respondLater(): (outcome: Buffer | ClientError) => void {
    const response = this.#responses.reserve();
    return (outcome) => {
      if (outcome instanceof ClientError) {
        this.#context.logger.error(`client(${this}) - ${outcome.data.toString()}`);
        this.#responses.settle(response, errorFrame(outcome.data));
        if (!outcome.isFatal) return;
        this.#parser.close();
        this.#end();
      } else {
        this.#responses.settle(response, outcome);
      }
    };
  }

  waitForResponses(): Step {
    // Resumed when the last response has been sent.
    return WAIT;
  }

  waitForRoom(onRoom: (listener: () => void) => void): Step {
    this.#stopReading();
    onRoom(() => this.#readOn());
    return WAIT;
  }

  // Handler of the parser

  onMagic(bytes: Buffer, at: number): boolean {
    if (bytes.compare(MAGIC, 0, MAGIC.length, at, at + MAGIC.length) === 0) return true;
    this.fail(new ClientError('E_BAD_PROTOCOL', ''));
    return false;
  }

  onLine(bytes: Buffer, at: number, end: number): Step {
    const words = splitWords(bytes, at, end);
    const name = words[0];
    switch (name) {
      case 'PUB':
        this.#bodyOwner = 'publish';
        return this.#publishing.onPub(words);
      case 'MPUB':
        this.#bodyOwner = 'publish';
        return this.#publishing.onMpub(words);
      case 'DPUB':
        this.#bodyOwner = 'publish';
        return this.#publishing.onDpub(words);
      case 'FIN':
        return this.#consuming.onFin(words);
      case 'RDY':
        return this.#consuming.onRdy(words);
      case 'REQ':
        return this.#consuming.onReq(words);
      case 'TOUCH':
        return this.#consuming.onTouch(words);
      case 'NOP':
        return NEXT;
      default:
        return this.#responses.isPending ? this.waitForResponses() : this.#onRareLine(words);
    }
  }

  onFinish(idHigh: number, idLow: number): Step {
    return this.#consuming.onFinish(idHigh, idLow);
  }

  onBodySize(size: number): boolean {
    if (this.#bodyOwner === 'publish') return this.#publishing.onBodySize(size);
    const name = this.#bodyOwner === 'identify' ? 'IDENTIFY' : 'AUTH';
    const { maxBodySize } = this.#context.options;
    if (size > maxBodySize)
      return this.#refuseBody(`${name} body too big ${size} > ${maxBodySize}`);
    if (size <= 0) return this.#refuseBody(`${name} invalid body size ${size}`);
    return true;
  }

  onBody(bytes: Buffer, at: number, size: number): Step {
    if (this.#bodyOwner === 'publish') return this.#publishing.onBody(bytes, at, size);
    if (this.#bodyOwner === 'auth') return this.#fail('E_AUTH_DISABLED', 'AUTH disabled');
    return this.#identify(bytes.subarray(at, at + size));
  }

  onBatchSize(size: number): boolean {
    return this.#publishing.onBatchSize(size);
  }

  onBatchCount(count: number): boolean {
    return this.#publishing.onBatchCount(count);
  }

  onBatchMessageSize(index: number, size: number, bytes: number): boolean {
    return this.#publishing.onBatchMessageSize(index, size, bytes);
  }

  onBatch(bytes: Buffer, at: number, length: number, count: number): Step {
    return this.#publishing.onBatch(bytes, at, length, count);
  }

  onLineTooLong(): void {
    this.#context.logger.error(`client(${this}) - line is too long`);
    this.#parser.close();
    this.#end();
  }

  #onRareLine(words: readonly string[]): Step {
    const isInitial = this.client.state.state === 'init';
    switch (words[0]) {
      case 'SUB':
        return this.#consuming.onSub(words);
      case 'CLS':
        return this.#consuming.onCls();
      case 'IDENTIFY':
        if (!isInitial) return this.#fail('E_INVALID', 'cannot IDENTIFY in current state');
        this.#bodyOwner = 'identify';
        return BODY;
      case 'AUTH':
        if (!isInitial) return this.#fail('E_INVALID', 'cannot AUTH in current state');
        if (words.length > 1) return this.#fail('E_INVALID', 'AUTH invalid number of parameters');
        this.#bodyOwner = 'auth';
        return BODY;
      default: {
        const text = [Buffer.from('invalid command '), wordBytes(words[0])];
        return this.fail(new ClientError('E_INVALID', Buffer.concat(text)));
      }
    }
  }

  #identify(body: Buffer): Step {
    const { options } = this.#context;
    const request = parseIdentify(body);
    if (request === undefined) {
      return this.#fail('E_BAD_BODY', 'IDENTIFY failed to decode JSON body');
    }
    const { settings } = this.client;
    const reason = applyIdentify(request, settings, options);
    if (reason !== undefined) return this.#fail('E_BAD_BODY', `IDENTIFY ${reason}`);
    if (!this.#isIdentified) this.#scheduleHeartbeat();
    this.#isIdentified = true;
    if (!request.feature_negotiation) return this.respondOk();
    if (request.deflate && options.deflate && request.snappy && options.snappy) {
      return this.#fail('E_IDENTIFY_FAILED', 'cannot enable both deflate and snappy compression');
    }
    this.#respond(responseFrame(identifyResponse(settings, options)));
    return NEXT;
  }

  #fail(code: ClientErrorCode, text: string): Step {
    return this.fail(new ClientError(code, text));
  }

  #refuseBody(text: string): false {
    this.#fail('E_BAD_BODY', text);
    return false;
  }

  /** Sends a response in its place: behind those waited for, and behind what the pump may still refuse. */
  #respond(frame: Buffer): void {
    const { state } = this.client;
    if (state.state === 'init' || !this.#consuming.hasUnanswered) {
      this.#responses.respond(frame);
      return;
    }
    const response = this.#responses.reserve();
    this.#consuming.afterRefusals(state.channel, () => this.#responses.settle(response, frame));
  }

  // Socket

  #onData(chunk: Buffer): void {
    if (this.#isEnding) return;
    if (!this.#hasRoomForCommands()) this.#parser.wait();
    const before = this.#parser.commandCount;
    this.#parser.feed(chunk);
    if (this.#parser.commandCount !== before) this.#noteCommand();
    if (this.#parser.isWaiting) this.#stopReading();
  }

  /** Goes on reading, unless there is still a reason not to. */
  #readOn(): void {
    if (this.#isReading || this.#isClosed || this.#output.isBackedUp) return;
    if (!this.#hasRoomForCommands()) return;
    const before = this.#parser.commandCount;
    this.#parser.resume();
    if (this.#parser.commandCount !== before) this.#noteCommand();
    if (this.#parser.isWaiting) return;
    this.#isReading = true;
    this.#socket.resume();
    if (this.#hasEnded) this.#finishInput();
  }

  #stopReading(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#socket.pause();
  }

  /** Whether the pump of the client's channel can take whatever a chunk holds; if not, reads on when it can. */
  #hasRoomForCommands(): boolean {
    const { state } = this.client;
    if (state.state === 'init') return true;
    const { pump } = state.channel.topic;
    if (pump.hasCommandRoom()) return true;
    pump.onRoom(() => this.#readOn());
    return false;
  }

  #noteCommand(): void {
    this.#lastCommandMs = this.#context.clock.monotonicMs();
  }

  #onSettled(): void {
    if (this.#parser.isWaiting) this.#readOn();
    if (this.#isEnding && !this.#responses.isPending) this.#output.end();
  }

  #onCredit(bytes: number): void {
    const { state } = this.client;
    if (state.state !== 'init') state.channel.topic.pump.credit(this.number, bytes);
  }

  /** The client has ended its side: what it sent is still carried out and answered. */
  #onEnd(): void {
    this.#hasEnded = true;
    if (!this.#parser.isWaiting) this.#finishInput();
  }

  #finishInput(): void {
    if (this.#isEnding) return;
    this.#failUnfinished();
    this.#parser.close();
    this.#end();
  }

  /** Answers a command whose body will not come. */
  #failUnfinished(): void {
    const { place, messageIndex } = this.#parser;
    if (place === 'magic' || place === 'line') return;
    if (this.#bodyOwner === 'publish') {
      this.fail(this.#publishing.cutOff(place, messageIndex));
      return;
    }
    const name = this.#bodyOwner === 'identify' ? 'IDENTIFY' : 'AUTH';
    const what = place === 'size' ? 'body size' : 'body';
    this.#fail('E_BAD_BODY', `${name} failed to read ${what}`);
  }

  /** Writes what is to be written, ends our side, and waits briefly for the client to end its own. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const { deadlines, clock } = this.#context;
    this.#context.onLeft(this);
    deadlines.schedule(this.#readDeadline, clock.monotonicMs() + LINGER_MS);
    // What still comes is read and dropped: unread input would make the system reset the connection, and the
    // client could lose the error.
    this.#isReading = true;
    this.#socket.resume();
    if (!this.#responses.isPending) this.#output.end();
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isEnding) this.#context.onLeft(this);
    this.#isEnding = true;
    this.#parser.close();
    this.#context.deadlines.remove(this.#heartbeat);
    this.#context.deadlines.remove(this.#readDeadline);
    this.#context.onClosed(this);
  }

  // Heartbeats

  #scheduleHeartbeat(): void {
    const { heartbeatIntervalMs } = this.client.settings;
    const { deadlines, clock } = this.#context;
    if (heartbeatIntervalMs === 0) {
      deadlines.cancel(this.#heartbeat);
      deadlines.cancel(this.#readDeadline);
      return;
    }
    const nowMs = clock.monotonicMs();
    deadlines.schedule(this.#heartbeat, nowMs + heartbeatIntervalMs);
    deadlines.schedule(this.#readDeadline, nowMs + 2 * heartbeatIntervalMs);
  }

  #onHeartbeat(): void {
    if (this.#isEnding) return;
    if (this.#output.waitingBytes > 0 && this.#output.progress === this.#outputProgress) {
      this.#context.logger.error(`client(${this}) - write timed out`);
      this.destroy();
      return;
    }
    this.#outputProgress = this.#output.progress;
    this.#output.add(HEARTBEAT_FRAME);
    const { heartbeatIntervalMs } = this.client.settings;
    const nextMs = this.#context.clock.monotonicMs() + heartbeatIntervalMs;
    this.#context.deadlines.schedule(this.#heartbeat, nextMs);
  }

  /** A client is given up after two intervals without a command, the deadline being put off only here. */
  #onReadDeadline(): void {
    if (this.#isEnding) {
      this.destroy();
      return;
    }
    const { deadlines, clock, logger } = this.#context;
    const deadlineMs = this.#lastCommandMs + 2 * this.client.settings.heartbeatIntervalMs;
    if (!this.#isReading || clock.monotonicMs() < deadlineMs) {
      const nextMs = this.#isReading ? deadlineMs : clock.monotonicMs() + 1000;
      deadlines.schedule(this.#readDeadline, nextMs);
      return;
    }
    logger.error(`client(${this}) - read timed out`);
    this.#finishInput();
  }
}

function initialSettings(host: string, options: Options): ClientSettings {
  return {
    clientId: host,
    hostname: host,
    userAgent: '',
    topologyRegion: '',
    topologyZone: '',
    heartbeatIntervalMs: CLIENT_TIMEOUT_MS / 2,
    outputBufferSize: OUTPUT_BUFFER_SIZE_DEFAULT,
    outputBufferTimeoutMs: options.outputBufferTimeoutMs,
    sampleRate: 0,
    msgTimeoutMs: options.msgTimeoutMs,
  };
}

/** The client's address without its port; empty for a unix socket. */
function remoteHost(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  // A socket that listens on IPv6 shows IPv4 clients in mapped form; nsqd shows them as they are.
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
