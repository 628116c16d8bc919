/**
 * A consumer's connection to a broker in the same process. It exchanges the same commands and messages as a socket,
 * with the same pumps.
 *
 * Thread: main.
 */

import type { ConnectionOwner } from '../client/connection-owner.ts';
import type { ConsumerConnection } from '../client/consumer-connection.ts';
import { FrameReader } from '../client/frame-reader.ts';
import type { ConsumerWishes, Grant } from '../client/negotiation.ts';
import { NsqError, refusalError } from '../client/nsq-error.ts';
import { NSQD_VERSION } from '../daemon/version.ts';
import type { LocalClient, LocalConsumer } from '../main/local/local-client.ts';
import type { LocalClients, LocalSettings } from '../main/local/local-clients.ts';
import type { Options } from '../main/options/options.ts';
import type { ClientError } from '../protocol/client-error.ts';
import type { Clock } from '../shared/clock.ts';
import { MESSAGE_ID_BYTES } from '../shared/limits.ts';
import { parseHexWord } from '../shared/message-id.ts';
import { parseChannelName, parseTopicName } from '../shared/names.ts';

/** The frames are the broker's own. */
const FRAME_BYTES_MAX = 2 ** 31 - 1;
const WORD_DIGITS = MESSAGE_ID_BYTES / 2;
const MESSAGE = 2;

/** The part of the broker that a connection needs. */
type LocalBroker = {
  readonly clients: LocalClients;
  readonly options: Options;
  readonly clock: Clock;
};

export class LocalConnection implements ConsumerConnection, LocalConsumer {
  readonly commands = this;
  heardMs: number;

  readonly #broker: LocalBroker;
  readonly #settings: LocalSettings;
  readonly #address: string;
  readonly #owner: ConnectionOwner;
  readonly #reader = new FrameReader(this, FRAME_BYTES_MAX);
  #client: LocalClient | null = null;

  constructor(
    broker: LocalBroker,
    address: string,
    { sampleRate, msgTimeoutMs }: ConsumerWishes,
    owner: ConnectionOwner,
  ) {
    this.#broker = broker;
    this.#settings = {
      clientId: `${process.pid}`,
      hostname: '',
      userAgent: 'ringmq (embedded)',
      sampleRate,
      msgTimeoutMs: msgTimeoutMs ?? null,
    };
    this.#address = address;
    this.#owner = owner;
    this.heardMs = broker.clock.monotonicMs();
  }

  get isReady(): boolean {
    return this.#client !== null;
  }

  async open(): Promise<Grant> {
    const { clients, options } = this.#broker;
    const { maxRdyCount, maxMsgTimeoutMs } = options;
    this.#client = clients.connect(this.#settings, this);
    return {
      maxRdy: maxRdyCount,
      msgTimeoutMs: Math.min(this.#settings.msgTimeoutMs ?? options.msgTimeoutMs, maxMsgTimeoutMs),
      maxMsgTimeoutMs,
      hasTls: false,
      compression: null,
      deflateLevel: options.maxDeflateLevel,
      needsAuth: false,
      version: NSQD_VERSION,
    };
  }

  async ask(command: string, topicText = '', channelText = ''): Promise<string> {
    const client = this.#client;
    if (client === null) throw new NsqError('CONNECTION_LOST', 'the broker is closed');
    if (command === 'CLS') {
      await client.stop();
      return 'CLOSE_WAIT';
    }
    const topic = parseTopicName(topicText);
    const channel = parseChannelName(channelText);
    if (topic === undefined || channel === undefined) {
      throw new NsqError('E_INVALID', `there is no channel ${topicText}/${channelText}`);
    }
    const error = await client.subscribe(topic, channel);
    if (error !== null) throw this.#refused(error);
    return 'OK';
  }

  setReady(count: number): void {
    this.#client?.setReady(count);
  }

  finish(source: Buffer, idAt: number): void {
    const low = parseHexWord(source, idAt + WORD_DIGITS);
    this.#client?.finish(parseHexWord(source, idAt), low);
  }

  requeue(source: Buffer, idAt: number, delayMs: number): void {
    const low = parseHexWord(source, idAt + WORD_DIGITS);
    this.#client?.requeue(parseHexWord(source, idAt), low, delayMs);
  }

  touch(source: Buffer, idAt: number): void {
    const low = parseHexWord(source, idAt + WORD_DIGITS);
    this.#client?.touch(parseHexWord(source, idAt), low);
  }

  end(): void {
    this.#client?.leave();
  }

  destroy(): void {
    this.end();
  }

  /** Called by the client. */
  onFrames(frames: Buffer): void {
    this.heardMs = this.#broker.clock.monotonicMs();
    this.#reader.read(frames);
    this.#owner.onMessages();
  }

  /** Called by the client. */
  onRefusal(error: ClientError): void {
    this.#owner.onRefusal(this.#refused(error));
  }

  /** Called by the client. */
  onEnd(): void {
    this.#client = null;
    this.#reader.stop();
    this.#owner.onClose(null);
  }

  /** Called by the reader. */
  onFrame(type: number, bytes: Buffer, at: number, end: number): void {
    if (type === MESSAGE) this.#owner.onMessage(bytes, at, end);
    else this.onBadFrame(`a frame of type ${type}`);
  }

  /** Called by the reader. */
  onBadFrame(text: string): void {
    throw new NsqError('PROTOCOL_ERROR', `the broker sent ${text}`);
  }

  #refused(error: ClientError): NsqError {
    return refusalError(error.data.toString(), { address: this.#address });
  }
}
