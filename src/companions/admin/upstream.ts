/**
 * Requests to nsqlookupds and nsqds, with the texts of their failures.
 *
 * Bound: an answer has at most RESPONSE_BYTES_MAX.
 *
 * Thread: main.
 * Source: nsq `http_api.Client`, `clusterinfo.ErrList`. Differs in sending all posts of an action at once.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { parseJson } from '../../daemon/go/json.ts';
import { joinHostPort } from '../../daemon/host-port.ts';
import { reasonPhrase } from '../../daemon/http/answer.ts';
import { HttpClient, type HttpClientSetup, type HttpResponse } from '../../daemon/http-client.ts';
import type { Logger } from '../../daemon/log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import { errorText } from '../../shared/error-text.ts';
import { httpErrorText } from '../../shared/wrong-port.ts';

/** The kind of server, as the log names it. */
type UpstreamKind = 'nsqd' | 'nsqlookupd';

/** The answers of the servers, and the failures of the others. */
export type Gathered<T> = { readonly value: T; readonly errors: readonly string[] };

/** No server has answered. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
}

/** Ample for the statistics of 50,000 channels. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;
const OK_STATUS = 200;
/** Go's words for a failed connection. */
const DIAL_FAILURES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connect: connection refused'],
  ['EHOSTUNREACH', 'connect: no route to host'],
  ['ENETUNREACH', 'connect: network is unreachable'],
  ['ETIMEDOUT', 'i/o timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'i/o timeout'],
]);

export class Upstream {
  readonly client: HttpClient;
  readonly #logger: Pick<Logger, 'info' | 'debug'>;
  #requestCount = 0;
  #failedCount = 0;

  constructor(
    setup: Omit<HttpClientSetup, 'responseBytesMax'>,
    logger: Pick<Logger, 'info' | 'debug'>,
  ) {
    this.client = new HttpClient({ ...setup, responseBytesMax: RESPONSE_BYTES_MAX });
    this.#logger = logger;
  }

  /** The number of requests. */
  statistics(): {
    readonly upstreamRequestCount: number;
    readonly failedUpstreamRequestCount: number;
  } {
    return {
      upstreamRequestCount: this.#requestCount,
      failedUpstreamRequestCount: this.#failedCount,
    };
  }

  /** The JSON of an answer. Errors: rejects with the text for the operator. */
  async get(kind: UpstreamKind, url: string): Promise<unknown> {
    return parsed((await this.getBytes(kind, url)).toString());
  }

  /** The bytes of an answer. Errors: as `get`. */
  async getBytes(kind: UpstreamKind, url: string): Promise<Buffer> {
    this.#logger.info(`CI: querying ${kind} ${url}`);
    return this.#body('Get', url, () => this.client.get(url));
  }

  /** As `getBytes`, for what is asked again and again. */
  async poll(kind: UpstreamKind, url: string): Promise<Buffer> {
    this.#logger.debug(`CI: querying ${kind} ${url}`);
    return this.#body('Get', url, () => this.client.get(url));
  }

  /** The status of an answer; null without one. */
  async statusOf(url: string): Promise<number | null> {
    this.#requestCount++;
    try {
      return (await this.client.get(url)).status;
    } catch (error) {
      rethrowBug(error);
      this.#failedCount++;
      return null;
    }
  }

  /** Errors: as `get`. */
  async post(kind: UpstreamKind, url: string): Promise<void> {
    this.#logger.info(`CI: querying ${kind} ${url}`);
    await this.#body('Post', url, () => this.client.post(url));
  }

  /** Posts to all addresses. Returns the failures, in the order of the addresses. */
  async postAll(
    kind: UpstreamKind,
    addresses: readonly string[],
    pathAndQuery: string,
  ): Promise<string[]> {
    const failures = addresses.map((address) =>
      this.post(kind, `http://${address}${pathAndQuery}`).then(() => [], failureOf),
    );
    return (await Promise.all(failures)).flat();
  }

  /** Queries all addresses. Errors: rejects with `UpstreamError` if none answers, or if there are none. */
  async ask<Asked, T>(
    kind: UpstreamKind,
    all: readonly Asked[],
    ask: (one: Asked) => Promise<T>,
  ): Promise<Gathered<readonly T[]>> {
    const values: T[] = [];
    const errors: string[] = [];
    const askOne = async (one: Asked): Promise<void> => {
      try {
        values.push(await ask(one));
      } catch (error) {
        errors.push(...failureOf(error));
      }
    };
    await Promise.all(all.map(askOne));
    if (errors.length === all.length) {
      throw new UpstreamError(`failed to query any ${kind}: ${errors.join('\n')}`);
    }
    return { value: values, errors };
  }

  async #body(
    method: 'Get' | 'Post',
    url: string,
    send: () => Promise<HttpResponse>,
  ): Promise<Buffer> {
    let response: HttpResponse;
    this.#requestCount++;
    try {
      response = await send();
    } catch (error) {
      rethrowBug(error);
      this.#failedCount++;
      throw new Error(`${method} ${goQuote(url)}: ${networkText(error)}`, { cause: error });
    }
    const { status, body } = response;
    if (status === OK_STATUS) return body;
    this.#failedCount++;
    throw new Error(`got response ${status} ${reasonPhrase(status)} ${goQuote(body)}`);
  }
}

/** The text of a failure. Errors: rethrows bugs. */
export function failureOf(error: unknown): string[] {
  rethrowBug(error);
  return [errorText(error)];
}

function parsed(text: string): unknown {
  const value = parseJson(text);
  if (value === undefined) throw new Error('invalid JSON in the answer');
  return value;
}

/** Source: Go's `net.OpError`. */
function networkText(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { code, address, port } = (cause ?? {}) as {
    code?: unknown;
    address?: unknown;
    port?: unknown;
  };
  const words = typeof code === 'string' ? DIAL_FAILURES.get(code) : undefined;
  if (words === undefined) return httpErrorText(cause);
  return typeof address === 'string' && typeof port === 'number'
    ? `dial tcp ${joinHostPort(address, port)}: ${words}`
    : `dial tcp: ${words}`;
}
