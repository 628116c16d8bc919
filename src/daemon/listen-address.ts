/**
 * Where to listen: an address option as nsqd reads it.
 *
 * Thread: any. Source: nsqd `util.TypeOfAddr`.
 */

/** A TCP address, or the path of a unix socket. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

const HOST_AND_PORT = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:]*)):(?<port>\d{1,5})$/;
const PORT_MAX = 65535;
/** Listens on every address, of IPv4 as well. */
const ANY_HOST = '::';

/** Whatever cannot be split into host and port is a path. */
export function parseListenAddress(text: string): ListenAddress {
  const groups = HOST_AND_PORT.exec(text)?.groups;
  const port = Number(groups?.['port']);
  if (groups === undefined || port > PORT_MAX) return { path: text };
  const host = groups['v6'] ?? groups['host'] ?? '';
  return { host: host === '' ? ANY_HOST : host, port };
}

/** As it is logged. */
export function addressText(address: ListenAddress): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}
