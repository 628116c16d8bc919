/**
 * The part of the client library nsqjs that tests use; it has no types.
 *
 * Thread: main.
 */

import { type EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import type { CleanUp } from './broker-process.ts';

/** What can be published: bytes, text, or any other value as JSON. */
type Body = string | Buffer | object;
type Callback = (error?: Error | null) => void;

/** A received message. */
export interface NsqMessage {
  readonly id: string;
  readonly attempts: number;
  readonly body: Buffer;
  finish(): void;
  requeue(delayMs?: number, backoff?: boolean): void;
  touch(): void;
}

interface Writer extends EventEmitter {
  connect(): void;
  close(): void;
  publish(topic: string, messages: Body | readonly Body[], callback: Callback): void;
  deferPublish(topic: string, messages: readonly [Body], delayMs: number, callback: Callback): void;
}

/** A reader that is connected, or will be. */
export interface NsqReader extends EventEmitter {
  connect(): void;
  close(): void;
  pause(): void;
  unpause(): void;
  on(event: 'message' | 'discard', listener: (message: NsqMessage) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}

/** Options of a connection, of a reader or of a publisher: its layers, or a secret. */
export type ConnectionOptions = {
  readonly tls?: boolean;
  /** Authorities, in PEM. */
  readonly ca?: Buffer;
  readonly snappy?: boolean;
  readonly deflate?: boolean;
  readonly authSecret?: string;
};

/** Options of a reader that tests set. Units: `messageTimeout`, `requeueDelay` in ms. */
export type ReaderOptions = ConnectionOptions & {
  readonly maxInFlight?: number;
  readonly maxAttempts?: number;
  readonly messageTimeout?: number;
  readonly requeueDelay?: number;
};

const require = createRequire(import.meta.url);
// the part of the library that is used here
const nsqjs = require('nsqjs') as {
  Reader: new (
    topic: string,
    channel: string,
    options: ReaderOptions & { nsqdTCPAddresses: readonly string[] },
  ) => NsqReader;
  Writer: new (host: string, port: number, options: ConnectionOptions) => Writer;
};

/** Publishes, and waits until the broker has confirmed it. */
export class Publisher {
  readonly #writer: Writer;

  /**
   * Connects; closed when the test ends, unless it is closed before.
   * Errors: rejects if a layer cannot be added to the connection, or if the secret is refused.
   */
  static async connect(
    t: CleanUp,
    { tcpPort }: BrokerProcess,
    options: ConnectionOptions = {},
  ): Promise<Publisher> {
    const writer = new nsqjs.Writer('127.0.0.1', tcpPort, options);
    const ready = once(writer, 'ready');
    writer.connect();
    t.after(async () => writer.close());
    await ready;
    // A writer reports its own closing as an error, because CLS is not a command for publishers.
    writer.on('error', () => undefined);
    return new Publisher(writer);
  }

  private constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** One message, or a list of messages with one command. */
  publish(topic: string, messages: Body | readonly Body[]): Promise<void> {
    return confirmed((callback) => this.#writer.publish(topic, messages, callback));
  }

  defer(topic: string, message: Body, delayMs: number): Promise<void> {
    return confirmed((callback) => this.#writer.deferPublish(topic, [message], delayMs, callback));
  }

  async close(): Promise<void> {
    const closed = once(this.#writer, 'closed');
    this.#writer.close();
    await closed;
  }
}

/** Creates a reader and connects it; errors that it reports are kept in `errors`. Closed when the test ends. */
export function openReader(
  t: CleanUp,
  { tcpPort }: BrokerProcess,
  topic: string,
  channel: string,
  onMessage: (message: NsqMessage) => void,
  options: ReaderOptions = {},
): { reader: NsqReader; errors: Error[] } {
  const reader = new nsqjs.Reader(topic, channel, {
    nsqdTCPAddresses: [`127.0.0.1:${tcpPort}`],
    ...options,
  });
  const errors: Error[] = [];
  reader.on('message', onMessage);
  reader.on('error', (error) => errors.push(error));
  reader.connect();
  t.after(async () => reader.close());
  return { reader, errors };
}

function confirmed(send: (callback: Callback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    send((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
