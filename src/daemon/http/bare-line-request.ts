/**
 * Requests whose lines end in a bare LF, as shell scripts write them. Go accepts them, and Node's parser does not.
 * Node is right if a request mixes both line ends, because a proxy that does not accept a bare LF would read other
 * fields. So such a request is accepted only if it has one possible meaning: no line ends in CR LF, it has no body,
 * and nothing precedes or follows it on the connection.
 *
 * Thread: main. Source: Go's `textproto.Reader.ReadLine`.
 */

import type { Socket } from 'node:net';

/** The parser's error and its input. */
type ParserError = { readonly code?: string; readonly rawPacket?: Buffer };

/** The parser's error for a first line that ends in a bare LF. */
const WRONG_LINE_END = 'HPE_INVALID_VERSION';
const HEAD_END = '\n\n';
const CARRIAGE_RETURN = '\r';
/** Header fields of a request with a body. */
const BODY_FIELD = /^(?:content-length|transfer-encoding)[ \t]*:/im;

/** The request with CR LF line ends; undefined if it must not be accepted. */
export function bareLineRequest(
  { code, rawPacket }: ParserError,
  { bytesRead }: Pick<Socket, 'bytesRead'>,
): string | undefined {
  if (code !== WRONG_LINE_END || rawPacket === undefined) return undefined;
  if (rawPacket.length !== bytesRead) return undefined;
  const text = rawPacket.toString('latin1');
  if (text.indexOf(HEAD_END) !== text.length - HEAD_END.length) return undefined;
  if (text.includes(CARRIAGE_RETURN) || BODY_FIELD.test(text)) return undefined;
  return text.replaceAll('\n', '\r\n');
}
