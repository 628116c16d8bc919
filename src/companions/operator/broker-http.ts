/**
 * A client of a broker's HTTP API, for operator commands.
 *
 * Thread: main.
 */

import { httpErrorText, isStranger } from '../../shared/wrong-port.ts';
import { BadUsage, Refused, Unreachable } from './failures.ts';

/** The default address of the broker. */
const DEFAULT_ADDRESS = '127.0.0.1:4151';
/** The environment variable for another address. */
export const ADDRESS_VARIABLE = 'RINGMQ_HTTP';
/** The environment variable for the token of `--http-access`. */
export const TOKEN_VARIABLE = 'RINGMQ_TOKEN';
/** A broker usually answers within milliseconds. */
const TIMEOUT_MS = 30_000;
/** Endpoints that every broker has. */
const OF_NSQD =
  /^\/(?:stats|info|ping|m?pub|(?:topic|channel)\/(?:create|delete|empty|pause|unpause))$/;
const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;

/** The flags and variables of the address and the token, for error messages. */
type Sources = { readonly address: string; readonly token: string };

const SOURCES: Sources = {
  address: `--http-address or ${ADDRESS_VARIABLE}`,
  token: `--token or ${TOKEN_VARIABLE}`,
};

/** The broker and the credentials. */
export type BrokerAddress = {
  /** As HOST:PORT or as a URL; undefined: the one in the environment, or a broker on this machine. */
  readonly address?: string | undefined;
  /** Undefined: the one in the environment, or none. */
  readonly token?: string | undefined;
  /** Undefined: the flags and variables of operator commands. */
  readonly sources?: Sources;
};

/** An answer with any status. */
export type BrokerAnswer = { readonly status: number; readonly text: string };

export class BrokerHttp {
  /** Its URL, without a slash at the end. */
  readonly url: string;
  /** The operator's credentials over TCP, as the secret of AUTH; undefined without credentials. */
  readonly secret: string | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #sources: Sources;

  /** Errors: throws `BadUsage`. */
  constructor(
    { address, token, sources = SOURCES }: BrokerAddress,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    const given = address ?? (env[ADDRESS_VARIABLE] || DEFAULT_ADDRESS);
    const url = /^https?:\/\//.test(given) ? given : `http://${given}`;
    if (!URL.canParse(url)) {
      throw new BadUsage(
        `${sources.address} ${JSON.stringify(given)} is neither HOST:PORT nor a URL; ` +
          `write for example ${DEFAULT_ADDRESS}`,
      );
    }
    this.#sources = sources;
    const { username, password, origin, pathname } = new URL(url);
    this.url = (origin + pathname).replace(/\/+$/, '');
    const bearer = token ?? env[TOKEN_VARIABLE];
    this.secret = bearer || (username === '' ? undefined : tokenOf(username, password));
    this.#headers = {
      ...(username !== '' && { authorization: basic(username, password) }),
      ...(bearer !== undefined && bearer !== '' && { authorization: `Bearer ${bearer}` }),
    };
  }

  /**
   * Resolves with the answer's JSON, or undefined if it is empty or not JSON. Errors: rejects with `Refused` or
   * `Unreachable`.
   */
  async ask(method: string, path: string, body?: object | string | Buffer): Promise<unknown> {
    return parsed((await this.request(method, path, body)).text);
  }

  /** Like `ask`, but an answer of status 400 whose JSON has no message is a result too. */
  async askReport(method: string, path: string): Promise<unknown> {
    const { status, text } = await this.#answer(method, path, undefined);
    const json = parsed(text);
    const isReport = typeof json === 'object' && json !== null && !('message' in json);
    if (status < 300 || (status === BAD_REQUEST && isReport)) return json;
    throw this.#refused(path, status, text);
  }

  /** Resolves with the successful answer. A body that is neither text nor bytes is sent as JSON. */
  async request(
    method: string,
    path: string,
    body?: object | string | Buffer,
  ): Promise<BrokerAnswer> {
    const answer = await this.#answer(method, path, body);
    if (answer.status >= 300) throw this.#refused(path, answer.status, answer.text);
    return answer;
  }

  async #answer(
    method: string,
    path: string,
    body: object | string | Buffer | undefined,
  ): Promise<BrokerAnswer> {
    const response = await this.#fetch(method, path, body, AbortSignal.timeout(TIMEOUT_MS));
    try {
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  /** Resolves with a successful answer whose body is read as it arrives; `signal` ends it. */
  async open(method: string, path: string, signal?: AbortSignal): Promise<Response> {
    const response = await this.#fetch(method, path, undefined, signal);
    if (response.status >= 300) throw this.#refused(path, response.status, await response.text());
    return response;
  }

  async #fetch(
    method: string,
    path: string,
    body: object | string | Buffer | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    try {
      return await fetch(this.url + path, {
        method,
        headers: this.#headers,
        ...(signal !== undefined && { signal }),
        ...(body !== undefined && { body: encoded(body) }),
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): Unreachable {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return new Unreachable(
      `no answer from the broker at ${this.url} - ${httpErrorText(cause)}; ` +
        `${this.#sources.address} names another one`,
    );
  }

  #refused(path: string, status: number, text: string): Refused {
    const [endpoint] = path.split('?');
    if (isStranger(status, text)) {
      const why = OF_NSQD.test(endpoint)
        ? 'it is not a broker, whose HTTP port is usually 4151'
        : 'it is an nsqd or an older RingMQ, which cannot do this, or not a broker';
      return new Refused(`${this.url} has no ${endpoint}: ${why}`);
    }
    if (status !== UNAUTHORIZED) return refusalOf(status, text);
    return new Refused(
      this.secret === undefined
        ? `the broker asks for a token: ${this.#sources.token} gives one`
        : 'the broker does not accept this token; a token is written <name>.<secret>',
    );
  }
}

function encoded(body: object | string | Buffer): string | Uint8Array<ArrayBuffer> {
  // A Buffer of this program is backed by an ArrayBuffer.
  if (Buffer.isBuffer(body)) return body as Uint8Array<ArrayBuffer>;
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** A name and a secret as a token. */
function tokenOf(username: string, password: string): string {
  return `${decodeURIComponent(username)}.${decodeURIComponent(password)}`;
}

function basic(username: string, password: string): string {
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    // Not JSON: the answer has no fields to show.
    return undefined;
  }
}

/** The broker's reason, for the operator. */
function refusalOf(status: number, text: string): Refused {
  const json = parsed(text);
  const { reason, message, role } = (typeof json === 'object' && json !== null ? json : {}) as {
    reason?: unknown;
    message?: unknown;
    role?: unknown;
  };
  if (status === FORBIDDEN && typeof role === 'string') {
    return new Refused(`this needs the role ${role}, which the token does not have`);
  }
  if (typeof reason === 'string') return new Refused(reason);
  // nsqd's style, as in TOPIC_NOT_FOUND.
  if (typeof message === 'string') {
    return new Refused(message.toLowerCase().replaceAll('_', ' '));
  }
  return new Refused(`the broker answered ${status} ${text}`.trimEnd());
}
