/**
 * The auth servers: queried one after another, starting with a random one, until one gives a valid answer.
 *
 * Errors name the server but omit the query, which holds the client's secret.
 *
 * Thread: main. Source: nsq `QueryAnyAuthd`, `QueryAuthd`.
 */

import { hideCredentials } from '../../daemon/credentials.ts';
import { goJson, goQuote } from '../../daemon/go/go-text.ts';
import type { Guard } from '../../daemon/guard.ts';
import type { HttpClient, HttpResponse } from '../../daemon/http-client.ts';
import type { CertificateFacts } from '../../daemon/tls/certificate-facts.ts';
import { errorText } from '../../shared/error-text.ts';
import type { Options } from '../options/options.ts';
import { Grant } from './grant.ts';

/** The query about a client. */
export type AuthQuestion = {
  /** Without its port; empty for a unix socket. */
  readonly remoteIp: string;
  readonly isTls: boolean;
  /** Of the client's certificate; empty if it presented none. */
  readonly commonName: string;
  /** Missing without TLS. */
  readonly certificate?: CertificateFacts;
  /** As the client sent it: any bytes. */
  readonly secret: Buffer;
};

/** The dependencies. */
export type AuthServersSetup = {
  readonly client: Pick<HttpClient, 'get' | 'post'>;
  /** Each `<host>:<port>`, or a URL. */
  readonly addresses: readonly string[];
  readonly method: 'get' | 'post';
  readonly guard: Guard;
  /** Chooses the first server. Units: from 0 to below 1. */
  readonly random: () => number;
};

const STATUS_OK = 200;
/** Characters of a refusal in the error's text. */
const QUOTED_BYTES_MAX = 256;
/** Bytes of a refusal that are read. */
const SEARCHED_BYTES_MAX = 4096;
/** Replaces a secret. */
const HIDDEN = '***';
/** Bytes that a form does not encode: letters, digits and these. */
const PLAIN = /^[A-Za-z0-9._~-]$/;
const FORM_BYTES = Array.from({ length: 256 }, formByte);

export class AuthServers {
  readonly #setup: AuthServersSetup;

  /** Null if the options name none. */
  static of(
    options: Pick<Options, 'authHttpAddress' | 'authHttpRequestMethod'>,
    client: AuthServersSetup['client'],
    guard: Guard,
  ): AuthServers | null {
    if (options.authHttpAddress.length === 0) return null;
    return new AuthServers({
      client,
      addresses: options.authHttpAddress,
      method: options.authHttpRequestMethod === 'post' ? 'post' : 'get',
      guard,
      random: Math.random,
    });
  }

  constructor(setup: AuthServersSetup) {
    this.#setup = setup;
  }

  /** Errors: rejects if no server answers validly, with the failure of each. */
  async query(question: AuthQuestion): Promise<Grant> {
    const { addresses, guard, random } = this.#setup;
    const start = Math.floor(random() * addresses.length);
    const failures: string[] = [];
    for (const index of addresses.keys()) {
      const address = addresses[(start + index) % addresses.length];
      try {
        return await grantOf(await this.#ask(urlOf(address), question), question.secret);
      } catch (error) {
        guard.noteUnforeseen(`auth server ${hideCredentials(address)}`, error);
        failures.push(`failed to auth against ${hideCredentials(address)} - ${reasonOf(error)}`);
      }
    }
    throw new Error(failures.join('; '));
  }

  #ask(url: string, question: AuthQuestion): Promise<HttpResponse> {
    const { client, method } = this.#setup;
    if (method === 'get') return client.get(`${url}?${formOf(question)}`);
    return client.post(url, { type: 'application/json', text: jsonOf(question) });
  }
}

function urlOf(address: string): string {
  return address.includes('://') ? address : `http://${address}/auth`;
}

async function grantOf({ status, body }: HttpResponse, secret: Buffer): Promise<Grant> {
  if (status !== STATUS_OK) {
    // A server often repeats an unknown path, which contains the secret.
    const text = withoutSecret(body.subarray(0, SEARCHED_BYTES_MAX), secret);
    throw new Error(`got response ${status} ${goQuote(text.subarray(0, QUOTED_BYTES_MAX))}`);
  }
  return await Grant.parse(body.toString());
}

function withoutSecret(body: Buffer, secret: Buffer): Buffer {
  if (secret.length === 0) return body;
  const encoded = formEncode(secret);
  const text = body
    .toString('latin1')
    .replaceAll(secret.toString('latin1'), HIDDEN)
    .replaceAll(encoded, HIDDEN)
    .replaceAll(encoded.replaceAll('+', '%20'), HIDDEN);
  return Buffer.from(text, 'latin1');
}

/** The text of the HTTP client's error contains the URL and so the secret; its cause does not. */
function reasonOf(error: unknown): string {
  return errorText(error instanceof Error ? (error.cause ?? error) : error);
}

/** Shape: `name=value&…`, by name, encoded as forms are. */
function formOf(question: AuthQuestion): string {
  return fieldsOf(question)
    .map(([name, value]) => `${name}=${formEncode(value)}`)
    .join('&');
}

/** Shape: an object of lists with one text each, as Go writes a form's values. */
function jsonOf(question: AuthQuestion): string {
  const fields = fieldsOf(question).map(([name, value]) => [name, [value.toString()]]);
  return goJson(Object.fromEntries(fields));
}

function fieldsOf(question: AuthQuestion): [name: string, value: Buffer][] {
  return [
    ['common_name', Buffer.from(question.commonName)],
    ['remote_ip', Buffer.from(question.remoteIp)],
    ['secret', question.secret],
    ['tls', Buffer.from(String(question.isTls))],
  ];
}

/** Byte by byte, because a secret need not be text. */
function formEncode(bytes: Buffer): string {
  let encoded = '';
  for (const byte of bytes) encoded += FORM_BYTES[byte];
  return encoded;
}

function formByte(_: unknown, byte: number): string {
  const character = String.fromCharCode(byte);
  if (PLAIN.test(character)) return character;
  return character === ' ' ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
