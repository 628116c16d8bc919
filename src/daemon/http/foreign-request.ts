/**
 * Refuses requests that a page of another site makes a browser send. A browser sends a form, or a plain-text body, to
 * any address that it can reach, without asking. A user inside the network who opens such a page would publish and
 * delete on its behalf. Browsers send the origin of a request, and other clients do not.
 *
 * A page whose name points to 127.0.0.1 can also pass as a page of the broker. A broker that only this machine can
 * reach therefore answers only to this machine's names.
 *
 * Thread: main. Source: ours; nsqd answers every request.
 */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type Answer, refusal } from './answer.ts';

/** The headers that show where a request comes from. */
type Asked = Pick<IncomingMessage, 'headers'>;

/** A page of another site requests something that changes or stalls the broker. */
const FOREIGN_ORIGIN = refusal(403, 'FOREIGN_ORIGIN');
/** The request is for a name that this machine does not have. */
const FOREIGN_HOST = refusal(403, 'FOREIGN_HOST');

/** The broker's own page, or the user. Any other value means another site. */
const OWN_SITES: ReadonlySet<unknown> = new Set(['same-origin', 'none']);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const NO_HOSTS: ReadonlySet<string> = new Set();
const PORT = /:(\d*)$/;
const LOCAL_SUFFIX = '.localhost';

/**
 * Why a request that changes something must be refused; undefined if no other site has sent it. `pageHosts`: names by
 * which browsers reach this site through a proxy.
 */
export function originRefusal(
  { headers }: Asked,
  pageHosts: ReadonlySet<string> = NO_HOSTS,
): Answer | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && !OWN_SITES.has(site)) return FOREIGN_ORIGIN;
  const { origin } = headers;
  if (origin === undefined || isOrigin(origin, headers.host)) return undefined;
  const isTrusted = URL.canParse(origin) && pageHosts.has(new URL(origin).hostname);
  return isTrusted ? undefined : FOREIGN_ORIGIN;
}

/**
 * Why a request must be refused on a listener that only this machine can reach. The names are valid in addition to the
 * machine's own.
 */
export function hostRefusal(
  { headers: { host } }: Asked,
  names: ReadonlySet<string>,
): Answer | undefined {
  // HTTP/1.0 clients may omit the host; browsers never do.
  if (host === undefined || host === '') return undefined;
  const name = hostName(host);
  // No attacker can redirect an address, or register a name of one word.
  if (isIP(name) !== 0 || !name.includes('.') || name.endsWith(LOCAL_SUFFIX)) return undefined;
  return names.has(name) ? undefined : FOREIGN_HOST;
}

/** A host in normal form: without port, brackets, final dot and upper case. */
export function hostName(host: string): string {
  const name = host.toLowerCase().replace(PORT, '').replace(/\.$/, '');
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}

/** Whether an origin, with either scheme, equals the address of the request. Shape: `<scheme>://<host>[:<port>]`. */
function isOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, hostname, port } = new URL(origin);
  const defaultPort = DEFAULT_PORTS[protocol];
  if (defaultPort === undefined) return false;
  const asked = PORT.exec(host)?.[1] || defaultPort;
  const name = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return name === hostName(host) && (port || defaultPort) === asked;
}
