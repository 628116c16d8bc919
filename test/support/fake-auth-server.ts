/**
 * An auth server that answers what a test wants, when it wants.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { joinHostPort } from '../../src/daemon/host-port.ts';
import type { CleanUp } from './broker-process.ts';
import { Journal } from './journal.ts';

/** What a client is permitted. */
export type Authorization = {
  readonly topic: string;
  readonly channels: readonly string[];
  readonly permissions: readonly string[];
};

/** The answer with status 200. Units: `ttl` in seconds. */
export type AuthAnswer = {
  readonly ttl: number;
  readonly identity: string;
  readonly identity_url?: string;
  readonly authorizations: readonly Authorization[];
};

const STATUS_REFUSED = 403;

export class FakeAuthServer {
  /** `<method> <path and query>` of every request. */
  readonly journal = new Journal();
  /** The answer for the client with this secret; a string is sent unchanged, undefined with status 403. */
  answer: (secret: string) => AuthAnswer | string | undefined;

  readonly #held: (() => void)[] = [];
  /** Requests wait until they are released. */
  isHolding = false;
  #address = '';

  static async start(
    t: CleanUp,
    answer: (secret: string) => AuthAnswer | string | undefined,
    host = '127.0.0.1',
  ): Promise<FakeAuthServer> {
    const fake = new FakeAuthServer(answer);
    const server = createServer(({ method, url = '' }, response) => {
      fake.#onQuestion(`${method} ${url}`, url, response);
    });
    await once(server.listen(0, host), 'listening');
    t.after(async () => {
      server.close();
      server.closeAllConnections();
    });
    // a server that listens on a port has such an address
    fake.#address = joinHostPort(host, (server.address() as AddressInfo).port);
    return fake;
  }

  private constructor(answer: (secret: string) => AuthAnswer | string | undefined) {
    this.answer = answer;
  }

  /** Shape: host:port. */
  get address(): string {
    return this.#address;
  }

  /** Answers the requests that it has held back. */
  release(): void {
    this.isHolding = false;
    for (const answer of this.#held.splice(0)) answer();
  }

  #onQuestion(line: string, url: string, response: ServerResponse): void {
    const secret = new URL(url, 'http://localhost').searchParams.get('secret') ?? '';
    const answer = (): void => {
      const given = this.answer(secret);
      if (given === undefined) response.writeHead(STATUS_REFUSED).end('no');
      else response.end(typeof given === 'string' ? given : JSON.stringify(given));
    };
    if (this.isHolding) this.#held.push(answer);
    else answer();
    this.journal.add(line);
  }
}
