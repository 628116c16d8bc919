/**
 * HTTP requests to the broker's peers, nsqlookupd and auth servers.
 *
 * The time and the memory of a request are limited, so that a peer that hangs or sends too much costs no more than a
 * failed request. The library is loaded with the first request: most brokers make none, and it takes more memory than
 * all of the broker's own code.
 *
 * Thread: main.
 * Source: nsq `http_api.Client`. Differs in that the request timeout bounds the retry over https
 * as well.
 */

import type { SecureVersion } from 'node:tls';
import { promisify } from 'node:util';
import type { Agent, Dispatcher, request as sendRequest } from 'undici';
import { rethrowBug } from '../shared/assert.ts';
import type { Clock } from '../shared/clock.ts';
import { httpErrorText } from '../shared/wrong-port.ts';
import { parseJson } from './go/json.ts';

/** TLS settings for https; a missing one is Node's default. Shape: `ca`, `cert` and `key` in PEM. */
export type HttpClientTls = {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Buffer;
  readonly minVersion?: SecureVersion;
  readonly rejectUnauthorized?: boolean;
};

/** The settings of a client. Units: ms; a timeout of 0 means no timeout. */
export interface HttpClientSetup {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly tls: HttpClientTls;
  readonly clock: Clock;
  /** Most bytes of an answer, also after decompression; RESPONSE_BYTES_MAX if it is missing. */
  readonly responseBytesMax?: number;
}

/** An answer with any status. Shape: `contentType` is empty where the server names none. */
export type HttpResponse = {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
};

/** A body to send and its content type. */
export type HttpContent = { readonly type: string; readonly text: string };

/**
 * Most bytes of an answer, also after decompression: enough for a topic's 3,900 channels with the longest names, or
 * for more than 1,000 authorizations. Parsing the worst JSON of that size takes main some milliseconds.
 */
const RESPONSE_BYTES_MAX = 256 * 1024;
/** Most connections to one server; further requests wait, within their timeout. */
const CONNECTIONS_MAX = 16;
/** As Go's client. */
const REDIRECTIONS_MAX = 10;
/** The encoding that Go's client requests and decodes. */
const GZIP = 'gzip';
const ACCEPT = 'application/vnd.nsq; version=1.0';
const FORBIDDEN = 403;
/** Codes of errors of a connection that ended before the answer began. */
const CONNECTION_ENDED: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
const PORT_MAX = 65535;

/** A request. Shape: `headers` besides those of every request; `text` is the body. */
type Asked = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string | undefined;
};

/** The library, with this client's connections. */
type Connections = {
  readonly agent: Agent;
  readonly dispatcher: Dispatcher;
  readonly send: typeof sendRequest;
};

export class HttpClient {
  readonly #setup: HttpClientSetup;
  readonly #requestTimeoutMs: number;
  readonly #clock: Clock;
  #connections: Promise<Connections> | undefined;
  #isClosed = false;

  constructor(setup: HttpClientSetup) {
    this.#setup = setup;
    this.#requestTimeoutMs = setup.requestTimeoutMs;
    this.#clock = setup.clock;
  }

  /** Loads the library before the first request, so that this does not wait for it. */
  async load(): Promise<void> {
    await this.#open();
  }

  /** `headers` are sent besides those of every request. Errors: rejects if there is no complete answer in time. */
  get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpResponse> {
    return this.#request({ method: 'GET', url, headers });
  }

  /** Sends a body, or none. Errors: as `get`. */
  post(url: string, content?: HttpContent): Promise<HttpResponse> {
    const headers = content === undefined ? {} : { 'content-type': content.type };
    return this.#request({ method: 'POST', url, headers, text: content?.text });
  }

  /** Closes all connections; pending requests fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // The request that could not load the client has reported why.
    const connections = await this.#connections?.catch(() => undefined);
    await connections?.agent.destroy();
  }

  async #request(asked: Asked): Promise<HttpResponse> {
    const { method, url } = asked;
    const abort = new AbortController();
    const timer =
      this.#requestTimeoutMs === 0
        ? undefined
        : this.#clock.after(this.#requestTimeoutMs, () => {
            abort.abort(new Error(`no answer within ${this.#requestTimeoutMs} ms`));
          });
    try {
      const response = await this.#exchange(asked, abort.signal);
      const secureUrl = response.status === FORBIDDEN ? secureUrlOf(url, response.body) : undefined;
      if (secureUrl === undefined) return response;
      return await this.#exchange({ ...asked, url: secureUrl }, abort.signal);
    } catch (cause) {
      rethrowBug(cause);
      throw new Error(`${method} "${url}" failed - ${httpErrorText(cause)}`, { cause });
    } finally {
      timer?.cancel();
    }
  }

  #open(): Promise<Connections> {
    this.#connections ??= openConnections(this.#setup).catch((error: unknown) => {
      // For example, no descriptor was left; the next request tries again.
      this.#connections = undefined;
      throw error;
    });
    return this.#connections;
  }

  async #exchange(
    { method, url, headers: ownHeaders, text }: Asked,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    if (this.#isClosed) throw new Error('the client is closed');
    const { send, dispatcher } = await this.#open();
    const options = {
      method,
      headers: {
        accept: ACCEPT,
        'accept-encoding': GZIP,
        ...ownHeaders,
      },
      body: text ?? null,
      dispatcher,
      signal,
    };
    const { statusCode, headers, body } = await send(url, options).catch((error: unknown) => {
      // The server may have closed an idle connection just when this request was sent on it. As Go's client, a GET is
      // sent again: it changes nothing. A server that never answers is asked twice.
      if (method !== 'GET' || !isConnectionEnd(error)) throw error;
      return send(url, options);
    });
    const bytes = Buffer.from(await body.arrayBuffer());
    const isPacked = String(headers['content-encoding'] ?? '').toLowerCase() === GZIP;
    const bytesMax = this.#setup.responseBytesMax ?? RESPONSE_BYTES_MAX;
    return {
      status: statusCode,
      contentType: String(headers['content-type'] ?? ''),
      body: isPacked && bytes.length > 0 ? await unpack(bytes, bytesMax) : bytes,
    };
  }
}

async function openConnections(setup: HttpClientSetup): Promise<Connections> {
  const { Agent, interceptors, request } = await import('undici');
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { ...setup.tls, timeout: setup.connectTimeoutMs },
    maxResponseSize: setup.responseBytesMax ?? RESPONSE_BYTES_MAX,
    // The request timeout covers this phase.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const redirect = interceptors.redirect({ maxRedirections: REDIRECTIONS_MAX });
  return { agent, dispatcher: agent.compose(redirect), send: request };
}

function isConnectionEnd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && CONNECTION_ENDED.has(String(error.code));
}

/** Errors: rejects if the bytes are not gzip, or if they expand beyond the limit. */
async function unpack(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    const { gunzip } = process.getBuiltinModule('node:zlib');
    return await promisify(gunzip)(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Without the cause: a RangeError would be reported as an unforeseen exception.
    throw new Error(`the answer unpacks to more than ${bytesMax} bytes`);
  }
}

/** The https URL that a server which refuses plain HTTP names; undefined if it names none. */
function secureUrlOf(url: string, body: Buffer): string | undefined {
  const secure = new URL(url);
  const port = httpsPort(body);
  if (secure.protocol !== 'http:' || port === undefined) return undefined;
  secure.protocol = 'https:';
  secure.port = port.toString();
  return secure.href;
}

function httpsPort(body: Buffer): number | undefined {
  const answer = parseJson(body.toString());
  if (typeof answer !== 'object' || answer === null || !('https_port' in answer)) return undefined;
  const { https_port: port } = answer;
  const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= PORT_MAX;
  return isPort ? port : undefined;
}
