/**
 * Sends random requests to the HTTP API: every path and method, with damaged heads. Each connection must end, each
 * answer must be valid HTTP, and none may say that the broker could not handle a request.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { randomChunks } from '../support/chunks.ts';
import { startApi } from '../support/http-api.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';

const METHODS = ['GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'CONNECT', 'X'];
/** The whole API, except requests that take part of a second. */
const PATHS = [
  '/',
  '/ping',
  '/info',
  '/metrics',
  '/stats',
  '/pub',
  '/mpub',
  '/topic/create',
  '/topic/delete',
  '/topic/empty',
  '/topic/pause',
  '/channel/create',
  '/channel/delete',
  '/channel/unpause',
  '/config/log_level',
  '/config/nsqlookupd_tcp_addresses',
  '/policy',
  '/policy/effective',
  '/policy/p',
  '/debug/pprof/',
  '/debug/pprof/cmdline',
  '/debug/setblockrate',
  '*',
  'http://h/ping',
  'h:1',
];
const KEYS = ['topic', 'channel', 'format', 'include_clients', 'defer', 'binary', 'rate', ''];
const VALUES = ['t', 'c', 'json', 'text', 'true', '1', '-1', '9'.repeat(40), '%00', '%zz', 'é', ''];
const FIELDS = [
  'Host: x',
  'Host: 127.0.0.1:4151',
  'Origin: http://evil',
  'Sec-Fetch-Site: cross-site',
  'Connection: close',
  'Connection: upgrade',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: x',
  'Content-Length: 3',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip',
  'Accept: application/json',
  'Accept-Encoding: gzip',
  'If-None-Match: *',
  'Range: bytes=0-1',
  'X-Forwarded-For: a, b',
  'Content-Type: multipart/form-data; boundary="',
  'X: \xff\x80',
  'X:',
];
const BODIES = [
  '',
  'abc',
  '{}',
  '["a:1"]',
  '{"pattern":"*","definition":{}}',
  '3\r\nabc\r\n0\r\n\r\n',
  '[[[[',
];
/** Bytes that a change inserts. */
const CHANGED = ' \t\r\n:;,%?#&=\0\x7f\xff/09az';
const REQUESTS_MAX = 3;
const PIECE_BYTES_MAX = 200;
const ANSWER_START = /^HTTP\/1\.[01] [1-5]\d\d /;
const LOGGED_UNHANDLED = /cannot be handled|panic in HTTP handler/;

/** Registers clean-up steps. */
type Site = { readonly after: (cleanUp: () => unknown) => void };

/**
 * Makes one connection after the other, until `isEnough` of them. Returns their number.
 * Errors: rejects with the first finding, named by seed and round, with the bytes in base64.
 */
export async function fuzzHttpHeads(
  site: Site,
  seed: number,
  isEnough: (rounds: number) => boolean,
): Promise<number> {
  const random = seededRandom(seed);
  const { port, log, broker } = await startApi(site, { maxMsgSize: 1000, maxBodySize: 80_000 });
  let rounds = 0;
  while (!isEnough(rounds)) {
    broker.topics.set('t', new Set(['c']));
    log.length = 0;
    const bytes = nextHeads(random);
    const answers = await exchange(port, randomChunks(bytes, random, PIECE_BYTES_MAX));
    const isGood =
      (answers === '' || ANSWER_START.test(answers)) &&
      !log.some((line) => LOGGED_UNHANDLED.test(line));
    if (!isGood) {
      const input = bytes.toString('base64').slice(0, 2000);
      const found = [answers.slice(0, 500), ...log].join('\n');
      throw new Error(`http heads, seed ${seed}, round ${rounds}: ${input}\n${found}`);
    }
    rounds++;
  }
  return rounds;
}

/** The whole output until the connection ends. */
async function exchange(port: number, parts: readonly Buffer[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  // A reset appears as the end.
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  for (const part of parts) {
    if (socket.destroyed) break;
    await new Promise((resolve) => socket.write(part, resolve));
  }
  socket.end();
  await ended;
  socket.destroy();
  return Buffer.concat(chunks).toString('latin1');
}

function nextHeads(random: Random): Buffer {
  const requests = Array.from({ length: 1 + random(REQUESTS_MAX) }, () => nextRequest(random));
  const bytes = Buffer.from(requests.join(''), 'latin1');
  for (let count = random(3); count > 0; count--) {
    bytes[random(bytes.length)] = CHANGED.charCodeAt(random(CHANGED.length));
  }
  return random(6) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

function nextRequest(random: Random): string {
  const pick = (list: readonly string[]): string => list[random(list.length)];
  const query = Array.from({ length: random(4) }, () => `${pick(KEYS)}=${pick(VALUES)}`).join('&');
  const target = `${pick(PATHS)}${query === '' ? '' : '?'}${query}`;
  const fields = Array.from({ length: random(5) }, () => pick(FIELDS));
  const lines = [`${pick(METHODS)} ${target} HTTP/1.${random(8) === 0 ? 0 : 1}`, ...fields];
  return `${lines.join('\r\n')}\r\n\r\n${random(3) === 0 ? pick(BODIES) : ''}`;
}
