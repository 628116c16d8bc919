/**
 * Fetches JSON from nsqd and nsqlookupd over HTTP.
 *
 * Thread: main. Source: nsq `http_api.Client.GETV1`.
 */

import { parseJson } from '../../daemon/go/json.ts';
import { HttpClient } from '../../daemon/http-client.ts';
import { duration } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import type { Clock } from '../../shared/clock.ts';
import { isStranger, SERVERS, strangerText } from '../../shared/wrong-port.ts';
import { positive } from './tool.ts';

/** Options of tools that make requests. */
export const HTTP_CLIENT_TABLE = {
  connectTimeoutMs: option(
    duration,
    'HTTP',
    'http-client-connect-timeout',
    2000,
    'timeout for HTTP connect',
    positive,
  ),
  requestTimeoutMs: option(
    duration,
    'HTTP',
    'http-client-request-timeout',
    5000,
    'timeout for HTTP request',
    positive,
  ),
};

const OK_STATUS = 200;

/** How long a request may take. */
export type HttpTimeouts = { readonly connectTimeoutMs: number; readonly requestTimeoutMs: number };

export class HttpJson {
  readonly #client: HttpClient;

  constructor({ connectTimeoutMs, requestTimeoutMs }: HttpTimeouts, clock: Clock) {
    this.#client = new HttpClient({ connectTimeoutMs, requestTimeoutMs, clock, tls: {} });
  }

  /** `address`: host and port, or a URL. Errors: rejects if the answer is not a JSON object. */
  async get(address: string, path: string): Promise<Readonly<Record<string, unknown>>> {
    const { status, body } = await this.#client.get(urlOf(address, path));
    const text = body.toString();
    const [endpoint] = path.split('?');
    const meant = endpoint === '/stats' ? 'nsqd' : 'nsqlookupd';
    if (isStranger(status, text)) throw new Error(`${address}: ${strangerText(endpoint, meant)}`);
    if (status !== OK_STATUS) throw new Error(`got response ${status} ${JSON.stringify(text)}`);
    const answer = parseJson(text);
    if (typeof answer !== 'object' || answer === null) {
      throw new Error(
        `${address}: the answer is not a JSON object, so it is not ${SERVERS[meant]}`,
      );
    }
    return answer as Readonly<Record<string, unknown>>;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function urlOf(address: string, path: string): string {
  const base = address.includes('://') ? address : `http://${address}`;
  return `${base.replace(/\/+$/, '')}${path}`;
}
