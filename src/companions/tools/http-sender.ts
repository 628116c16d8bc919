/**
 * Makes an HTTP request for each message.
 *
 * Bound: `connectionsMax` connections to a server; further requests wait within their timeout. At most 128 KiB of an
 * answer's body are read, so that the connection can be reused; a longer body closes it.
 *
 * Thread: main.
 * Source: nsq_to_http `PostPublisher`, `GetPublisher`.
 */

import type { Dispatcher, request as sendRequest } from 'undici';
import type { HttpClientTls } from '../../daemon/http-client.ts';
import type { Clock } from '../../shared/clock.ts';
import { queryEscape } from '../query-escape.ts';

/** How requests are made. Units: ms. */
type HttpSenderSetup = {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly connectionsMax: number;
  readonly tls: HttpClientTls;
  readonly clock: Clock;
};

/** As Go's client. */
const REDIRECTIONS_MAX = 10;
const ANSWER_BYTES_MAX = 128 * 1024;
const OK_STATUS = 200;
const SUCCESS_END = 300;
/** The placeholder for the message in a GET address. */
const BODY_PLACE = '%s';

export class HttpSender {
  readonly #setup: HttpSenderSetup;
  readonly #agent: Dispatcher;
  readonly #dispatcher: Dispatcher;
  readonly #request: typeof sendRequest;

  private constructor(
    setup: HttpSenderSetup,
    agent: Dispatcher,
    dispatcher: Dispatcher,
    request: typeof sendRequest,
  ) {
    this.#setup = setup;
    this.#agent = agent;
    this.#dispatcher = dispatcher;
    this.#request = request;
  }

  static async open(setup: HttpSenderSetup): Promise<HttpSender> {
    const { Agent, interceptors, request } = await import('undici');
    const agent = new Agent({
      connections: setup.connectionsMax,
      connect: { ...setup.tls, timeout: setup.connectTimeoutMs },
      // The request timeout covers these phases.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const redirect = interceptors.redirect({ maxRedirections: REDIRECTIONS_MAX });
    return new HttpSender(setup, agent, agent.compose(redirect), request);
  }

  /** Resolves when the server has accepted the message: 2xx for POST, 200 for GET. */
  async send(address: string, message: Buffer): Promise<void> {
    const { method, headers, requestTimeoutMs, clock } = this.#setup;
    const isPost = method === 'POST';
    const url = isPost ? address : address.replace(BODY_PLACE, () => queryEscape(message));
    const abort = new AbortController();
    const timer = clock.after(requestTimeoutMs, () => {
      abort.abort(new Error(`no answer within ${requestTimeoutMs} ms`));
    });
    try {
      const { statusCode, body } = await this.#request(url, {
        method,
        headers,
        body: isPost ? message : null,
        dispatcher: this.#dispatcher,
        signal: abort.signal,
      });
      await body.dump({ limit: ANSWER_BYTES_MAX });
      const isTaken = isPost
        ? statusCode >= OK_STATUS && statusCode < SUCCESS_END
        : statusCode === OK_STATUS;
      if (!isTaken) throw new Error(`got status code ${statusCode}`);
    } finally {
      timer.cancel();
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
