/**
 * A writer of nsqjs that has options: layers upon its connection, or a secret.
 *
 * Thread: main.
 */

import { type EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import type { CleanUp } from './broker-process.ts';

/** What a connection of nsqjs, reader or writer, can have upon it. */
export type LayerOptions = {
  readonly tls?: boolean;
  /** Authorities, in PEM. */
  readonly ca?: Buffer;
  readonly snappy?: boolean;
  readonly deflate?: boolean;
  readonly authSecret?: string;
};

interface Writer extends EventEmitter {
  connect(): void;
  close(): void;
  publish(topic: string, messages: readonly Buffer[], callback: (error?: Error) => void): void;
}

const require = createRequire(import.meta.url);
// the library's own shape, as far as it is used here
const library = require('nsqjs') as {
  Writer: new (host: string, port: number, options: LayerOptions) => Writer;
};

export class LayeredWriter {
  readonly #writer: Writer;

  /** Connects; closed when the test ends. Errors: rejects when a layer cannot be put on. */
  static async connect(
    t: CleanUp,
    { tcpPort }: BrokerProcess,
    options: LayerOptions,
  ): Promise<LayeredWriter> {
    const writer = new library.Writer('127.0.0.1', tcpPort, options);
    const ready = once(writer, 'ready');
    writer.connect();
    t.after(async () => writer.close());
    await ready;
    // A writer tells of its own closing as an error: CLS is no command of publishers.
    writer.on('error', () => undefined);
    return new LayeredWriter(writer);
  }

  private constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** Publishes with one command. Resolves when the broker has confirmed it. */
  publish(topic: string, messages: readonly Buffer[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writer.publish(topic, messages, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
