/**
 * Where a peer is: the `<host>:<port>` of an option that names a server to talk to.
 *
 * Thread: any. Source: Go's `net.SplitHostPort`, `net.JoinHostPort`.
 */

/** A host, IPv6 without brackets, and its port. */
export type PeerAddress = { readonly host: string; readonly port: number };

const HOST_AND_PORT = /^(?:\[(?<v6>[^\][]*)\]|(?<host>[^:\][]*)):(?<port>\d{1,5})$/;
const PORT_MAX = 65535;
/** The host that is meant where none is named. */
const THIS_HOST = 'localhost';

/** The text as an address, or undefined if it is none. A port of 0 is nobody's. */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const groups = HOST_AND_PORT.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const port = Number(groups['port']);
  if (port === 0 || port > PORT_MAX) return undefined;
  const host = groups['v6'] ?? groups['host'] ?? '';
  return { host: host === '' ? THIS_HOST : host, port };
}

/** As it stands in a URL or an option: an IPv6 host in brackets. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
