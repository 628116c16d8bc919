/**
 * RingMQ's nsqlookupd within the test, with a manual clock, and its clients.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Lookupd } from '../../src/companions/lookupd/lookupd.ts';
import {
  completeLookupdOptions,
  type LookupdOptions,
} from '../../src/companions/lookupd/lookupd-options.ts';
import { Guard } from '../../src/daemon/guard.ts';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { type Journal, journalLogger } from './journal.ts';
import { ManualClock } from './manual-clock.ts';
import { wire, withBody } from './wire.ts';

const MACHINE = { hostname: 'machine', parallelism: 1 };
const LOCAL = {
  tcpAddress: '127.0.0.1:0',
  httpAddress: '127.0.0.1:0',
  broadcastAddress: 'look.test',
};

/** The answer that an HTTP client receives. */
export type Got = { readonly status: number; readonly body: unknown };

export class LookupdSite {
  readonly clock = new ManualClock();
  readonly log: Journal;
  readonly guard: Guard;
  readonly #t: TestContext;
  readonly #lookupd: Lookupd;

  static async start(t: TestContext, given: Partial<LookupdOptions> = {}): Promise<LookupdSite> {
    const clock = new ManualClock();
    const { logger, log } = journalLogger();
    const guard = new Guard(clock, logger);
    const options = completeLookupdOptions(
      new Map(Object.entries({ ...LOCAL, ...given })),
      MACHINE,
    );
    if (options instanceof InvalidValue) throw new Error(options.why);
    const lookupd = await Lookupd.start(options, { logger, clock, guard });
    t.after(() => lookupd.close());
    return new LookupdSite(t, lookupd, { clock, log, guard });
  }

  private constructor(
    t: TestContext,
    lookupd: Lookupd,
    { clock, log, guard }: Pick<LookupdSite, 'clock' | 'log' | 'guard'>,
  ) {
    this.#t = t;
    this.#lookupd = lookupd;
    this.clock = clock;
    this.log = log;
    this.guard = guard;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#lookupd.httpPort}`;
  }

  get ports(): { readonly tcp: number; readonly http: number } {
    return { tcp: this.#lookupd.tcpPort, http: this.#lookupd.httpPort };
  }

  /** Changes the timeouts while it runs. Units: ms. */
  setTimes(times: Parameters<Lookupd['setTimes']>[0]): void {
    this.#lookupd.setTimes(times);
  }

  /** A client that has sent nothing yet. */
  async connect(): Promise<LookupClient> {
    const socket = connect({ port: this.#lookupd.tcpPort, host: '127.0.0.1', allowHalfOpen: true });
    this.#t.after(() => socket.destroy());
    await once(socket, 'connect');
    return new LookupClient(socket);
  }

  /** A broker `n<number>.test` that has identified itself, and registers these: `topic` or `topic channel`. */
  async broker(number: number, ...registered: readonly string[]): Promise<LookupClient> {
    const client = await this.connect();
    client.send(wire('  V1'), identify(identityOf(number)));
    await client.reply();
    for (const names of registered) await client.ask(`REGISTER ${names}`);
    return client;
  }

  async get(path: string): Promise<Got> {
    return this.#request('GET', path);
  }

  async post(path: string): Promise<Got> {
    return this.#request('POST', path);
  }

  /** The names of the brokers that consumers of a topic find. */
  async found(topic: string): Promise<string[]> {
    const { body } = await this.get(`/lookup?topic=${encodeURIComponent(topic)}`);
    // The answer of `/lookup` for a known topic.
    const { producers } = body as { producers: { broadcast_address: string }[] };
    return producers.map((producer) => producer.broadcast_address);
  }

  async #request(method: string, path: string): Promise<Got> {
    const response = await fetch(this.url + path, { method, headers: { connection: 'close' } });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }
}

/** A client of the TCP protocol. */
export class LookupClient {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #onNews: () => void = () => undefined;
  #hasEnded = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#onNews();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#hasEnded = true;
        this.#onNews();
      });
    }
  }

  send(...parts: readonly (string | Buffer)[]): void {
    this.socket.write(wire(...parts));
  }

  /** The answer to a command. */
  async ask(command: string): Promise<string> {
    this.send(`${command}\n`);
    return this.reply();
  }

  /** The next answer; empty at the end of the connection. */
  async reply(): Promise<string> {
    for (;;) {
      const size = this.#bytes.length < 4 ? Number.POSITIVE_INFINITY : this.#bytes.readInt32BE(0);
      if (this.#bytes.length >= 4 + size) {
        const text = this.#bytes.toString('utf8', 4, 4 + size);
        this.#bytes = this.#bytes.subarray(4 + size);
        return text;
      }
      if (this.#hasEnded) return '';
      await new Promise<void>((resolve) => {
        this.#onNews = resolve;
      });
    }
  }
}

/** The data of such a broker about itself. */
export function identityOf(number: number): Record<string, unknown> {
  return {
    broadcast_address: `n${number}.test`,
    hostname: `h${number}`,
    tcp_port: 4150 + number,
    http_port: 5150 + number,
    version: '1.3.0',
  };
}

/** The command with its body. */
export function identify(identity: unknown): Buffer {
  const body = typeof identity === 'string' ? identity : JSON.stringify(identity);
  return withBody('IDENTIFY', body);
}
