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
import { Client, initialSettings } from './client.ts';
import { ClientError } from './client-error.ts';
import type { ClientPort } from './client-port.ts';
import { CommandDispatch } from './command-dispatch.ts';
import { CLOSED, CommandParser, NEXT, type Step, WAIT } from './command-parser.ts';
import { ConnectionDeadlines, type WatchedConnection } from './connection-deadlines.ts';
import type { Deadlines } from './deadlines.ts';
import { errorFrame, HEARTBEAT_FRAME, OK_FRAME } from './frames.ts';
import { ResponseQueue } from './response-queue.ts';
import { SocketOutput } from './socket-output.ts';

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

export class Connection implements ClientPort, ChannelMember, WatchedConnection {
  readonly client: Client;

  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #parser: CommandParser;
  readonly #output: SocketOutput;
  readonly #responses: ResponseQueue;
  readonly #commands: CommandDispatch;
  readonly #deadlines: ConnectionDeadlines;
  /** Nothing more is read: a fatal error was answered, or the client has ended its side. */
  #isEnding = false;
  #isClosed = false;
  #isReading = true;
  /** The client has ended its side. */
  #hasEnded = false;

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
    this.#commands = new CommandDispatch(this, context.topics, options, {
      onStarted: () => this.#deadlines.start(this.client.settings.heartbeatIntervalMs),
      onIdentified: () => this.#deadlines.identify(this.client.settings.heartbeatIntervalMs),
      onLineTooLong: () => this.#onLineTooLong(),
    });
    this.#parser = new CommandParser(this.#commands);
    this.#output = new SocketOutput(socket, {
      onPending: () => context.onPending(this),
      onCredit: (bytes) => this.#onCredit(bytes),
      onDrained: () => this.#readOn(),
    });
    this.#responses = new ResponseQueue(
      (frame) => this.#output.add(frame),
      () => this.#onSettled(),
    );
    this.#deadlines = new ConnectionDeadlines(clock, deadlines, this, this.#output);
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

  get isReading(): boolean {
    return this.#isReading;
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
    if (this.#output.isBackedUp && !this.#isEnding) this.#stopReading();
  }

  /** Closes the socket at once, without a frame. */
  destroy(): void {
    this.#socket.destroy();
  }

  // What the deadlines have it do

  onHeartbeat(): void {
    this.#output.add(HEARTBEAT_FRAME);
  }

  onReadTimeout(): void {
    this.#context.logger.error(`client(${this}) - read timed out`);
    this.#finishInput();
  }

  onWriteTimeout(): void {
    this.#context.logger.error(`client(${this}) - write timed out`);
    this.destroy();
  }

  onLingerTimeout(): void {
    this.destroy();
  }

  // Port of the commands

  respondOk(): typeof NEXT {
    if (!this.#responses.isPending && !this.#commands.consuming.hasUnanswered) this.#output.addOk();
    else this.respond(OK_FRAME);
    return NEXT;
  }

  respond(frame: Buffer): typeof NEXT {
    const { state } = this.client;
    if (state.state === 'init' || !this.#commands.consuming.hasUnanswered) {
      this.#responses.respond(frame);
      return NEXT;
    }
    const response = this.#responses.reserve();
    this.#commands.consuming.afterRefusals(state.channel, () =>
      this.#responses.settle(response, frame),
    );
    return NEXT;
  }

  fail(error: ClientError): typeof NEXT | typeof CLOSED {
    this.#context.logger.error(`client(${this}) - ${error.data.toString()}`);
    if (!error.isFatal) {
      this.#output.add(errorFrame(error.data));
      return NEXT;
    }
    this.#parser.close();
    this.respond(errorFrame(error.data));
    this.#end();
    return CLOSED;
  }

  respondLater(): (outcome: Buffer | ClientError) => void {
    const response = this.#responses.reserve();
    return (outcome) => {
      if (!(outcome instanceof ClientError)) {
        this.#responses.settle(response, outcome);
        return;
      }
      this.#context.logger.error(`client(${this}) - ${outcome.data.toString()}`);
      // Settling may have the next command taken, and behind a fatal error there is none.
      if (outcome.isFatal) this.#parser.close();
      this.#responses.settle(response, errorFrame(outcome.data));
      if (outcome.isFatal) this.#end();
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

  // Socket

  #onData(chunk: Buffer): void {
    if (this.#isEnding) return;
    if (!this.#hasRoomForCommands()) this.#parser.wait();
    const before = this.#parser.commandCount;
    this.#parser.feed(chunk);
    if (this.#parser.commandCount !== before) this.#deadlines.noteCommand();
    if (this.#parser.isWaiting) this.#stopReading();
  }

  /** Goes on reading, unless there is still a reason not to. */
  #readOn(): void {
    if (this.#isReading || this.#isClosed || this.#output.isBackedUp) return;
    if (!this.#hasRoomForCommands()) return;
    const before = this.#parser.commandCount;
    this.#parser.resume();
    if (this.#parser.commandCount !== before) this.#deadlines.noteCommand();
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
    const error = this.#commands.cutOff(this.#parser.place, this.#parser.messageIndex);
    if (error !== undefined) this.fail(error);
  }

  #onLineTooLong(): void {
    this.#context.logger.error(`client(${this}) - line is too long`);
    this.#parser.close();
    this.#end();
  }

  /** Writes what is to be written, ends our side, and waits briefly for the client to end its own. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#context.onLeft(this);
    this.#deadlines.linger();
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
    this.#deadlines.remove();
    this.#context.onClosed(this);
  }
}

/** The client's address without its port; empty for a unix socket. */
function remoteHost(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  // A socket that listens on IPv6 shows IPv4 clients in mapped form; nsqd shows them as they are.
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
