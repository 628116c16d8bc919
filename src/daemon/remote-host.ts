/**
 * Where a client is.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import { joinHostPort } from './host-port.ts';

const MAPPED_IPV4 = '::ffff:';

/** The client's address without its port; empty for a unix socket. */
export function remoteHost({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  // A socket that listens on IPv6 shows IPv4 clients in mapped form; nsqd shows them as they are.
  return remoteAddress.startsWith(MAPPED_IPV4)
    ? remoteAddress.slice(MAPPED_IPV4.length)
    : remoteAddress;
}

/**
 * A client's address as Go writes it, IPv6 in brackets; `@` for a unix socket, and for a client that has gone already.
 */
export function clientAddress(host: string, port: number | undefined): string {
  return host === '' || port === undefined ? '@' : joinHostPort(host, port);
}

/** The same of a socket. */
export function socketAddress(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return clientAddress(remoteHost(socket), socket.remotePort);
}
