/**
 * A client of a broker's HTTP API, for operator commands.
 *
 * Thread: main.
 */

import { errorText } from '../../shared/error-text.ts';

/** The default address of the broker. */
const DEFAULT_ADDRESS = '127.0.0.1:4151';
/** The environment variable for another address. */
const ADDRESS_VARIABLE = 'RINGMQ_HTTP';
/** A broker usually answers within milliseconds. */
const TIMEOUT_MS = 30_000;

/** A failed request; the message is for the operator. */
export class BrokerFailure extends Error {}

export class BrokerHttp {
  readonly #base: string;

  /** `address` as HOST:PORT or as a URL; `undefined` for the one in the environment, or a broker on this machine. */
  constructor(address: string | undefined, env: Readonly<Record<string, string | undefined>>) {
    const given = address ?? env[ADDRESS_VARIABLE] ?? DEFAULT_ADDRESS;
    const url = /^https?:\/\//.test(given) ? given : `http://${given}`;
    if (!URL.canParse(url)) {
      throw new BrokerFailure(
        `--http-address ${JSON.stringify(given)} is no HOST:PORT and no URL, such as ${DEFAULT_ADDRESS}`,
      );
    }
    this.#base = url.replace(/\/+$/, '');
  }

  /** Resolves with the answer's JSON; empty answers are undefined. Errors: rejects with `BrokerFailure`. */
  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const { status, text } = await this.#request(method, path, body);
    const json = parsed(text);
    if (status < 300) return json;
    throw new BrokerFailure(reasonOf(json) ?? `the broker answered ${status} ${text}`.trimEnd());
  }

  async #request(
    method: string,
    path: string,
    body: object | undefined,
  ): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(this.#base + path, {
        method,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new BrokerFailure(
        `no answer from the broker at ${this.#base} - ${errorText(cause)}; ` +
          `--http-address or ${ADDRESS_VARIABLE} names another one`,
      );
    }
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The reason in the broker's error answer. */
function reasonOf(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { reason, message } = json as { reason?: unknown; message?: unknown };
  if (typeof reason === 'string') return reason;
  // nsqd's style, as in TOPIC_NOT_FOUND.
  return typeof message === 'string' ? message.toLowerCase().replaceAll('_', ' ') : undefined;
}
