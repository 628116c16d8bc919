/**
 * Refuses ambiguous requests: a proxy in front of the broker might read another request, or another number of
 * requests, than the broker does. Node's parser refuses most of these; this file covers those that it accepts.
 *
 * Thread: main.
 * Source: Go's `readRequest`, `readTransfer` and `conn.readRequest`. Differs for HTTP/1.0 with a `Transfer-Encoding`,
 * which Go ignores, so that it reads the body as another request.
 */

import type { IncomingMessage } from 'node:http';
import { type Answer, closingAnswer, closingText } from './answer.ts';

/** The parts of a request that are checked. */
type Framing = Pick<
  IncomingMessage,
  'httpVersionMajor' | 'httpVersionMinor' | 'rawHeaders' | 'method'
>;

/** The characters that RFC 3986 allows in an authority. */
const HOST = /^[A-Za-z0-9!$%&'()*+,\-.:;=[\]_~]*$/;

const CONTINUE = /(?:^|[ \t,])100-continue(?:$|[ \t,])/i;

const MISSING_HOST = closingAnswer(400, 'missing required Host header');
const MANY_HOSTS = closingAnswer(400);
const MALFORMED_HOST = closingAnswer(400, 'malformed Host header');
const ENCODED_TOO_EARLY = closingAnswer(400, 'Transfer-Encoding in HTTP/1.0');
const NO_VERSION = closingAnswer(400);
const UNKNOWN_VERSION = closingAnswer(505, 'unsupported protocol version');
const UNKNOWN_ENCODING = closingText(501, 'Unsupported transfer encoding');
/** Go reads a length as a signed number of 64 bits. */
const LENGTH_MAX = 2n ** 63n - 1n;
/** Shorter numbers are never above it. */
const LENGTH_DIGITS = 19;
const LENGTH_TOO_LARGE = closingAnswer(400);

/** The answer to a request that must not be handled, after which its connection closes; undefined for a valid one. */
export function framingRefusal(request: Framing): Answer | undefined {
  const { httpVersionMajor: major, httpVersionMinor: minor, rawHeaders } = request;
  // Node shows a request line without a version as HTTP/0.9. Go refuses that as malformed.
  if (major === 0) return NO_VERSION;
  if (major !== 1) return UNKNOWN_VERSION;
  let host: string | undefined;
  let encoding: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (isName(name, 'host')) {
      if (host !== undefined) return MANY_HOSTS;
      host = rawHeaders[index + 1];
    } else if (isName(name, 'transfer-encoding')) {
      if (encoding !== undefined) return UNKNOWN_ENCODING;
      encoding = rawHeaders[index + 1];
    } else if (isName(name, 'content-length') && isTooLarge(rawHeaders[index + 1])) {
      return LENGTH_TOO_LARGE;
    }
  }
  if (host === undefined && minor === 1 && request.method !== 'CONNECT') return MISSING_HOST;
  if (host !== undefined && !HOST.test(host)) return MALFORMED_HOST;
  if (encoding === undefined) return undefined;
  if (minor === 0) return ENCODED_TOO_EARLY;
  return encoding.toLowerCase() === 'chunked' ? undefined : UNKNOWN_ENCODING;
}

/** Whether the client expects anything other than `100-continue`. Source: Go's `expectsContinue`. */
export function hasUnknownExpectation({
  headers: { expect },
}: Pick<IncomingMessage, 'headers'>): boolean {
  return expect !== undefined && expect !== '' && !CONTINUE.test(expect);
}

/** Node's parser has checked that it is a number. */
function isTooLarge(length: string): boolean {
  return length.length >= LENGTH_DIGITS && BigInt(length) > LENGTH_MAX;
}

/** Compares lengths first, since most names differ there. */
function isName(name: string, wanted: string): boolean {
  return name.length === wanted.length && name.toLowerCase() === wanted;
}
