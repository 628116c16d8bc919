/**
 * Recognizes by an answer that an address belongs to another port, or to another program of nsq.
 *
 * Thread: any (pure).
 */

import { errorText } from './error-text.ts';

/** "HTTP", where a frame or a reply has its size. */
const HTTP_WORD = 0x48545450;
/** "E_", where a frame has its type: errors of nsqlookupd have none. */
const ERROR_START = 0x455f;
const HALF_BITS = 16;
/** The errors of Node's two parsers of HTTP. */
const PARSE_ERROR = /^HPE_|^HTTPParserError/;

/** What was received instead of a frame, given its impossible size. */
export function impossibleSize(size: number, sizeMax: number): string {
  if (size !== HTTP_WORD) return `a frame of ${size} bytes, ${sizeMax} at most`;
  return 'HTTP, so this is an HTTP port; the TCP port of a broker is usually 4150';
}

/** What was received instead of a reply of nsqlookupd, given its impossible size. */
export function impossibleReply(size: number, sizeMax: number): string {
  if (size !== HTTP_WORD) return `reply of ${size} bytes, ${sizeMax} at most`;
  return 'it answers in HTTP, so this is an HTTP port; the TCP port of nsqlookupd is usually 4160';
}

/** What was received instead of a frame, given its unknown type. */
export function impossibleType(type: number): string {
  if (type >>> HALF_BITS !== ERROR_START) return `a frame of unknown type ${type}`;
  return 'an answer of nsqlookupd, whose TCP port this is; that of a broker is usually 4150';
}

/** The text of an error of an HTTP request; says so if the server does not speak HTTP. */
export function httpErrorText(error: unknown): string {
  if (!isNoHttp(error)) return errorText(error);
  return (
    'it does not answer in HTTP, so this may be a TCP port; ' +
    'the HTTP port of nsqd is usually 4151, that of nsqlookupd 4161'
  );
}

/** The name of each kind of server in messages; any broker counts as nsqd. */
export const SERVERS = { nsqd: 'a broker', nsqlookupd: 'an nsqlookupd' } as const;

/** Why a server without this path is not the intended one. */
export function strangerText(path: string, meant: keyof typeof SERVERS): string {
  const port = meant === 'nsqd' ? 4151 : 4161;
  return `it has no ${path}, so it is not ${SERVERS[meant]}, whose HTTP port is usually ${port}`;
}

/** Whether an answer of status 404 is that of a server of nsq without the path, and not one about a topic. */
export function isStranger(status: number, text: string): boolean {
  return status === 404 && /"message"\s*:\s*"NOT_FOUND"/.test(text);
}

function isNoHttp(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return PARSE_ERROR.test(code) || PARSE_ERROR.test(error.name) || isNoHttp(error.cause);
}
