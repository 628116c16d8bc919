/**
 * Where a client is.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';

const MAPPED_IPV4 = '::ffff:';

/** The client's address without its port; empty for a unix socket. */
export function remoteHost({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  // A socket that listens on IPv6 shows IPv4 clients in mapped form; nsqd shows them as they are.
  return remoteAddress.startsWith(MAPPED_IPV4)
    ? remoteAddress.slice(MAPPED_IPV4.length)
    : remoteAddress;
}
