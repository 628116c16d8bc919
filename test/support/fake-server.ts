/** An HTTP server that records its requests, and answers what a test wants. */

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Journal } from './journal.ts';

/** An answer: JSON, or a status with a text. */
type FakeAnswer = object | { readonly status: number; readonly text: string };

export class FakeServer {
  /** `GET /path?query`, with ` <body>` if there is one. */
  readonly journal = new Journal();
  /** The headers of the last request. */
  headers: IncomingHttpHeaders = {};
  readonly #server: Server;
  #isSilent = false;

  /** `answers` by path; the answer for other paths is 404. */
  static async start(
    t: TestContext,
    answers: Record<string, (query: URLSearchParams) => FakeAnswer>,
  ): Promise<FakeServer> {
    const fake = new FakeServer(answers);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    t.after(() => {
      fake.#server.closeAllConnections();
      fake.#server.close();
    });
    return fake;
  }

  private constructor(answers: Record<string, (query: URLSearchParams) => FakeAnswer>) {
    this.#server = createServer((request, response) => {
      const { method = '', url = '' } = request;
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        const { pathname, searchParams } = new URL(url, 'http://x');
        const answer = answers[pathname]?.(searchParams) ?? { status: 404, text: 'NOT_FOUND' };
        this.headers = request.headers;
        this.journal.add(`${method} ${url}${body === '' ? '' : ` ${body}`}`);
        if (this.#isSilent) return;
        const isPlain = 'status' in answer && 'text' in answer;
        response.statusCode = isPlain ? Number(answer.status) : 200;
        response.end(isPlain ? answer.text : JSON.stringify(answer));
      });
    });
  }

  /** Stops answering. */
  hold(): void {
    this.#isSilent = true;
  }

  get port(): number {
    // It listens on a port.
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }
}
