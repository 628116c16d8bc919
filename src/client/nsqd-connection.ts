/**
 * One connection to a broker: TLS, negotiation, compression and AUTH, then commands, answers and messages, until it
 * ends. An instance serves one connection only.
 *
 * Answers arrive in the order of their commands. When the connection is lost, each unanswered command gets an error,
 * in that order, and then the owner is told.
 *
 * Bound: input is passed on at once. The owner bounds the unsent output: `queuedBytes`.
 * Thread: any. Source: nsqd `protocolV2`, go-nsq `Conn`.
 */

import { identify, line, MAGIC, NOP, sized } from '../protocol/commands.ts';
import { errorText } from '../shared/error-text.ts';
import { impossibleType } from '../shared/wrong-port.ts';
import type { Address } from './address.ts';
import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import { CommandBuffer } from './command-buffer.ts';
import type { ConnectionSettings } from './connection-options.ts';
import type { ConnectionOwner, Responder } from './connection-owner.ts';
import type { Environment } from './environment.ts';
import { Fifo } from './fifo.ts';
import { ERROR, FrameReader, MESSAGE, RESPONSE } from './frame-reader.ts';
import {
  type CodecMaker,
  type ConsumerWishes,
  type Grant,
  identifyFields,
  loadCodec,
  parseGrant,
} from './negotiation.ts';
import { NsqError, refusalError } from './nsq-error.ts';
import { Transport, type TransportListener } from './transport.ts';

const O = 0x4f;
const K = 0x4b;
const OK_BYTES = 2;
const HEARTBEAT = '_heartbeat_';
/** Errors for commands that have no answer on success. */
const PASSING = /^E_(?:FIN|REQ|TOUCH)_FAILED/;
/** After this many heartbeat intervals of silence the broker counts as gone. */
const SILENT_INTERVALS = 2;
/** How long the broker has to close its side after the client has. Units: ms. */
const END_MS = 1000;

/** The progress of a connection. */
type Stage =
  | 'connecting'
  | 'identify'
  | 'tls'
  | 'compression'
  | 'auth'
  | 'ready'
  | 'ending'
  | 'closed';

/** A connection. */
export class NsqdConnection implements TransportListener {
  readonly address: Address;
  readonly commands: CommandBuffer;
  /** When the broker last sent something. Units: ms, monotonic. */
  heardMs = 0;

  readonly #settings: ConnectionSettings;
  readonly #wishes: ConsumerWishes | null;
  readonly #environment: Environment;
  readonly #owner: ConnectionOwner;
  /** The commands that wait for an answer. */
  readonly #questions = new Fifo<Responder>();
  /** Rings when connecting or closing takes too long, or when the broker may have been silent for too long. */
  readonly #timer: CoarseTimer;
  /** Settles `open`. Null before it, and when it is settled. */
  #opening: PromiseWithResolvers<Grant> | null = null;
  #stage: Stage = 'connecting';
  #wasReady = false;
  #transport: Transport | null = null;
  #reader: FrameReader;
  #codecMaker: CodecMaker | null = null;
  #grant: Grant | null = null;
  /** An answer of the broker during the handshake, until its chunk is read. */
  #handshakeAnswer: string | null = null;
  #hasMessages = false;

  constructor(
    address: Address,
    settings: ConnectionSettings,
    wishes: ConsumerWishes | null,
    environment: Environment,
    owner: ConnectionOwner,
  ) {
    this.address = address;
    this.#settings = settings;
    this.#wishes = wishes;
    this.#environment = environment;
    this.#owner = owner;
    this.#timer = CoarseTimers.of(environment.clock).timer((nowMs) => this.#onTimer(nowMs));
    this.commands = new CommandBuffer({ send: (bytes) => this.#transport?.write(bytes) });
    this.#reader = new FrameReader(this, settings.maxFrameBytes);
  }

  /** Bytes that were written but have not left the process. */
  get queuedBytes(): number {
    return this.#transport?.queuedBytes ?? 0;
  }

  /** Whether commands can be sent. */
  get isReady(): boolean {
    return this.#stage === 'ready';
  }

  /**
   * Connects and negotiates. Resolves with the broker's grant.
   *
   * Errors: rejects with an NsqError; the connection is then closed, and its owner is not called.
   */
  async open(): Promise<Grant> {
    const opening = Promise.withResolvers<Grant>();
    this.#opening = opening;
    this.#timer.setIn(this.#settings.connectTimeoutMs);
    const { compression } = this.#settings;
    try {
      if (compression !== null) this.#codecMaker = await loadCodec(compression);
    } catch (error) {
      this.destroy(
        error instanceof NsqError ? error : this.#error('PROTOCOL_ERROR', 'load', error),
      );
    }
    if (this.#stage === 'connecting') this.#connect();
    else opening.reject(this.#lost(null));
    return opening.promise;
  }

  /** Registers the receiver of the next answer. */
  expect(responder: Responder): void {
    if (this.#stage === 'closed') responder.onError(this.#lost(null));
    else this.#questions.push(responder);
  }

  /** Sends a command made of these words and resolves with its answer. Errors: rejects with an NsqError. */
  ask(...words: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.commands.bytes(line(...words));
      this.expect({ onAnswer: resolve, onError: reject });
    });
  }

  /** Sends pending output, then closes. Unanswered commands get an error. */
  end(): void {
    if (this.#stage !== 'ready') {
      this.destroy(null);
      return;
    }
    this.#stage = 'ending';
    this.commands.flush();
    this.#transport?.end();
    this.#timer.setIn(END_MS);
  }

  /**
   * Closes at once. Unanswered commands and the owner get the error, or if it is null, that the connection was
   * closed.
   */
  destroy(error: NsqError | null): void {
    if (this.#stage !== 'closed') this.#finish(error);
  }

  /** Called by the reader. */
  onFrame(type: number, bytes: Buffer, at: number, end: number): void {
    if (type === MESSAGE) {
      if (this.#stage !== 'ready') return;
      this.#hasMessages = true;
      this.#owner.onMessage(bytes, at, end);
      return;
    }
    const isOk = end - at === OK_BYTES && bytes[at] === O && bytes[at + 1] === K;
    const text = isOk ? 'OK' : bytes.toString('latin1', at, end);
    if (type === RESPONSE && text === HEARTBEAT) {
      this.commands.bytes(NOP);
    } else if (type > MESSAGE) {
      this.onBadFrame(impossibleType(type));
    } else if (this.#stage === 'ready' || this.#stage === 'ending') {
      this.#answer(type, text);
    } else {
      // the following bytes may belong to another layer
      this.#reader.stop();
      if (type === ERROR) this.destroy(refusalError(text, { address: this.address.text }));
      else this.#handshakeAnswer = text;
    }
  }

  /** Called by the reader. */
  onBadFrame(text: string): void {
    this.destroy(this.#error('PROTOCOL_ERROR', `the broker ${this.address.text} sent ${text}`));
  }

  #connect(): void {
    const stream = this.#environment.connect(this.address);
    this.#transport = new Transport(stream, this);
    stream.once('connect', () => {
      if (this.#stage !== 'connecting') return;
      this.#stage = 'identify';
      this.commands.bytes(MAGIC);
      this.commands.bytes(identify(identifyFields(this.#settings, this.#wishes)));
    });
  }

  /** Called by the transport. */
  onData(bytes: Buffer): void {
    this.heardMs = this.#environment.clock.monotonicMs();
    this.#read(bytes);
    if (!this.#hasMessages) return;
    this.#hasMessages = false;
    this.#owner.onMessages();
  }

  #read(bytes: Buffer): void {
    const reader = this.#reader;
    reader.read(bytes);
    const answer = this.#handshakeAnswer;
    if (answer === null) return;
    this.#handshakeAnswer = null;
    this.#reader = new FrameReader(this, this.#settings.maxFrameBytes);
    this.#onHandshake(answer, reader.rest);
  }

  #answer(type: number, text: string): void {
    if (type === RESPONSE) {
      const responder = this.#questions.shift();
      if (responder === undefined) this.onBadFrame(`"${text}", which answers nothing`);
      else responder.onAnswer(text);
      return;
    }
    const error = refusalError(text, { address: this.address.text });
    if (PASSING.test(text)) {
      this.#owner.onRefusal(error);
      return;
    }
    // The broker closes the connection after any other error and ignores later commands.
    const responder = this.#questions.shift();
    responder?.onError(error);
    this.destroy(responder === undefined ? error : this.#lost(error));
  }

  /** Handles an answer during the handshake; `rest` is the input after it. */
  #onHandshake(text: string, rest: Buffer): void {
    switch (this.#stage) {
      case 'identify':
        this.#onGrant(text, rest);
        break;
      case 'tls':
        if (this.#isOk(text, 'TLS')) this.#compress(rest);
        break;
      case 'compression':
        if (this.#isOk(text, 'compression')) this.#authorize(rest);
        break;
      case 'auth':
        this.#becomeReady(rest);
        break;
      default:
        this.onBadFrame(`"${text}" before it was asked`);
    }
  }

  #isOk(text: string, layer: string): boolean {
    if (text === 'OK') return true;
    this.onBadFrame(`"${text}" after the beginning of ${layer}`);
    return false;
  }

  #onGrant(text: string, rest: Buffer): void {
    const { tls } = this.#settings;
    try {
      this.#grant = parseGrant(text, this.address.text);
    } catch (error) {
      this.destroy(error instanceof NsqError ? error : this.#lost(error));
      return;
    }
    if (tls === null) {
      this.#compress(rest);
      return;
    }
    if (!this.#grant.hasTls) {
      const what = `the broker ${this.address.text} does not speak TLS`;
      this.destroy(this.#error('CONNECT_FAILED', what));
      return;
    }
    if (rest.length > 0) {
      this.onBadFrame('plain bytes where TLS begins');
      return;
    }
    this.#stage = 'tls';
    const { host } = this.address;
    const servername = /^[\d.]+$|:/.test(host) ? undefined : host;
    const options = servername === undefined ? { host, ...tls } : { servername, ...tls };
    this.#transport?.startTls(options).catch((cause: unknown) => this.destroy(this.#lost(cause)));
  }

  #compress(rest: Buffer): void {
    const granted = this.#grant?.compression ?? null;
    const maker = this.#codecMaker;
    if (granted === null || maker === null) {
      this.#authorize(rest);
      return;
    }
    this.#stage = 'compression';
    this.#transport?.startCodec(maker(this.#grant?.deflateLevel ?? 1), rest);
  }

  #authorize(rest: Buffer): void {
    if (this.#grant?.needsAuth !== true) {
      this.#becomeReady(rest);
      return;
    }
    const { authSecret } = this.#settings;
    if (authSecret === null) {
      const what = `the broker ${this.address.text} requires AUTH, but the option authSecret is not set`;
      this.destroy(this.#error('E_AUTH_FIRST', what));
      return;
    }
    this.#stage = 'auth';
    this.commands.bytes(line('AUTH'));
    this.commands.bytes(sized(authSecret));
    if (rest.length > 0) this.#read(rest);
  }

  #becomeReady(rest: Buffer): void {
    const grant = this.#grant;
    if (grant === null) return;
    this.#stage = 'ready';
    this.#wasReady = true;
    this.#timer.clear();
    this.#watch(this.heardMs);
    this.#opening?.resolve(grant);
    this.#opening = null;
    if (rest.length > 0) this.#read(rest);
  }

  /** Sets the timer for when the broker has been silent for too long since `nowMs`. */
  #watch(nowMs: number): void {
    const silentMs = SILENT_INTERVALS * this.#settings.heartbeatIntervalMs;
    if (silentMs > 0) this.#timer.setIn(this.heardMs + silentMs - nowMs);
  }

  #onTimer(nowMs: number): void {
    if (this.#stage === 'ending') this.#finish(null);
    else if (this.#stage === 'ready') this.#checkSilence(nowMs);
    else {
      const { connectTimeoutMs } = this.#settings;
      const what = `connecting to ${this.address.text} took more than ${connectTimeoutMs} ms`;
      this.destroy(this.#error('CONNECT_FAILED', what));
    }
  }

  #checkSilence(nowMs: number): void {
    const silentMs = SILENT_INTERVALS * this.#settings.heartbeatIntervalMs;
    const what = `the broker ${this.address.text} has been silent for ${silentMs} ms`;
    if (nowMs < this.heardMs + silentMs) this.#watch(nowMs);
    else this.destroy(this.#error('CONNECTION_LOST', what));
  }

  /** Called by the transport. */
  onDrain(): void {
    this.#owner.onDrain();
  }

  /** Called by the transport. */
  onClose(cause: Error | null): void {
    if (this.#stage === 'ending') this.#finish(null);
    else if (this.#stage !== 'closed') this.destroy(this.#lost(cause));
  }

  /** Ends the connection, once. */
  #finish(error: NsqError | null): void {
    this.#stage = 'closed';
    this.#timer.clear();
    this.#reader.stop();
    this.commands.close();
    this.#transport?.destroy(null);
    const told = error ?? this.#error('CONNECTION_LOST', `left the broker ${this.address.text}`);
    for (let next = this.#questions.shift(); next !== undefined; next = this.#questions.shift()) {
      next.onError(told);
    }
    if (this.#wasReady) this.#owner.onClose(error);
    else this.#opening?.reject(told);
    this.#opening = null;
  }

  #lost(cause: unknown): NsqError {
    const text = cause === null ? 'it was closed' : errorText(cause);
    const { text: name } = this.address;
    if (this.#wasReady) {
      return this.#error('CONNECTION_LOST', `the connection to ${name} is lost: ${text}`, cause);
    }
    const action = this.#stage === 'tls' ? 'TLS with' : 'connecting to';
    return this.#error('CONNECT_FAILED', `${action} ${name} failed: ${text}`, cause);
  }

  #error(code: string, text: string, cause?: unknown): NsqError {
    return new NsqError(code, text, { address: this.address.text, cause: cause ?? undefined });
  }
}
