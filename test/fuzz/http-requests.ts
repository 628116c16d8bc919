/**
 * The input of a client on one HTTP connection: requests of all kinds, many of them nearly valid, all from a seeded
 * generator.
 */

import type { Random } from '../support/seeded-random.ts';

const REQUESTS_MAX = 5;
const BODY_BYTES_MAX = 40;
const LARGE_BODY_BYTES = 70_000;

const TARGETS = [
  '/pub?topic=t',
  '/pub?topic=t',
  '/pub?topic=t&defer=5',
  '/pub?topic=t&defer=x',
  '/pub?topic=u%23ephemeral',
  '/pub?topic=b%zzd',
  '/pub?topic=a;b',
  '/pub?topic=',
  '/pub?',
  '/pub',
  '/pub/?topic=t',
  '/Pub?topic=t',
  '/pub?topic=t#x',
  'http://x/pub?topic=t',
  '/mpub?topic=t',
  '/mpub?topic=t&binary=true',
  '/mpub?topic=t&binary=maybe',
  '/mpub?topic=new',
  '/ping',
  '/stats?format=json',
];
const METHODS = ['POST', 'POST', 'POST', 'POST', 'POST', 'POST', 'GET', 'PUT', 'post'];
const HOSTS = [
  'Host: x',
  'Host: x',
  'host:127.0.0.1:4151',
  'HOST:   [::1]',
  'Host: a.b',
  'Host: x\r\nHost: x',
  'Host: a b',
  'Host:',
  'X: y',
];
const FIELDS = [
  'Accept: */*',
  'User-Agent: a (b; c) "d"',
  'X-Empty:',
  'Connection: keep-alive',
  'connection: Keep-Alive',
  'Connection: keep-alive, foo',
  'Keep-Alive: timeout=5',
  'Expect: 100-continue',
  'Expect: foo',
  'Origin: http://x',
  'Origin: http://evil',
  'Sec-Fetch-Site: cross-site',
  'Upgrade: websocket',
  'TE: trailers',
  'X: a\tb',
  'X: a\x01b',
  'X: \xff',
  'X : y',
  ': y',
  'X: a\r\n b',
  'Content-Length: 1',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Proxy-Connection: close',
];
const USUAL_FIELDS = 5;
const LAST_FIELDS = ['Connection: close', 'Connection: Close', 'connection: close'];
const LENGTH_FORMS = [
  (length: number) => `Content-Length: ${length}`,
  (length: number) => `content-length:${length}`,
  (length: number) => `Content-Length:  ${length}`,
  (length: number) => `Content-Length: 0${length}`,
  (length: number) => `Content-Length: +${length}`,
  (length: number) => `Content-Length: ${length} `,
  (length: number) => `Content-Length: ${length}, ${length}`,
  (length: number) => `Content-Length: ${length + 1}`,
];
const SIZE_FORMS = [
  (size: number) => size.toString(16),
  (size: number) => `0${size.toString(16).toUpperCase()}`,
  (size: number) => `${size.toString(16)};a=b`,
  (size: number) => `${size.toString(16)} `,
  (size: number) => `+${size.toString(16)}`,
];
/** Bytes that a change puts in; no bare LF, which is taken or not as reads happen to fall. */
const CHANGED = ' \t\r:;,%?#\0\x7f\xffAaz09-{';

/** The bytes of a connection, up to its end. */
export function nextConnection(random: Random): Buffer {
  const count = 1 + random(REQUESTS_MAX);
  const requests: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    requests.push(nextRequest(random, index === count - 1));
  }
  const bytes = Buffer.concat(requests);
  const change = random(6);
  if (change === 0) return bytes.subarray(0, random(bytes.length));
  if (change === 1) bytes[random(bytes.length)] = CHANGED.charCodeAt(random(CHANGED.length));
  return bytes;
}

function nextRequest(random: Random, isLast: boolean): Buffer {
  const isUsual = random(3) > 0;
  const target = isUsual ? TARGETS[random(2)] : TARGETS[random(TARGETS.length)];
  const method = isUsual ? 'POST' : METHODS[random(METHODS.length)];
  const lines = [`${method} ${target} HTTP/1.${isUsual || random(8) > 0 ? 1 : 0}`];
  lines.push(isUsual ? HOSTS[random(3)] : HOSTS[random(HOSTS.length)]);
  const fieldCount = random(3);
  for (let index = 0; index < fieldCount; index++) {
    lines.push(FIELDS[random(isUsual || random(2) > 0 ? USUAL_FIELDS : FIELDS.length)]);
  }
  if (isLast && random(4) === 0) lines.push(LAST_FIELDS[random(LAST_FIELDS.length)]);
  const body = nextBody(random);
  if (random(3) > 0) {
    lines.push(LENGTH_FORMS[isUsual ? random(3) : random(LENGTH_FORMS.length)](body.length));
    return withHead(lines, body);
  }
  lines.push(isUsual || random(4) > 0 ? 'Transfer-Encoding: chunked' : 'transfer-encoding:CHUNKED');
  return withHead(lines, chunked(random, body, isUsual));
}

function withHead(lines: readonly string[], body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

function nextBody(random: Random): Buffer {
  switch (random(8)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.from('one\ntwo\n\nthree');
    case 2:
      return Buffer.from([0, 0, 0, 2, 0, 0, 0, 1, 97, 0, 0, 0, 1, 98]);
    case 3:
      return random(4) === 0 ? Buffer.alloc(LARGE_BODY_BYTES, 'x') : Buffer.from('x');
    default:
      return Buffer.from(Array.from({ length: 1 + random(BODY_BYTES_MAX) }, () => random(256)));
  }
}

function chunked(random: Random, body: Buffer, isUsual: boolean): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = Math.min(body.length - at, 1 + random(body.length));
    const form = SIZE_FORMS[isUsual ? random(2) : random(SIZE_FORMS.length)];
    parts.push(Buffer.from(`${form(size)}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'));
    at += size;
  }
  const trailers = isUsual || random(4) > 0 ? '' : 'A: b\r\n';
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailers}\r\n`)]);
}
