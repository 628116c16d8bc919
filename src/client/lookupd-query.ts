/**
 * One query to an nsqlookupd. The size of its answer is limited, and every field is validated.
 *
 * Thread: any. Source: nsqlookupd's `/lookup` and `/nodes`; the envelope of versions before 1.0 is supported too.
 */

import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { httpErrorText, isStranger, strangerText } from '../shared/wrong-port.ts';
import { type Address, addressOf } from './address.ts';
import { CoarseTimers } from './coarse-timers.ts';
import type { Environment } from './environment.ts';
import type { LookupdSettings } from './lookupd-options.ts';
import { request as httpRequest } from './node-http.ts';
import { NsqError } from './nsq-error.ts';

const OK_STATUS = 200;
const NOT_FOUND_STATUS = 404;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Most brokers of one answer; the rest is ignored. */
const PRODUCERS_MAX = 1024;
const PORT_MAX = 65_535;
const HOST = /^[\w.:%-]{1,255}$/;

/**
 * Queries the brokers of a topic or, without a topic, all brokers. An unknown topic yields none.
 *
 * Errors: rejects with an NsqError, LOOKUP_FAILED.
 */
export async function queryLookupd(
  base: URL,
  topic: string | null,
  settings: LookupdSettings,
  environment: Environment,
): Promise<Address[]> {
  const url = new URL(base);
  if (url.pathname === '/') url.pathname = topic === null ? '/nodes' : '/lookup';
  if (topic !== null) url.searchParams.set('topic', topic);
  try {
    return producersOf(await fetchText(url, settings, environment));
  } catch (cause) {
    const address = base.host;
    const text = `the query to the nsqlookupd ${address} failed: ${httpErrorText(cause)}`;
    throw new NsqError('LOOKUP_FAILED', text, { topic: topic ?? undefined, address, cause });
  }
}

/** The body of an answer; undefined if the topic is unknown. */
function fetchText(
  url: URL,
  { timeoutMs, authorization }: LookupdSettings,
  environment: Environment,
): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const headers: Record<string, string> = { accept: 'application/vnd.nsq; version=1.0' };
  if (authorization !== null) headers['authorization'] = authorization;
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(url, { headers, agent: false }, (response) => {
    response.on('error', reject);
    readText(response).then(resolve, reject);
  });
  const timer = CoarseTimers.of(environment.clock).timer(() => {
    request.destroy(new Error(`no answer within ${timeoutMs} ms`));
  });
  request.on('error', reject);
  request.on('close', () => {
    timer.clear();
    reject(new Error('it ended the connection'));
  });
  timer.setIn(timeoutMs);
  request.end();
  return promise;
}

async function readText(response: IncomingMessage): Promise<string | undefined> {
  const { statusCode = 0 } = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX)
      throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
  }
  const text = Buffer.concat(chunks).toString();
  if (isStranger(statusCode, text)) throw new Error(strangerText('/lookup', 'nsqlookupd'));
  if (statusCode === NOT_FOUND_STATUS) return undefined;
  if (statusCode !== OK_STATUS) throw new Error(`status ${statusCode}`);
  return text;
}

/** The brokers of an answer; none without one. Errors: throws if it is not one of an nsqlookupd. */
export function producersOf(text: string | undefined): Address[] {
  if (text === undefined) return [];
  const answer = parsed(text);
  const data = fieldOf(answer, 'producers') === undefined ? fieldOf(answer, 'data') : answer;
  const producers = fieldOf(data, 'producers');
  if (!Array.isArray(producers)) throw new Error('an answer without producers');
  const found = new Map<string, Address>();
  for (const producer of producers.slice(0, PRODUCERS_MAX)) {
    const host = fieldOf(producer, 'broadcast_address') ?? fieldOf(producer, 'hostname');
    const port = fieldOf(producer, 'tcp_port');
    // an invalid entry does not affect the others
    if (typeof host !== 'string' || !HOST.test(host)) continue;
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > PORT_MAX)
      continue;
    const address = addressOf(host, port);
    found.set(address.text, address);
  }
  return [...found.values()];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The position of a JSON error does not help a user with a wrong address.
    throw new Error('an answer that is not JSON, so it is not an nsqlookupd');
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  // The fields are validated where they are used.
  return (value as Record<string, unknown>)[name];
}
