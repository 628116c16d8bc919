/**
 * The address of a client.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import { joinHostPort } from './host-port.ts';

const MAPPED_IPV4 = '::ffff:';

/** The client's address without its port; empty for a unix socket. */
export function remoteHost({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  // A socket that listens on IPv6 shows IPv4 clients in mapped form; nsqd shows plain IPv4.
  return remoteAddress.startsWith(MAPPED_IPV4)
    ? remoteAddress.slice(MAPPED_IPV4.length)
    : remoteAddress;
}

/**
 * A client's address as Go writes it, with IPv6 in brackets; `@` for a unix socket and for a client that has
 * disconnected.
 */
export function clientAddress(host: string, port: number | undefined): string {
  return host === '' || port === undefined ? '@' : joinHostPort(host, port);
}

/** The same for a socket. */
export function socketAddress(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return clientAddress(remoteHost(socket), socket.remotePort);
}
