/**
 * The answer to a client that speaks HTTP to the TCP port.
 *
 * Thread: main. Source: nsqd answers `E_BAD_PROTOCOL` alone.
 */

import { ClientError } from '../../protocol/client-error.ts';
import { errorFrame } from '../../protocol/frames.ts';

/** The first four bytes of HTTP requests. */
const METHODS: ReadonlySet<string> = new Set([
  'GET ',
  'HEAD',
  'POST',
  'PUT ',
  'DELE',
  'OPTI',
  'PATC',
  'CONN',
  'TRAC',
]);

/** Whether the four bytes in place of the magic begin an HTTP request. */
export function isHttp(bytes: Buffer, at: number): boolean {
  return METHODS.has(bytes.toString('latin1', at, at + 4));
}

/**
 * nsqd's answer, followed by a line for people.
 *
 * Shape: a frame, then `\0\n` and the line. A client of the protocol reads these as the beginning of a frame that
 * never ends, so it sees only nsqd's answer.
 * Units: `httpPort` is 0 without HTTP, and -1 for a unix socket.
 */
export function httpHint(httpPort: number): Buffer {
  const frame = errorFrame(new ClientError('E_BAD_PROTOCOL', '').data);
  return Buffer.concat([
    frame,
    Buffer.from(`\0\nThis port speaks NSQ's TCP protocol; ${whereHttp(httpPort)}\n`),
  ]);
}

function whereHttp(httpPort: number): string {
  if (httpPort === 0) return 'HTTP is switched off';
  return httpPort === -1 ? 'HTTP is on a unix socket' : `HTTP is on port ${httpPort}`;
}
