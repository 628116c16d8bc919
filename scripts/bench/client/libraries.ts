/** The client libraries that are compared, each behind the same few methods. */

import { once } from 'node:events';
import { Consumer } from '../../../src/client/consumer.ts';
import { Producer } from '../../../src/client/producer.ts';

/** Their names in the report. nsqjs is measured where it is installed. */
export const LIBRARIES = ['ringmq/client', 'nsqjs'] as const;
export type LibraryName = (typeof LIBRARIES)[number];

const CHANNEL = 'bench';
const HOST = '127.0.0.1';

/** Publishes to one topic. */
type Publisher = {
  /** Resolves when the broker has answered. */
  publish(body: Buffer): Promise<void>;
  close(): void | Promise<void>;
};

/** The parameters of a consumer. */
type Consuming = { close(): void | Promise<void> };

/** A library. */
export type Library = {
  /** Resolves when it is connected. */
  publisher(port: number, topic: string): Promise<Publisher>;
  /** Calls `onMessage` with each message, then finishes it. Resolves when the consumer is connected. */
  consumer(
    port: number,
    topic: string,
    maxInFlight: number,
    onMessage: (body: Buffer) => void,
  ): Promise<Consuming>;
};

/** Errors: rejects if the library is not installed. */
export async function loadLibrary(name: LibraryName): Promise<Library> {
  return name === 'nsqjs' ? new Nsqjs(await loadNsqjs()) : new RingmqClient();
}

class RingmqClient implements Library {
  async publisher(port: number, topic: string): Promise<Publisher> {
    const producer = new Producer({ nsqd: [`${HOST}:${port}`] });
    await producer.connect();
    return {
      publish: (body) => producer.publish(topic, body),
      close: () => producer.close(),
    };
  }

  async consumer(
    port: number,
    topic: string,
    maxInFlight: number,
    onMessage: (body: Buffer) => void,
  ): Promise<Consuming> {
    const nsqd = [`${HOST}:${port}`];
    const consumer = new Consumer({ topic, channel: CHANNEL, nsqd, maxInFlight });
    const connected = once(consumer, 'connect');
    const concurrency = maxInFlight;
    void consumer.run((message) => onMessage(message.body), { concurrency });
    await connected;
    return consumer;
  }
}

/** The part of nsqjs that is used here; the package has no types. */
type NsqjsModule = {
  Writer: new (
    host: string,
    port: number,
  ) => NodeJS.EventEmitter & {
    connect(): void;
    close(): void;
    publish(topic: string, body: Buffer, callback: (error?: Error | null) => void): void;
  };
  Reader: new (
    topic: string,
    channel: string,
    options: object,
  ) => NodeJS.EventEmitter & { connect(): void; close(): void };
};

async function loadNsqjs(): Promise<NsqjsModule> {
  // a variable, so that the compiler does not resolve the package, which may be missing
  const name: string = 'nsqjs';
  const { default: nsqjs } = (await import(name)) as { default: NsqjsModule };
  return nsqjs;
}

class Nsqjs implements Library {
  readonly #module: NsqjsModule;

  constructor(module: NsqjsModule) {
    this.#module = module;
  }

  async publisher(port: number, topic: string): Promise<Publisher> {
    const writer = new this.#module.Writer(HOST, port);
    const ready = once(writer, 'ready');
    writer.connect();
    await ready;
    return {
      publish: (body) =>
        new Promise((resolve, reject) => {
          writer.publish(topic, body, (error) => (error ? reject(error) : resolve()));
        }),
      close: () => writer.close(),
    };
  }

  async consumer(
    port: number,
    topic: string,
    maxInFlight: number,
    onMessage: (body: Buffer) => void,
  ): Promise<Consuming> {
    const options = { nsqdTCPAddresses: `${HOST}:${port}`, maxInFlight };
    const reader = new this.#module.Reader(topic, CHANNEL, options);
    reader.on('message', (message: { readonly body: Buffer; finish(): void }) => {
      onMessage(message.body);
      message.finish();
    });
    const connected = once(reader, 'nsqd_connected');
    reader.connect();
    await connected;
    return reader;
  }
}
