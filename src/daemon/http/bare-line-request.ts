/**
 * Requests whose lines end in a bare LF, as shell scripts write them. Go takes them, and Node's parser does not. It is
 * right where both kinds of line ends are in one request: a reader that does not know a bare LF reads other fields out
 * of it. So such a request is taken only if nobody can read anything else out of it: no line of it ends in CR LF, it
 * has no body, nothing follows it, and it is all that the connection brings.
 *
 * Thread: main. Source: Go's `textproto.Reader.ReadLine`.
 */

import type { Socket } from 'node:net';

/** What Node's parser says of a request, and what it was given. */
type ParserError = { readonly code?: string; readonly rawPacket?: Buffer };

/** The first line already ends in the wrong way. */
const WRONG_LINE_END = 'HPE_INVALID_VERSION';
const HEAD_END = '\n\n';
const CARRIAGE_RETURN = '\r';
/** Fields by which a request has a body. */
const BODY_FIELD = /^(?:content-length|transfer-encoding)[ \t]*:/im;

/** The request with its lines ended as they should be; undefined where it must not be taken. */
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
