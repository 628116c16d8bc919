/**
 * A TCP client's connection: its socket, its input and its output.
 *
 * It handles commands one at a time. It stops reading while its output is backed up or a pump has no room, and where
 * nsqd's one reader per connection would block: a command other than a publish waits for pending responses.
 *
 * Thread: main. Source: nsqd `protocolV2.IOLoop`, `clientV2`.
 */

import type { Socket } from 'node:net';
import { remoteHost } from '../../daemon/remote-host.ts';
import { TlsFailure } from '../../daemon/tls/tls-failure.ts';
import { ClientError } from '../../protocol/client-error.ts';
import { errorFrame, HEARTBEAT_FRAME, OK_FRAME } from '../../protocol/frames.ts';
import { errorText } from '../../shared/error-text.ts';
import { AuthState } from '../auth/auth-state.ts';
import type { BodyGatherer } from '../limits/body-share.ts';
import { ClientQuota } from '../limits/turn-budget.ts';
import { brokerChannels } from '../stats/broker-channels.ts';
import type { ChannelMember } from '../topics/topic-map.ts';
import { Client, initialSettings } from './client.ts';
import { tellDelivery } from './client-events.ts';
import type { ClientPort, Layers } from './client-port.ts';
import { ClientTransport } from './client-transport.ts';
import { CommandDispatch } from './command-dispatch.ts';
import { CLOSED, NEXT, type Step, WAIT } from './command-handler.ts';
import { CommandParser } from './command-parser.ts';
import type { ConnectionContext } from './connection-context.ts';
import { logConnectionError } from './connection-errors.ts';
import { ConnectionDeadlines, type WatchedConnection } from './deadlines.ts';
import { httpHint } from './http-hint.ts';
import { putOnLayers } from './layer-upgrade.ts';
import { type PendingResponse, ResponseOrder } from './response-order.ts';
import { SocketOutput } from './socket-output.ts';

/**
 * `reading`: commands are handled as they arrive. `paused`: a pump, the output, a quota or the memory for bodies has no
 * room, or a command waits for responses. `upgrading`: layers are added. `ending`: a fatal error was sent, or the
 * client has closed its side; input is dropped, output is still written. `closed`: the socket has closed.
 */
type ConnectionState = 'reading' | 'paused' | 'upgrading' | 'ending' | 'closed';

export class Connection implements ClientPort, ChannelMember, WatchedConnection, BodyGatherer {
  readonly client: Client;
  readonly responses: ResponseOrder;

  readonly #transport: ClientTransport;
  readonly #context: ConnectionContext<Connection>;
  readonly #parser: CommandParser;
  readonly #quota: ClientQuota;
  readonly #output: SocketOutput;
  readonly #deadlines: ConnectionDeadlines;
  /** `#readOn` as a callback. */
  readonly #resume: () => void;
  #state: ConnectionState = 'reading';
  /** The client has closed its side; commands that it sent before may still wait. */
  #hasInputEnded = false;

  constructor(number: number, socket: Socket, context: ConnectionContext<Connection>) {
    const { clock, options, guard } = context;
    const host = remoteHost(socket);
    this.#transport = new ClientTransport(socket);
    this.#context = context;
    this.client = new Client(
      number,
      host,
      socket.remotePort,
      Number(clock.unixNs() / 1_000_000_000n),
      initialSettings(host, options),
      context.auth === null ? null : new AuthState(context.auth, clock),
    );
    this.#output = new SocketOutput(this.#transport, context.traffic, {
      onPending: () => context.onPending(this),
      onCredit: (bytes) => this.#onCredit(bytes),
      onDrained: () => this.#resume(),
    });
    this.responses = new ResponseOrder(
      this.#output,
      guard.around(this, () => this.#onSettled()),
    );
    const commands = new CommandDispatch(this, context.topics, context.publisher, options, {
      traffic: context.traffic,
      onStarted: () => this.#deadlines.start(this.client.settings.heartbeatIntervalMs),
      onIdentified: () => this.#deadlines.identify(this.client.settings.heartbeatIntervalMs),
      onLineTooLong: () => this.#onLineTooLong(),
      onHttp: () => this.#onHttp(),
      tls: context.tls,
      onAuthFailed: (error) => context.logger.error(`client(${this}) - ${errorText(error)}`),
    });
    this.#parser = new CommandParser(commands);
    this.#resume = guard.around(this, () => this.#readOn());
    this.#quota = new ClientQuota(context.budget, this.#parser, this.#resume);
    this.#deadlines = new ConnectionDeadlines(context, this, this.#output);
    socket.setNoDelay(true);
    this.#transport.listen({
      onData: guard.around(this, (chunk) => this.#onData(chunk)),
      onEnd: guard.around(this, () => this.#onEnd()),
      onError: (error) => logConnectionError(context.logger, this, error, this.#isOver),
      onClose: guard.around(this, () => this.#onClose()),
    });
  }

  get number(): number {
    return this.client.number;
  }

  get member(): ChannelMember {
    return this;
  }

  get hasPendingResponses(): boolean {
    return this.responses.isPending;
  }

  get isReading(): boolean {
    return this.#state === 'reading';
  }

  /** Whether no more input is handled. */
  get #isOver(): boolean {
    return this.#state === 'ending' || this.#state === 'closed';
  }

  toString(): string {
    return this.client.remoteAddress;
  }

  /** Message frames from the client's pump: a view that is reused afterwards. */
  deliver(frames: Buffer, count: number): void {
    this.#output.addFrames(frames);
    if (brokerChannels.deliver.hasSubscribers) tellDelivery(this.client, frames.length, count);
  }

  /** The pump could not carry out a FIN, REQ or TOUCH. */
  refuse(error: ClientError): void {
    this.#output.add(errorFrame(error.data));
    this.#quota.chargeRefusal();
  }

  /** Writes the output of this turn. */
  flush(): void {
    this.#output.flush();
    if (this.#output.isBackedUp) this.#pauseReading();
  }

  /** Closes the socket at once, without a frame. */
  destroy(): void {
    this.#transport.destroy();
  }

  // Called by the deadlines

  onHeartbeat(): void {
    // A client that waits for a layer's OK expects no other frame.
    if (this.#state !== 'upgrading') this.#output.add(HEARTBEAT_FRAME);
  }

  onReadTimeout(): void {
    this.#context.logger.error(`client(${this}) - failed to read command - i/o timeout`);
    this.#finishInput();
  }

  onWriteTimeout(): void {
    this.#context.logger.error(`client(${this}) - write timed out`);
    this.destroy();
  }

  onLingerTimeout(): void {
    this.destroy();
  }

  // Called by the bound on the memory of bodies

  pause(): void {
    this.#pauseReading();
  }

  resume(): void {
    // Many connections resume at once, and must not all be read in one turn.
    if (this.#state === 'paused') this.#quota.throttle();
  }

  abort(): boolean {
    // A complete command that waits for the pump is not the client's fault.
    const isUpgrading = this.#state === 'upgrading';
    if (this.#parser.isWaiting || isUpgrading || this.#quota.isThrottled) return false;
    this.#finishInput();
    return true;
  }

  // Port of the commands

  fail(error: ClientError): typeof NEXT | typeof CLOSED {
    this.#context.logger.error(`client(${this}) - ${error.data.toString()}`);
    if (!error.isFatal) {
      this.#output.add(errorFrame(error.data));
      this.#quota.chargeRefusal();
      return NEXT;
    }
    this.#parser.close();
    this.responses.respond(errorFrame(error.data));
    this.#end();
    return CLOSED;
  }

  charge(cost: number): void {
    this.#parser.allowance -= cost;
  }

  respondLater(): (outcome: Buffer | ClientError) => void {
    const response = this.responses.reserve();
    return (outcome) => {
      // The answer of a pump comes between those of others.
      try {
        this.#respond(response, outcome);
      } catch (error) {
        this.#context.guard.end(this, error);
      }
    };
  }

  waitFor(promise: Promise<void>): Step {
    this.#pauseReading();
    void promise.then(this.#resume);
    return WAIT;
  }

  upgrade(response: Buffer, layers: Layers): void {
    this.#output.add(response);
    this.#output.flush();
    // The next input belongs to the first layer.
    this.#parser.wait();
    this.#pauseReading();
    this.#state = 'upgrading';
    this.#putOn(layers).then(
      this.#context.guard.around(this, () => this.#onUpgraded()),
      (error: unknown) => {
        this.#context.guard.noteUnforeseen(`client(${this})`, error);
        this.#context.logger.error(`client(${this}) - ${errorText(error)}`);
        if (error instanceof TlsFailure) this.#finishInput();
        else this.destroy();
      },
    );
  }

  lend(): boolean {
    return this.#parser.lend();
  }

  waitUntilWritable(onWritable: (listener: () => void) => void): Step {
    this.#pauseReading();
    onWritable(this.#resume);
    return WAIT;
  }

  #respond(response: PendingResponse, outcome: Buffer | ClientError): void {
    if (!(outcome instanceof ClientError)) {
      this.responses.settle(response, outcome);
      return;
    }
    this.#context.logger.error(`client(${this}) - ${outcome.data.toString()}`);
    // Settling may handle the next command, but none may follow a fatal error.
    if (outcome.isFatal) this.#parser.close();
    this.responses.settle(response, errorFrame(outcome.data));
    if (outcome.isFatal) this.#end();
  }

  // Layers

  /** Errors: rejects if the TLS handshake fails; the client has been told, and the connection closes. */
  async #putOn(layers: Layers): Promise<void> {
    // The parser is still inside the command that requested them.
    await undefined;
    await putOnLayers(layers, {
      transport: this.#transport,
      client: this.client,
      clock: this.#context.clock,
      firstBytes: this.#parser.takeHeld(),
      sendOk: () => {
        this.#output.add(OK_FRAME);
        this.#output.flush();
      },
    });
  }

  #onUpgraded(): void {
    if (this.#state !== 'upgrading') return;
    this.#state = 'paused';
    this.#deadlines.noteCommand();
    this.#readOn();
  }

  // Socket

  #onData(chunk: Buffer): void {
    this.#context.traffic.receivedBytes += chunk.length;
    if (this.#isOver) return;
    this.#quota.renew();
    const { commandCount } = this.#parser;
    this.#parser.feed(chunk);
    this.#noteTaken(commandCount);
    if (this.#parser.isWaiting) this.#pauseReading();
  }

  /** Resumes reading unless there is another reason not to. */
  #readOn(): void {
    if (this.#state !== 'paused' || this.#quota.isThrottled || this.#output.isBackedUp) return;
    this.#quota.renew();
    const { commandCount } = this.#parser;
    this.#parser.resume();
    this.#noteTaken(commandCount);
    if (this.#state !== 'paused') return;
    if (this.#parser.isWaiting || this.#context.bodies.isPaused(this)) return;
    this.#state = 'reading';
    this.#transport.resume();
    if (this.#hasInputEnded) this.#finishInput();
  }

  /** Follows up on a run of the parser; `commandCount` is the count before it. */
  #noteTaken(commandCount: number): void {
    const { commandCount: count, heldBytes, wantedBytes } = this.#parser;
    this.#context.bodies.note(this, heldBytes, wantedBytes, count !== commandCount);
    if (count !== commandCount) this.#deadlines.noteCommand();
    this.#quota.report();
    if (this.#quota.isSpent && !this.#isOver) this.#quota.throttle();
  }

  #pauseReading(): void {
    if (this.#state !== 'reading') return;
    this.#state = 'paused';
    this.#transport.pause();
  }

  #onSettled(): void {
    if (this.#parser.isWaiting) this.#readOn();
    if (this.#state === 'ending' && !this.responses.isPending) this.#output.end();
  }

  #onCredit(bytes: number): void {
    const { state } = this.client;
    if (state.state !== 'init') state.channel.topic.pump.credit(this.number, bytes);
  }

  /** The client has closed its side: its commands are still executed and answered. */
  #onEnd(): void {
    this.#hasInputEnded = true;
    if (!this.#parser.isWaiting) this.#finishInput();
  }

  #finishInput(): void {
    if (this.#isOver) return;
    // A command whose body is cut off gets an error.
    const error = this.#parser.cutOff();
    if (error !== undefined) this.fail(error);
    this.#parser.drop();
    this.#end();
  }

  #onHttp(): void {
    this.#context.logger.error(`client(${this}) - E_BAD_PROTOCOL, it speaks HTTP`);
    this.#parser.close();
    this.responses.respond(httpHint(this.#context.httpPort()));
    this.#end();
  }

  #onLineTooLong(): void {
    this.#context.logger.error(`client(${this}) - failed to read command - line is too long`);
    this.#parser.close();
    this.#end();
  }

  /** Writes pending output, closes the broker's side, and waits briefly for the client to close its own. */
  #end(): void {
    if (this.#isOver) return;
    this.#state = 'ending';
    this.#context.bodies.forget(this);
    this.responses.end();
    this.#context.onLeft(this);
    this.#deadlines.linger();
    // Further input is read and dropped: unread input would make the system reset the connection, and the client
    // could lose the error.
    this.#transport.discardInput();
    if (!this.responses.isPending) this.#output.end();
  }

  #onClose(): void {
    if (this.#state === 'closed') return;
    const hasLeft = this.#state === 'ending';
    this.#state = 'closed';
    if (!hasLeft) this.#context.onLeft(this);
    this.#parser.drop();
    this.#context.bodies.forget(this);
    this.#deadlines.remove();
    this.#context.onClosed(this);
  }
}
